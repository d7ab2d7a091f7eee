package config

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"sync"
)

//go:embed config.go
var configSource string

// A comment is what the comment of a field of [Config] says.
type comment struct {
	meaning string // the first paragraph, for the table of variables
	missing string // the second, for the fault of a required variable that is not set
}

// comments returns the comments of the fields of [Config] by the fields' names.
// It parses the source once.
var comments = sync.OnceValue(func() map[string]comment {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", configSource, parser.ParseComments)
	if err != nil {
		panic(fmt.Sprintf("config: parse the embedded source: %v", err))
	}
	list := make(map[string]comment)
	for node := range ast.Preorder(file) {
		if field, ok := node.(*ast.Field); ok {
			meaning, missing, _ := strings.Cut(field.Doc.Text(), "\n\n")
			list[field.Names[0].Name] = comment{oneLine(meaning), oneLine(missing)}
		}
	}
	return list
})

// oneLine joins the lines of a paragraph.
func oneLine(paragraph string) string {
	return strings.Join(strings.Fields(paragraph), " ")
}
