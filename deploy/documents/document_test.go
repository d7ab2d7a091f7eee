package documents_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// repository is the root of the repository.
const repository = "../.."

// A document is a parsed Markdown file.
type document struct {
	path    string // from the root of the repository
	text    string
	blocks  []block
	anchors []string
	links   []string
}

// A block is a fenced code block.
type block struct {
	language string
	text     string
	line     int      // of its first line
	needs    []string // what the comment before the fence names
	headings []string // the anchors of the headings above it, one a level
}

// section returns the anchor of the second-level heading above the block.
func (b *block) section() string {
	if len(b.headings) < 2 {
		return ""
	}
	return b.headings[1]
}

var needsComment = regexp.MustCompile(`^<!-- needs: (.+) -->$`)

// documents returns all documents, in the order of their paths.
func documents(t *testing.T) []*document {
	t.Helper()
	var all []*document
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(notOurs, entry.Name()):
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			name, err := filepath.Rel(repository, path)
			if err != nil {
				return err
			}
			all = append(all, read(t, filepath.ToSlash(name)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// notOurs are folders that git ignores, and those whose files are not documents.
var notOurs = []string{".git", "bin", "dist", "secrets", "node_modules", "testdata"}

// read parses the document at path.
func read(t *testing.T, path string) *document {
	t.Helper()
	return parse(path, []byte(readText(t, path)))
}

// readText returns the text of the file at path, from the root of the repository.
func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func parse(path string, content []byte) *document {
	d := &document{path: path, text: string(content)}
	var headings []string
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(content))
	ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Heading:
			anchor := d.anchor(string(node.Lines().Value(content)))
			d.anchors = append(d.anchors, anchor)
			headings = append(headings[:min(len(headings), node.Level-1)], anchor)
		case *ast.FencedCodeBlock:
			d.blocks = append(d.blocks, newBlock(node, content, slices.Clone(headings)))
		case *ast.Link:
			d.links = append(d.links, string(node.Destination))
		case *ast.Image:
			d.links = append(d.links, string(node.Destination))
		}
		return ast.WalkContinue, nil
	})
	return d
}

var headingLink = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// anchor returns the name that GitHub gives a heading: letters, digits, hyphens and
// underscores stay, spaces become hyphens. A repeated name gets a number.
func (d *document) anchor(heading string) string {
	heading = headingLink.ReplaceAllString(heading, "$1")
	name := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
	unique := name
	for n := 1; slices.Contains(d.anchors, unique); n++ {
		unique = name + "-" + strconv.Itoa(n)
	}
	return unique
}

func newBlock(node *ast.FencedCodeBlock, content []byte, headings []string) block {
	b := block{language: string(node.Language(content)), headings: headings}
	if node.Lines().Len() == 0 {
		return b
	}
	b.text = string(node.Lines().Value(content))
	above := strings.Split(string(content[:node.Lines().At(0).Start]), "\n")
	b.line = len(above)
	if b.line < 3 {
		return b
	}
	// The last line is what stands before the block on its first line, then the fence.
	if match := needsComment.FindStringSubmatch(strings.TrimSpace(above[len(above)-3])); match != nil {
		for word := range strings.SplitSeq(match[1], ",") {
			b.needs = append(b.needs, strings.TrimSpace(word))
		}
	}
	return b
}
