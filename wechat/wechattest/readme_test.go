package wechattest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// README.md lists the switches, the modes of faults, the answers and the paths of the
// control API, and no others.
func TestTablesOfREADME(t *testing.T) {
	t.Parallel()
	var switches []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[wechattest.Switches]()) {
		switches = append(switches, field.Tag.Get("json"))
	}
	var modes []string
	for _, mode := range wechattest.FaultModes() {
		modes = append(modes, string(mode))
	}
	source, err := os.ReadFile("control.go")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, call := range regexp.MustCompile(`\n\t\w+\("([a-z/]+)",`).FindAllStringSubmatch(string(source), -1) {
		paths = append(paths, call[1])
	}
	text := readme(t)
	for name, want := range map[string][]string{
		"switches": switches, "faults": modes, "control": paths,
		"answers": {"agree", "ask", "decline", "decline-silent", "snapshot"},
	} {
		_, rest, _ := strings.Cut(text, "<!-- "+name+" -->\n")
		table, _, found := strings.Cut(rest, "<!-- /"+name+" -->")
		if !found {
			t.Errorf("README.md has no table %s", name)
		}
		var listed []string
		for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
			listed = append(listed, row[1])
		}
		slices.Sort(want)
		slices.Sort(listed)
		if diff := cmp.Diff(slices.Compact(want), listed); diff != "" {
			t.Errorf("README.md lists other %s (-source +README):\n%s", name, diff)
		}
	}
}

// The programs of README.md sign a visitor in, where their language is installed.
func TestProgramsOfREADME(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	text := readme(t)
	for _, tt := range []struct{ language, command, file, begin string }{
		{"js", "node", "login.mjs", ""},
		{"python", "python3", "login.py", ""},
		{"php", "php", "login.php", "<?php\n"},
		{"java", "java", "Login.java", ""},
	} {
		t.Run(tt.language, func(t *testing.T) {
			t.Parallel()
			_, rest, _ := strings.Cut(text, "\n```"+tt.language+"\n")
			program, _, found := strings.Cut(rest, "\n```")
			if !found {
				t.Fatal("README.md has no program")
			}
			if _, err := exec.LookPath(tt.command); err != nil {
				t.Skip(err)
			}
			file := filepath.Join(t.TempDir(), tt.file)
			if err := os.WriteFile(file, []byte(tt.begin+program), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), tt.command, file)
			cmd.Env = append(os.Environ(), "WECHAT="+wx.URL)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got := strings.TrimSpace(string(out))
			var body struct{ OpenID string }
			if json.Unmarshal(out, &body) == nil {
				got = body.OpenID
			}
			if want := wx.OpenID(wechattest.StockAppID, "tom"); got != want {
				t.Errorf("the program prints %q, want %q", got, want)
			}
		})
	}
}
