package wechattest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports keeps the emulator usable alone: it needs the standard library and
// golang.org/x/text, nothing of this project. A program that imports it must not
// get the flags of package testing.
func TestImports(t *testing.T) {
	t.Parallel()
	const self = "github.com/wxgate/wxgate/wechat/wechattest"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", self).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		standard := !strings.Contains(strings.Split(dep, "/")[0], ".")
		switch {
		case dep == "testing" || dep == "net/http/httptest":
			t.Errorf("the emulator depends on %s, which is for tests", dep)
		case !standard && dep != self && !strings.HasPrefix(dep, "golang.org/x/text/"):
			t.Errorf("the emulator depends on %s, want the standard library and golang.org/x/text only", dep)
		}
	}
}
