package deploy_test

import (
	"debug/elf"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// repository is the root of the gateway's module, which is the build context.
const repository = ".."

func TestImageHoldsStaticBinary(t *testing.T) {
	t.Parallel()
	binary := buildImage(t, "linux", map[string]string{"VERSION": "1.2.3", "COMMIT": "0123abc"})

	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary needs a dynamic loader, which a scratch image lacks")
		}
	}
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary needs %q, which a scratch image lacks", libraries)
	}
	if f.Section(".debug_info") != nil {
		t.Error("the binary holds debug information, want it stripped")
	}

	if runtime.GOOS != "linux" {
		return
	}
	out, err := exec.CommandContext(t.Context(), binary, "version").CombinedOutput()
	if err != nil {
		t.Fatalf("wxgate version: %v\n%s", err, out)
	}
	for _, want := range []string{"1.2.3", "0123abc"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("wxgate version = %q, want %q from the build arguments in it", out, want)
		}
	}
}

func TestImageRunsWithoutRoot(t *testing.T) {
	t.Parallel()
	final := dockerfileStages(t)[""]

	if got, want := final.one(t, "FROM"), "scratch"; got != want {
		t.Errorf("final stage is FROM %s, want %s", got, want)
	}
	if got, want := final.one(t, "USER"), "65532:65532"; got != want {
		t.Errorf("USER = %s, want %s", got, want)
	}
	if got, want := final.one(t, "EXPOSE"), "8080"; got != want {
		t.Errorf("EXPOSE = %s, want %s", got, want)
	}

	var copied []string
	for _, args := range final.all("COPY") {
		copied = append(copied, path.Clean(lastField(args)))
	}
	// crypto/x509 reads this file first on Linux.
	if want := "/etc/ssl/certs/ca-certificates.crt"; !slices.Contains(copied, want) {
		t.Errorf("final stage copies %q, want %s among them", copied, want)
	}
	entry := strings.Trim(final.one(t, "ENTRYPOINT"), `[]"`)
	if !slices.Contains(copied, entry) {
		t.Errorf("ENTRYPOINT = %s, which is not copied: %q", entry, copied)
	}
}

