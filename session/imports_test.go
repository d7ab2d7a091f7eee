package session_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports checks that the package imports no other package of the project, so
// that it can be used alone.
func TestImports(t *testing.T) {
	t.Parallel()
	const project, self = "github.com/wxgate/wxgate/", "github.com/wxgate/wxgate/session"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", self).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		if dep = strings.TrimSpace(dep); strings.HasPrefix(dep, project) && dep != self {
			t.Errorf("%s imports %s", self, dep)
		}
	}
}
