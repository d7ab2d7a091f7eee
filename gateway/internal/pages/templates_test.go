package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeTemplates writes files to a directory. Names and contents alternate.
func writeTemplates(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// showForbidden returns the page of that name in Chinese with the templates in
// dir, and its policy.
func showForbidden(t *testing.T, dir string) (body, policy string) {
	t.Helper()
	p, err := New(dir)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	w := showPage(t, p, 403, Forbidden, "zh-CN", Data{RequestID: testRequestID})
	return w.Body.String(), w.Header().Get("Content-Security-Policy")
}

func styleHash(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func TestOwnTemplates(t *testing.T) {
	t.Parallel()
	const (
		builtInTitle = "无法访问"

		ownForbidden = `{{define "title"}}Closed{{end}}{{define "text"}}<p>Ask at the desk.</p>{{end}}`
		ownBase      = `<!doctype html><title>{{template "title" .}}</title>{{template "text" .}}` +
			`{{block "action" .}}{{end}}{{block "icon" .}}{{end}}{{block "head" .}}{{end}}` +
			`{{define "home"}}{{end}}{{define "button"}}{{end}}` +
			`{{define "icon-info"}}{{end}}{{define "icon-warn"}}{{end}}` +
			`{{define "icon-wait"}}{{end}}{{define "icon-done"}}{{end}}`
	)
	const ownSay = `{{define "title"}}{{$view := .}}{{.Say "一" "1"}}{{$.Say "二" "2"}}` +
		`{{with .RequestID}}{{$view.Say "三" "3"}}{{else}}{{end}}` +
		`{{if eq ($.Say "四" "4") "四"}}{{.Say "五" "5" | printf "%s!"}}{{end}}` +
		`{{range 0}}{{else}}{{.Say "<" ">"}}{{end}}{{with .Address}}{{else}}{{.Data.RequestID | $.Say "六"}}{{end}}` +
		`{{template "part" .}}{{end}}{{define "part"}}{{.Say "七" "7"}}{{end}}{{define "text"}}{{end}}`
	for _, test := range []struct {
		name   string
		files  []string
		want   string // in the page
		policy string // style-src in its policy; empty: that of the built-in base
	}{
		{"an empty directory", nil, builtInTitle, ""},
		{"one page", []string{"forbidden.html", ownForbidden}, "<h1>Closed</h1>\n<p>Ask at the desk.</p>", ""},
		{"Say in every place", []string{"forbidden.html", ownSay}, "<h1>一二三五!&lt;六七", ""},
		{"another page", []string{"not-found.html", ownForbidden}, builtInTitle, ""},
		{"files that are no pages", []string{"README.md", "{{", ".base.html.swp", "{{", "forbidden.html~", "{{"},
			builtInTitle, ""},
		{"their base", []string{"base.html", `<style>p { color: red }</style>` + ownBase},
			"<title>" + builtInTitle + "</title>", styleHash("p { color: red }")},
		{"a base without style", []string{"base.html", ownBase}, "<title>" + builtInTitle + "</title>", "'none'"},
		{"two styles", []string{"base.html", "<style>a{}</style><STYLE media=print>b{}</STYLE >" + ownBase},
			"<title>", styleHash("a{}") + " " + styleHash("b{}")},
		// Browsers read the line end as one LF, and hash the style with that.
		{"from Windows", []string{"base.html", "<style>\r\np { color: red }\r\n</style>" + ownBase},
			"<style>\np { color: red }\n</style>", styleHash("\np { color: red }\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body, policy := showForbidden(t, writeTemplates(t, test.files...))
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
func TestOwnTemplatesMounted(t *testing.T) {
	t.Parallel()
	real := writeTemplates(t, "forbidden.html", `{{define "title"}}Closed{{end}}{{define "text"}}{{end}}`)
	dir := t.TempDir()
	err := errors.Join(
		os.Symlink(real, filepath.Join(dir, "..data")),
		os.Symlink(filepath.Join("..data", "forbidden.html"), filepath.Join(dir, "forbidden.html")))
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := showForbidden(t, dir); !strings.Contains(body, "<h1>Closed</h1>") {
		t.Errorf("page = %q, want the mounted one", body)
	}
}

func TestOwnTemplatesBroken(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	aDirectory := writeTemplates(t)
	if err := os.Mkdir(filepath.Join(aDirectory, "forbidden.html"), 0o700); err != nil {
		t.Fatal(err)
	}
	const text = `{{define "text"}}{{end}}`
	for _, test := range []struct{ name, dir, file, content, want string }{
		{"no directory", missing, "", "", missing},
		{"a directory for a page", aDirectory, "", "", "forbidden.html"},
		{"unknown name", "", "forbiden.html", "x", "forbiden.html: no page has this name; those that exist: bad-request.html, base.html, "},
		{"does not parse", "", "forbidden.html", `{{define "title"}}`, "forbidden.html"},
		{"unknown field", "", "forbidden.html", `{{define "title"}}{{.Nickname}}{{end}}` + text, "forbidden.html"},
		{"unknown field with data only", "", "forbidden.html",
			`{{define "title"}}{{with .Address}}{{.Host}}{{end}}{{end}}` + text, "forbidden.html"},
		{"in English only", "", "forbidden.html",
			`{{define "title"}}{{if eq .Lang "en"}}{{.X}}{{end}}{{end}}` + text, "forbidden.html"},
		{"Say of something else", "", "forbidden.html",
			`{{define "title"}}{{with .RequestID}}{{.Say "一" "1"}}{{end}}{{end}}` + text, "forbidden.html"},
		{"Say in one language", "", "forbidden.html", `{{define "title"}}{{.Say "一"}}{{end}}` + text, "forbidden.html"},
		{"Say of a number", "", "forbidden.html", `{{define "title"}}{{.Say 1 2}}{{end}}` + text, "forbidden.html"},
		{"a whole document", "", "forbidden.html", `<!doctype html><p>Closed`, "forbidden.html"},
		{"broken base", "", "base.html", `{{`, "base.html"},
		{"base without the parts", "", "base.html", `<p>{{template "none" .}}`, ".html"},
		{"style that varies", "", "forbidden.html",
			`{{define "head"}}<style>p { order: {{if .RequestID}}1{{else}}2{{end}} }</style>{{end}}` +
				`{{define "title"}}{{end}}` + text, "forbidden.html"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := test.dir
			if dir == "" {
				dir = writeTemplates(t, test.file, test.content)
			}
			_, err := New(dir)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New: %v, want an error that names %s", err, test.want)
			}
		})
	}
}

// One error names all files that are wrong.
func TestOwnTemplatesBrokenTogether(t *testing.T) {
	t.Parallel()
	const broken = `{{define "title"}}`
	several := writeTemplates(t, "forbidden.html", broken, "too-many.html", broken, "forbiden.html", "x", "b.html", "x")
	if err := os.Mkdir(filepath.Join(several, "follow.html"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		dir  string
		want []string
	}{
		{several, []string{
			"page follow.html: is a directory; b.html, forbiden.html: no page has this name; those that exist: ",
			"; page forbidden.html: ", "; page too-many.html: ",
		}},
		{writeTemplates(t, "base.html", "{{", "forbiden.html", "x"), []string{"forbiden.html: no page ", "; page base.html: "}},
	} {
		_, err := New(test.dir)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("New: %v, want one line with %q", err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), test.dir) {
			t.Errorf("New: %v, want the names of the files alone", err)
		}
	}
}

// The templates that are built in are parsed when their page is first shown.
func TestNewParsesNoBuiltInTemplate(t *testing.T) {
	const most = 300 // 40,000 parse and run them all
	if n := testing.AllocsPerRun(1, func() { testPages(t) }); n > most {
		t.Errorf("New allocates %v times, want at most %d", n, most)
	}
}
