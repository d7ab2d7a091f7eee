package hub_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports checks that the package imports no other package of the project
// than session.
func TestImports(t *testing.T) {
	t.Parallel()
	const project = "github.com/wxgate/wxgate/"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", project+"gateway/hub").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if rest, ours := strings.CutPrefix(dep, project); ours && rest != "gateway/hub" && rest != "session" {
			t.Errorf("gateway/hub imports %s", dep)
		}
	}
}
