package gateway_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

// ownPages writes the files, name and content by turns, to a directory.
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

// refusedWith returns the page that a visitor outside WeChat is refused with,
// and its policy.
func refusedWith(t *testing.T, dir string) (body, policy string) {
	t.Helper()
	r := newRig(t, &echo{}, func(c *gateway.Config) {
		c.PagesDir, c.OutsideWeChat = dir, gateway.OutsideDeny
	})
	a := r.do(t, "GET", "/", "Accept", "text/html", "User-Agent", "Mozilla/5.0")
	if a.StatusCode != 403 {
		t.Fatalf("status %d, want 403", a.StatusCode)
	}
	return a.body, a.Header.Get("Content-Security-Policy")
}

func styleHash(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func TestPagesDir(t *testing.T) {
	t.Parallel()
	const ownBase = `<!doctype html><title>{{template "title" .}}</title>{{template "text" .}}{{block "action" .}}{{end}}{{block "icon" .}}{{end}}{{block "head" .}}{{end}}` +
		`{{define "home"}}{{end}}{{define "button"}}{{end}}` +
		`{{define "icon-info"}}{{end}}{{define "icon-warn"}}{{end}}{{define "icon-wait"}}{{end}}{{define "icon-done"}}{{end}}`
	for _, test := range []struct {
		name   string
		files  []string
		want   string // in the page
		policy string // style-src in its policy; empty: that of the built-in base
	}{
		{name: "an empty directory", want: "你无法打开这个页面"},
		{name: "one page", files: []string{"forbidden.html", `{{define "title"}}Closed{{end}}{{define "text"}}<p>Ask at the desk.</p>{{end}}`},
			want: "<h1>Closed</h1>\n<p>Ask at the desk.</p>"},
		{name: "another page", files: []string{"not-found.html", `{{define "title"}}Lost{{end}}{{define "text"}}{{end}}`}, want: "你无法打开这个页面"},
		{name: "files that are no pages", files: []string{"README.md", "{{", ".base.html.swp", "{{", "forbidden.html~", "{{"}, want: "你无法打开这个页面"},
		{name: "their base", files: []string{"base.html", `<style>p { color: red }</style>` + ownBase}, want: "<title>你无法打开这个页面</title>",
			policy: styleHash("p { color: red }")},
		{name: "a base without style", files: []string{"base.html", ownBase}, want: "<title>你无法打开这个页面</title>", policy: "'none'"},
		{name: "two styles", files: []string{"base.html", "<style>a{}</style><STYLE media=print>b{}</STYLE >" + ownBase}, want: "<title>",
			policy: styleHash("a{}") + " " + styleHash("b{}")},
		// Browsers read the line end as one LF, and compare the hash of that.
		{name: "from Windows", files: []string{"base.html", "<style>\r\np { color: red }\r\n</style>" + ownBase}, want: "<style>\np { color: red }\n</style>",
			policy: styleHash("\np { color: red }\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body, policy := refusedWith(t, ownPages(t, test.files...))
			if !strings.Contains(body, test.want) {
				t.Errorf("page = %q, want %q in it", body, test.want)
			}
			if want := "style-src " + test.policy + ";"; test.policy != "" && !strings.Contains(policy, want) {
				t.Errorf("policy = %q, want %q in it", policy, want)
			}
		})
	}
}

// A ConfigMap's files are symbolic links.
func TestPagesDirMounted(t *testing.T) {
	t.Parallel()
	real := ownPages(t, "forbidden.html", `{{define "title"}}Closed{{end}}{{define "text"}}{{end}}`)
	dir := t.TempDir()
	err := errors.Join(
		os.Symlink(real, filepath.Join(dir, "..data")),
		os.Symlink(filepath.Join("..data", "forbidden.html"), filepath.Join(dir, "forbidden.html")))
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := refusedWith(t, dir); !strings.Contains(body, "<h1>Closed</h1>") {
		t.Errorf("page = %q, want the mounted one", body)
	}
}

func TestPagesDirBroken(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	aDirectory := ownPages(t)
	if err := os.Mkdir(filepath.Join(aDirectory, "forbidden.html"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, dir, want string }{
		{"no directory", missing, missing},
		{"a directory for a page", aDirectory, "forbidden.html"},
		{"unknown name", ownPages(t, "forbiden.html", "x"), "forbiden.html: no page has this name"},
		{"does not parse", ownPages(t, "forbidden.html", `{{define "title"}}`), "forbidden.html"},
		{"unknown field", ownPages(t, "forbidden.html", `{{define "title"}}{{.Nickname}}{{end}}{{define "text"}}{{end}}`), "forbidden.html"},
		{"unknown field with data only", ownPages(t, "forbidden.html", `{{define "title"}}{{with .Address}}{{.Host}}{{end}}{{end}}{{define "text"}}{{end}}`), "forbidden.html"},
		{"in English only", ownPages(t, "forbidden.html", `{{define "title"}}{{if eq .Lang "en"}}{{.X}}{{end}}{{end}}{{define "text"}}{{end}}`), "forbidden.html"},
		{"a whole document", ownPages(t, "forbidden.html", `<!doctype html><p>Closed`), "forbidden.html"},
		{"broken base", ownPages(t, "base.html", `{{`), "base.html"},
		{"base without the parts", ownPages(t, "base.html", `<p>{{template "none" .}}`), ".html"},
		{"style that varies", ownPages(t, "forbidden.html", `{{define "head"}}<style>p { order: {{if .RequestID}}1{{else}}2{{end}} }</style>{{end}}{{define "title"}}{{end}}{{define "text"}}{{end}}`), "forbidden.html"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := gateway.New(gateway.Config{PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys(), PagesDir: test.dir})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New: %v, want an error that names %s", err, test.want)
			}
		})
	}
}
