package pages

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
)

//go:embed templates/*.html
var builtIn embed.FS

// A Set holds the parsed templates of all pages. It is safe for concurrent use.
type Set struct {
	pages map[Name]*page
}

type page struct {
	template *template.Template
	style    string // sources of its inline styles in the policy
}

// New parses the built-in templates, or those in dir that have the same file
// names; an empty dir replaces none. It runs each template, so that one that
// cannot be shown is an error here. A file in dir that ends in .html and has no
// built-in template's name is an error: its page would never be shown. Other
// files in dir are ignored.
func New(dir string) (*Set, error) {
	files, err := readTemplates(dir)
	if err != nil {
		return nil, err
	}
	base, err := template.New("base.html").Parse(files["base.html"])
	if err != nil {
		return nil, fmt.Errorf("page base.html: %w", err)
	}
	s := &Set{pages: make(map[Name]*page)}
	for file, text := range files {
		if file == "base.html" {
			continue
		}
		name := Name(strings.TrimSuffix(file, ".html"))
		if s.pages[name], err = newPage(base, file, text); err != nil {
			return nil, fmt.Errorf("page %s: %w", file, err)
		}
	}
	return s, nil
}

// readTemplates returns the text of each template by file name.
func readTemplates(dir string) (map[string]string, error) {
	files := make(map[string]string)
	root, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, err
	}
	if err := addTemplates(files, root, func(string) bool { return true }); err != nil {
		return nil, err
	}
	if dir == "" {
		return files, nil
	}
	known := func(name string) bool { _, ok := files[name]; return ok }
	if err := addTemplates(files, os.DirFS(dir), known); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return files, nil
}

func addTemplates(files map[string]string, from fs.FS, known func(name string) bool) error {
	entries, err := fs.ReadDir(from, ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		if !known(name) {
			return fmt.Errorf("%s: no page has this name; those that exist: %s",
				name, strings.Join(slices.Sorted(maps.Keys(files)), ", "))
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		files[name] = lineFeeds.Replace(string(text))
	}
	return nil
}

// lineFeeds normalizes line ends as browsers do before they hash an inline
// style: with other line ends the policy would block the style.
var lineFeeds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func newPage(base *template.Template, file, text string) (*page, error) {
	t, err := base.Clone()
	if err != nil {
		return nil, err
	}
	if _, err := t.New(file).Parse(text); err != nil {
		return nil, err
	}
	p := &page{template: t}
	for i, view := range sampleViews() {
		var out strings.Builder
		if err := t.Execute(&out, view); err != nil {
			return nil, err
		}
		style := styleSources(out.String())
		if i > 0 && style != p.style {
			return nil, errors.New("its <style> depends on what the page shows: the policy has one hash for it")
		}
		p.style = style
	}
	return p, nil
}

// sampleViews returns views with which a template runs all of its parts.
func sampleViews() []view {
	full := Data{
		RequestID: "x", LoginURL: "/x", LogoutAction: "/x", Form: true, Back: "/x",
		ReturnTo: "/x", NoCookies: true, OutsideWeChat: true, Address: "https://x.example/", FollowQR: "/x",
	}
	var samples []view
	for _, lang := range []string{chinese, english} {
		samples = append(samples,
			view{Lang: lang},
			view{Lang: lang, Data: Data{Reload: true}},
			view{Lang: lang, Data: Data{Form: true, Back: "/"}},
			view{Lang: lang, Data: full, Status: http.StatusForbidden, QRCode: "<svg></svg>"})
	}
	return samples
}