// The release builds the stage prebuilt, everyone else the final one.
func TestPrebuiltImageIsTheSame(t *testing.T) {
	t.Parallel()
	stages := dockerfileStages(t)
	settings := func(s stage) (lines []string) {
		for _, in := range s {
			switch {
			case in.verb == "COPY":
				lines = append(lines, "COPY to "+lastField(in.args))
			case in != instruction{"ARG", "TARGETPLATFORM"}:
				lines = append(lines, in.verb+" "+in.args)
			}
		}
		return lines
	}
	if got, want := settings(stages["prebuilt"]), settings(stages[""]); !slices.Equal(got, want) {
		t.Errorf("stage prebuilt:\n%s\nwant as the final stage:\n%s",
			strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// buildImage runs the Dockerfile's build stage in an empty directory, with the
// build context that .dockerignore allows, and returns the path of the binary that
// the final stage would copy. Without the build argument TARGETARCH, it is for this
// machine. It ignores ENV: the toolchain is this machine's.
func buildImage(t *testing.T, goos string, buildArgs map[string]string) string {
	t.Helper()
	stages := dockerfileStages(t)
	build, final := stages["build"], stages[""]
	workdir := build.one(t, "WORKDIR")
	context, root := t.TempDir(), t.TempDir()
	copyFiles(t, context, os.DirFS(repository), dockerContext(t)...)

	args := map[string]string{}
	given := map[string]string{"TARGETOS": goos, "TARGETARCH": runtime.GOARCH}
	maps.Copy(given, buildArgs)
	for _, in := range build {
		switch in.verb {
		case "ARG":
			name, value, _ := strings.Cut(in.args, "=")
			if v, ok := given[name]; ok {
				value = v
			}
			args[name] = value
		case "COPY":
			names := strings.Fields(in.args)
			from, to := names[:len(names)-1], names[len(names)-1]
			// Docker copies the content of a directory, not the directory.
			if info, err := os.Stat(filepath.Join(context, from[0])); path.Clean(to) != "." ||
				err == nil && info.IsDir() && from[0] != "." {
				t.Fatalf("COPY %s: this test copies files or the whole context, to the working directory", in.args)
			}
			copyFiles(t, root, os.DirFS(context), from...)
		case "RUN":
			cmd := exec.CommandContext(t.Context(), "sh", "-c", in.args)
			cmd.Dir = root
			cmd.Env = os.Environ()
			for name, value := range args {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("RUN %s: %v\n%s", in.args, err, out)
			}
		}
	}

	for _, copied := range final.all("COPY") {
		from := strings.Fields(copied)
		if rel, ok := strings.CutPrefix(from[1], workdir+"/"); ok && from[0] == "--from=build" {
			return filepath.Join(root, filepath.FromSlash(rel))
		}
	}
	t.Fatalf("the final stage copies nothing from %s of the build stage", workdir)
	return ""
}

// dockerContext returns the files that .dockerignore allows. It must be an allow
// list: a deny list would miss the next secret.
func dockerContext(t *testing.T) []string {
	t.Helper()
	var wanted []string
	all := false
	for line := range strings.Lines(readFile(t, filepath.Join(repository, ".dockerignore"))) {
		line = strings.TrimSpace(line)
		name, ok := strings.CutPrefix(line, "!")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "*":
			all = true
		case ok && all && !strings.ContainsAny(name, "*?["):
			wanted = append(wanted, name)
		default:
			t.Fatalf(".dockerignore: %q, want * followed by !name lines only", line)
		}
	}
	return wanted
}

// An instruction is one of a Dockerfile, with its continued lines joined.
type instruction struct{ verb, args string }

// A stage holds the instructions from one FROM to the next.
type stage []instruction

// all returns the arguments of every instruction of that verb.
func (s stage) all(verb string) []string {
	var args []string
	for _, in := range s {
		if in.verb == verb {
			args = append(args, in.args)
		}
	}
	return args
}

// one returns the arguments of the instruction of that verb, which must be the
// only one.
func (s stage) one(t *testing.T, verb string) string {
	t.Helper()
	args := s.all(verb)
	if len(args) != 1 {
		t.Fatalf("%d %s instructions in a stage, want 1", len(args), verb)
	}
	return args[0]
}

// dockerfileStages returns the stages by name; the final one has none. A stage that
// is FROM another stage begins with the instructions of that one.
func dockerfileStages(t *testing.T) map[string]stage {
	t.Helper()
	stages := map[string]stage{}
	name := ""
	text := strings.ReplaceAll(readFile(t, "docker/Dockerfile"), "\\\n", " ")
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0][0] == '#' {
			continue
		}
		verb, args := fields[0], strings.Join(fields[1:], " ")
		if verb != "FROM" {
			stages[name] = append(stages[name], instruction{verb, args})
			continue
		}
		from := ""
		from, name, _ = strings.Cut(args, " AS ")
		if name == "" && stages[""] != nil {
			t.Fatal("Dockerfile has two stages without a name")
		}
		if parent, ok := stages[from]; ok {
			stages[name] = slices.Clone(parent)
		} else {
			stages[name] = stage{{verb, from}}
		}
	}
	for _, needed := range []string{"prebuilt", "build", ""} {
		if stages[needed] == nil {
			t.Fatalf("Dockerfile has no stage %q", needed)
		}
	}
	return stages
}

// copyFiles copies files and whole directories of fsys to the directory dst.
func copyFiles(t *testing.T, dst string, fsys fs.FS, names ...string) {
	t.Helper()
	for _, name := range names {
		err := fs.WalkDir(fsys, name, func(p string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			to := filepath.Join(dst, filepath.FromSlash(p))
			if entry.IsDir() {
				return os.MkdirAll(to, 0o755)
			}
			content, err := fs.ReadFile(fsys, p)
			if err != nil {
				return err
			}
			return os.WriteFile(to, content, 0o644)
		})
		if err != nil {
			t.Fatalf("copy %s: %v", name, err)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func lastField(s string) string {
	fields := strings.Fields(s)
	return fields[len(fields)-1]
}
