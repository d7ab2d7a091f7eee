package wechattest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports keeps the emulator usable alone, and out of it what belongs to
// tests: a program that imports it must not get the flags of package testing.
func TestImports(t *testing.T) {
	t.Parallel()
	const self = "github.com/wxgate/wxgate/wechat/wechattest"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", self).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if dep == "testing" || dep == "net/http/httptest" || dep != self && strings.Contains(strings.Split(dep, "/")[0], ".") {
			t.Errorf("the emulator depends on %s, want the standard library alone, without testing", dep)
		}
	}
}
