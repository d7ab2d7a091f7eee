package pages

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The package for templates is a copy of html/template and text/template without calls
// of methods. It has to have each line of this Go's, and so each fix of their escaping,
// but for the lines below. If it does not, update it before Go.
func TestTemplatesAreThoseOfGo(t *testing.T) {
	t.Parallel()
	if pinned := "toolchain " + runtime.Version() + "\n"; !strings.Contains(readFile(t, "../../../go.mod"), pinned) {
		t.Skipf("%s is not the Go of go.mod", runtime.Version())
	}
	const dropped = `
		"internal/godebug"
		"internal/fmtsort"
		"text/template"
		var debugAllowActionJSTmpl = godebug.New("jstmpllitinterp")
		var htmlmetacontenturlescape = godebug.New("htmlmetacontenturlescape")
		CSS string
		HTML string
		HTMLAttr string
		JS string
		JSStr string
		URL string
		Srcset string
		type FuncMap map[string]any
		// Unless it's an interface, need to get to a value of type *T to guarantee
		// we see all methods of T and *T.
		ptr := receiver
		if ptr.Kind() != reflect.Interface && ptr.Kind() != reflect.Pointer && ptr.CanAddr() {
		ptr = ptr.Addr()
		if method := ptr.MethodByName(fieldName); method.IsValid() {
		return s.evalCall(dot, method, false, node, fieldName, args, final)
`
	allowed := linesOf(dropped)
	for standard, copied := range map[string]string{
		"html/template": "github.com/DataDog/datadog-agent/pkg/template/html",
		"text/template": "github.com/DataDog/datadog-agent/pkg/template/text",
	} {
		files, err := filepath.Glob(filepath.Join(packageDir(t, standard), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has %d files: %v", standard, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			there := linesOf(readFile(t, filepath.Join(packageDir(t, copied), filepath.Base(file))))
			for line := range linesOf(readFile(t, file)) {
				if !there[line] && !allowed[line] {
					t.Errorf("%s lacks a line of %s in %s: %s", copied, standard, filepath.Base(file), line)
				}
			}
		}
	}
}

func packageDir(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// linesOf returns the lines of a text without space around them.
func linesOf(text string) map[string]bool {
	lines := make(map[string]bool)
	for line := range strings.Lines(text) {
		lines[strings.TrimSpace(line)] = true
	}
	return lines
}
