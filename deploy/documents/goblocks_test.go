package documents_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packages are the import paths of the names that Go blocks use without an import.
var packages = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "httptest": "net/http/httptest",
	"log": "log", "os": "os", "strings": "strings", "sync": "sync", "testing": "testing", "time": "time", "url": "net/url",
	"gateway":    "github.com/wxgate/wxgate/gateway",
	"oidc":       "github.com/coreos/go-oidc/v3/oidc",
	"session":    "github.com/wxgate/wxgate/session",
	"wechat":     "github.com/wxgate/wxgate/wechat",
	"wechattest": "github.com/wxgate/wxgate/wechat/wechattest",
	"zerolog":    "github.com/rs/zerolog",
}

// statements frames a block of statements: the reader has these values.
const statements = `func _(id, secret string, key []byte, site http.Handler, w http.ResponseWriter, r *http.Request) error {
%s
	return nil
}
`

// TestGoBlocks compiles the Go blocks of all documents, with the libraries of this
// module.
func TestGoBlocks(t *testing.T) {
	t.Parallel()
	module, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := map[string]string{}
	args := []string{"build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", os.DevNull}
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			if b.language != "go" {
				continue
			}
			name := fmt.Sprintf("documentsblock%d", len(overlay)+1)
			source, err := goFile(b.text)
			if err != nil {
				t.Errorf("%s:%d: %v\n%s", d.path, b.line, err, b.text)
				continue
			}
			file := filepath.Join(dir, name, "block.go")
			writeFile(t, file, fmt.Sprintf("//line %s:%d\n%s", d.path, b.line, source))
			overlay[filepath.Join(module, name, "block.go")] = file
			args = append(args, "./"+name)
		}
	}
	if len(overlay) == 0 {
		return
	}
	content, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "overlay.json"), string(content))
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// goFile makes a whole file of a block: of declarations or of statements.
func goFile(text string) (string, error) {
	if strings.HasPrefix(text, "package ") || strings.Contains(text, "\npackage ") {
		return text, nil
	}
	body := text
	file, err := parseGo(body)
	if err != nil {
		body = fmt.Sprintf(statements, text)
		if file, err = parseGo(body); err != nil {
			return "", err
		}
	}
	imports := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if name, ok := selector.X.(*ast.Ident); ok && packages[name.Name] != "" {
				imports[packages[name.Name]] = true
			}
		}
		return true
	})
	var b strings.Builder
	b.WriteString("package block; ")
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		fmt.Fprintf(&b, "import %q; ", path)
	}
	return b.String() + body, nil
}

func parseGo(body string) (*ast.File, error) {
	return parser.ParseFile(token.NewFileSet(), "", "package block; "+body, parser.SkipObjectResolution)
}
