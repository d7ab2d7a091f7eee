package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// A releaseConfiguration holds the part of .goreleaser.yaml that has to agree with
// other files.
type releaseConfiguration struct {
	Builds []struct {
		Main                string
		Env, Flags, Ldflags []string
		Goos, Goarch        []string
	}
	DockersV2 []struct {
		Dockerfile string
		Images     []string
		Platforms  []string
		ExtraFiles []string          `json:"extra_files"`
		BuildArgs  map[string]string `json:"build_args"`
		Flags      []string
	} `json:"dockers_v2"`
}

func goreleaser(t *testing.T) releaseConfiguration {
	t.Helper()
	var c releaseConfiguration
	if err := yaml.Unmarshal([]byte(readFile(t, "../.goreleaser.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// goreleaser builds in the repository, where Go knows the commit; the Dockerfile
// builds elsewhere.
func TestReleaseBuildsTheSameBinary(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile(buildImage(t, "linux", map[string]string{
		"VERSION": imageVersion, "COMMIT": imageCommit,
	}))
	if err != nil {
		t.Fatal(err)
	}
	builds := goreleaser(t).Builds
	if len(builds) != 1 {
		t.Fatalf("%d builds, want 1", len(builds))
	}
	b := builds[0]
	values := strings.NewReplacer("{{ .Version }}", imageVersion, "{{ .FullCommit }}", imageCommit)
	binary := filepath.Join(t.TempDir(), "wxgate")
	args := slices.Concat([]string{"build", "-o", binary}, b.Flags,
		[]string{"-ldflags=" + values.Replace(strings.Join(b.Ldflags, " ")), b.Main})
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = repository
	// As on a machine whose GOFLAGS are empty.
	cmd.Env = append(os.Environ(), append(b.Env, "GOFLAGS=-buildvcs=auto")...)
	output(t, cmd)
	got, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the binary of .goreleaser.yaml (%d bytes) is not that of the Dockerfile (%d bytes)",
			len(got), len(want))
	}
}

func TestReleaseBuildsTheImage(t *testing.T) {
	t.Parallel()
	stage := dockerfileStages(t)["prebuilt"]
	if n := len(goreleaser(t).DockersV2); n != 1 {
		t.Fatalf("%d images, want 1", n)
	}
	image := goreleaser(t).DockersV2[0]
	if image.Dockerfile != "deploy/docker/Dockerfile" || !slices.Contains(image.Flags, "--target=prebuilt") {
		t.Errorf("dockerfile %s with %q, want deploy/docker/Dockerfile with --target=prebuilt",
			image.Dockerfile, image.Flags)
	}
	if want := []string{"ghcr.io/wxgate/wxgate"}; !slices.Equal(image.Images, want) {
		t.Errorf("images = %q, want %q", image.Images, want)
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(image.Platforms, want) {
		t.Errorf("platforms = %q, want %q", image.Platforms, want)
	}
	// goreleaser puts an extra file into the build context at its own path.
	var copied []string
	for _, args := range stage.all("COPY") {
		if from := strings.Fields(args)[0]; from != "$TARGETPLATFORM/wxgate" {
			copied = append(copied, "/"+from)
		}
	}
	if !slices.Equal(image.ExtraFiles, copied) {
		t.Errorf("extra files = %q, want %q, which the Dockerfile copies", image.ExtraFiles, copied)
	}
	for _, arg := range stage.all("ARG") {
		name, _, _ := strings.Cut(arg, "=")
		if _, ok := image.BuildArgs[name]; !ok && name != "TARGETPLATFORM" {
			t.Errorf("no build argument %s, which the Dockerfile takes", name)
		}
	}
}

// A tag of an action can be moved to other code, a commit cannot.
func TestWorkflowsPinTheirActions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	uses := regexp.MustCompile(`\buses:\s*(.*)`)
	pinned := regexp.MustCompile(`^[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, file := range files {
		text := readFile(t, file)
		for _, match := range uses.FindAllStringSubmatch(text, -1) {
			if used := match[1]; !strings.HasPrefix(used, "./") && !pinned.MatchString(used) {
				t.Errorf("%s uses %s, want a full commit and its version as a comment", filepath.Base(file), used)
			}
		}
		var workflow struct{ Permissions map[string]string }
		if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for scope, access := range workflow.Permissions {
			if access != "read" {
				t.Errorf("%s gives every job %s: %s, want it in the job that needs it", filepath.Base(file), scope, access)
			}
		}
		if workflow.Permissions == nil {
			t.Errorf("%s has no permissions, want a list that replaces the repository's default", filepath.Base(file))
		}
	}
}

func TestReleaseNotes(t *testing.T) {
	t.Parallel()
	const changelog = `# Changelog

For the person who upgrades.

## Unreleased

## 1.2.10 - 2026-12-24

Ten.

## 1.2.1 - 2026-12-01

### Fixed

- One.

## 1.2.0
`
	tests := []struct{ version, want string }{
		{"1.2.1", "### Fixed\n\n- One."},
		{"1.2.10", "Ten."},
		{"1.2.0", ""},
		{"1.2", ""},
		{"1.2.1.", ""},
		{"1+2+1", ""},
		{"Unreleased", ""},
		{"", ""},
	}
	for _, tt := range tests {
		cmd := exec.CommandContext(t.Context(), "../.ci/release/notes", tt.version)
		cmd.Stdin = strings.NewReader(changelog)
		out, err := cmd.Output()
		if got := strings.TrimSpace(string(out)); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("notes %q = %q, %v, want %q", tt.version, got, err, tt.want)
		}
	}
	if err := exec.CommandContext(t.Context(), "../.ci/release/notes").Run(); err == nil {
		t.Error("notes without a version: no error")
	}
}
