package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

// ownPages returns a directory with the files, name and content by turns.
func ownPages(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPagesDir(t *testing.T) {
	t.Parallel()
	dir := ownPages(t, "forbidden.html",
		`{{define "title"}}Closed{{end}}{{define "text"}}<p>Ask at the desk.</p>{{end}}`)
	r := newRig(t, &echo{}, func(c *testConfig) {
		c.Site.PagesDir, c.OutsideWeChat = dir, gateway.OutsideDeny
	})
	a := r.do(t, "GET", "/", "Accept", "text/html", "User-Agent", "Mozilla/5.0")
	if want := "<h1>Closed</h1>\n<p>Ask at the desk.</p>"; a.StatusCode != 403 || !strings.Contains(a.body, want) {
		t.Errorf("answer %d %q, want 403 with %q", a.StatusCode, a.body, want)
	}
}
