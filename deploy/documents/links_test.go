package documents_test

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every relative link leads to a file or a folder, and its anchor to a heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t) {
		for _, link := range d.links {
			if fault := broken(t, d, link); fault != "" {
				t.Errorf("%s: the link %s: %s", d.path, link, fault)
			}
		}
	}
}

// broken says what is wrong with a link in a document.
func broken(t *testing.T, d *document, link string) string {
	t.Helper()
	target, err := url.Parse(link)
	if err != nil || target.IsAbs() {
		return "" // of another site
	}
	if strings.HasPrefix(link, "/") {
		return "begins with /, which leads elsewhere than on a disk"
	}
	to := d
	if target.Path != "" {
		name := path.Join(path.Dir(d.path), target.Path)
		info, err := os.Stat(filepath.Join(repository, name))
		switch {
		case err != nil:
			return "there is no such file"
		case target.Fragment == "":
			return ""
		case info.IsDir() || path.Ext(name) != ".md":
			return "only a document has headings"
		}
		to = read(t, name)
	}
	if !slices.Contains(to.anchors, target.Fragment) {
		return "there is no such heading; there are " + strings.Join(to.anchors, ", ")
	}
	return ""
}

func TestAnchors(t *testing.T) {
	t.Parallel()
	d := parse("x.md", []byte("# The relay\n## The relay\n## `/_wx/auth`, and 1.2!\n## 不用 Helm\n## a [link](b.md)\n"))
	want := []string{"the-relay", "the-relay-1", "_wxauth-and-12", "不用-helm", "a-link"}
	if diff := cmp.Diff(want, d.anchors); diff != "" {
		t.Errorf("anchors (-want +got):\n%s", diff)
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	d := parse("x.md", []byte("# A\n## B\n<!-- needs: curl, jq -->\n```sh\ncurl\n```\n### C\n```js\nx\n```\n## D\n\n- item\n\n"+
		"  <!-- needs: helm -->\n  ```sh\n  helm\n  jq\n  ```\n"))
	want := []block{
		{language: "sh", text: "curl\n", line: 5, needs: []string{"curl", "jq"}, headings: []string{"a", "b"}},
		{language: "js", text: "x\n", line: 9, headings: []string{"a", "b", "c"}},
		{language: "sh", text: "helm\njq\n", line: 17, needs: []string{"helm"}, headings: []string{"a", "d"}},
	}
	if diff := cmp.Diff(want, d.blocks, cmp.AllowUnexported(block{})); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}
