package wechat_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports keeps the package usable alone: it imports nothing of the project.
func TestImports(t *testing.T) {
	t.Parallel()
	const project, self = "github.com/wxgate/wxgate/", "github.com/wxgate/wxgate/wechat"
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
