package gateway

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// pageTemplates returns the text of each template by its file's name: the
// built-in ones, in place of which stand those of dir, where dir is not empty.
// A file of dir that ends in .html and has no built-in one's name is an error:
// its page would never be shown. Everything else in dir is left alone.
func pageTemplates(dir string) (map[string]string, error) {
	files := make(map[string]string)
	builtIn, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		return nil, err
	}
	if err := addPages(files, builtIn, func(string) bool { return true }); err != nil {
		return nil, err
	}
	if dir == "" {
		return files, nil
	}
	known := func(name string) bool { _, ok := files[name]; return ok }
	if err := addPages(files, os.DirFS(dir), known); err != nil {
		return nil, fmt.Errorf("PagesDir %s: %w", dir, err)
	}
	return files, nil
}

func addPages(files map[string]string, from fs.FS, known func(name string) bool) error {
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
			return fmt.Errorf("%s: no page has this name", name)
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		files[name] = lineFeeds.Replace(string(text))
	}
	return nil
}

// lineFeeds does what browsers do to a page before they compare the hash of its
// style: a file written on Windows would lose its style.
var lineFeeds = strings.NewReplacer("\r\n", "\n", "\r", "\n")
