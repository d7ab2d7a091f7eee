package pages

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

//go:embed templates/*.html
var builtIn embed.FS

// A Set holds the templates of all pages. It is safe for concurrent use.
type Set struct {
	pages map[Name]func() (*page, error)
}

type page struct {
	template *template.Template
	style    string // sources of its inline styles in the policy
}

// New returns the pages of the built-in templates, or of those in dir that have
// the same file names; an empty dir replaces none. It runs each template that the
// files in dir change, so that one that cannot be shown is an error here. A page
// that is built in alone is parsed when it is first shown: that takes most of the
// time of a start. A file in dir that ends in .html and has no built-in template's
// name is an error: its page would never be shown. Other files in dir are ignored.
// The error names every file that is wrong.
func New(dir string) (*Set, error) {
	files, wrong, err := readTemplates(dir)
	if err != nil {
		return nil, err
	}
	base := sync.OnceValues(func() (*template.Template, error) {
		base, err := template.New(baseFile).Funcs(functions).Parse(files[baseFile].text)
		if err != nil {
			return nil, err
		}
		callSay(base)
		return base, nil
	})
	if files[baseFile].own {
		if _, err := base(); err != nil {
			return nil, together(append(wrong, fmt.Errorf("page %s: %w", baseFile, err)))
		}
	}
	s := &Set{pages: make(map[Name]func() (*page, error))}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name == baseFile {
			continue
		}
		made := sync.OnceValues(func() (*page, error) { return newPage(base, name, files[name].text) })
		if files[name].own || files[baseFile].own {
			if _, err := made(); err != nil {
				wrong = append(wrong, fmt.Errorf("page %s: %w", name, err))
			}
		}
		s.pages[Name(strings.TrimSuffix(name, ".html"))] = made
	}
	if len(wrong) > 0 {
		return nil, together(wrong)
	}
	return s, nil
}

// baseFile is the template that all pages share.
const baseFile = "base.html"

// A file is the text of a template.
type file struct {
	text string
	own  bool // in the operator's directory, not built in
}

// together returns one error, in one line, for what is wrong with several files.
func together(wrong []error) error {
	texts := make([]string, len(wrong))
	for i, err := range wrong {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}

// readTemplates returns each template by file name, and what is wrong with single files.
func readTemplates(dir string) (files map[string]file, wrong []error, err error) {
	files = make(map[string]file)
	root, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, nil, err
	}
	if wrong, err = addTemplates(files, root, nil); err != nil || dir == "" {
		return files, wrong, err
	}
	if wrong, err = addTemplates(files, os.DirFS(dir), slices.Sorted(maps.Keys(files))); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", dir, err)
	}
	return files, wrong, nil
}

// addTemplates reads the templates in a folder. Those of the operator replace the ones
// with a known name, and others are wrong. A nil known: they are built in.
func addTemplates(files map[string]file, from fs.FS, known []string) (wrong []error, err error) {
	entries, err := fs.ReadDir(from, ".")
	if err != nil {
		return nil, withoutPath(err)
	}
	var unknown []string
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		if known != nil && !slices.Contains(known, name) {
			unknown = append(unknown, name)
			continue
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("page %s: %w", name, withoutPath(err)))
			continue
		}
		files[name] = file{lineFeeds.Replace(string(text)), known != nil}
	}
	if len(unknown) > 0 {
		wrong = append(wrong, fmt.Errorf("%s: no page has this name; those that exist: %s",
			strings.Join(unknown, ", "), strings.Join(known, ", ")))
	}
	return wrong, nil
}

// withoutPath removes the path from an error of a file.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// lineFeeds normalizes line ends as browsers do before they hash an inline
// style: with other line ends the policy would block the style.
var lineFeeds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func newPage(base func() (*template.Template, error), file, text string) (*page, error) {
	shared, err := base()
	if err != nil {
		return nil, err
	}
	t, err := shared.Clone()
	if err != nil {
		return nil, err
	}
	if _, err := t.New(file).Parse(text); err != nil {
		return nil, err
	}
	callSay(t)
	p := &page{template: t}
	var out bytes.Buffer
	for i, view := range sampleViews() {
		out.Reset()
		if err := t.Execute(&out, view.complete()); err != nil {
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
