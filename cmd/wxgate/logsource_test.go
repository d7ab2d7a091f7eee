package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A logSource is what the source of wxgate logs.
type logSource struct {
	fields   map[string]bool
	messages map[string][]string // their levels
}

// newLogSource reads the source of all packages whose lines are in the log of serve.
func newLogSource(t *testing.T) logSource {
	t.Helper()
	s := logSource{map[string]bool{"time": true, "level": true, "message": true}, map[string][]string{}}
	for _, root := range []string{".", "../../gateway", "../../session", "../../wechat"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			// The demo and the emulator have logs of their own.
			if strings.HasPrefix(path, "demo") || strings.Contains(path, "wechattest") {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err == nil {
				s.addFile(t, path, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// addFile adds what the functions of a file log.
func (s logSource) addFile(t *testing.T, path string, file *ast.File) {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		levels := assignedLevels(f.Body)
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				s.addCall(t, path, n, levels)
			case *ast.CompositeLit:
				if strings.Contains(path, filepath.Join("internal", "config")) {
					s.addCaution(n)
				}
			}
			return true
		})
	}
}

// eventMethods are the methods by which a field is added to an event of zerolog.
var eventMethods = []string{
	"Str", "Strs", "Stringer", "Bool", "Int", "Int64", "Uint", "Uint64", "Float64", "Dur", "Time", "Any", "Interface",
	"AnErr", "Hex", "Bytes", "IPAddr", "RawJSON", "Array", "Object", "Dict",
}

// addCall adds the field or the message of a call on an event. levels are those of the
// variables of its function.
func (s logSource) addCall(t *testing.T, path string, call *ast.CallExpr, levels map[string][]string) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	text, literal := literalOf(call.Args[0])
	switch name := method.Sel.Name; {
	case slices.Contains(eventMethods, name) && len(call.Args) == 2 && literal:
		s.fields[text] = true
	case name == "Err" && len(call.Args) == 1:
		s.fields["error"] = true
	case (name == "Msg" || name == "Msgf") && literal:
		s.addMessage(text, method.X, levels)
	case name == "Msg" && path != "logstart.go": // which logs the cautions
		t.Errorf("%s: a message of the log is no constant", path)
	}
}

// addMessage adds a message with the levels of its event.
func (s logSource) addMessage(text string, event ast.Expr, levels map[string][]string) {
	found := levelsIn(event)
	ast.Inspect(event, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok {
			found = append(found, levels[name.Name]...)
		}
		return true
	})
	if len(found) == 0 {
		found = []string{"error"} // the event is a parameter
	}
	for _, level := range found {
		if !slices.Contains(s.messages[text], level) {
			s.messages[text] = append(s.messages[text], level)
		}
	}
}

// addCaution adds the message of one of the configuration's cautions: variable,
// condition, problem and hint.
func (s logSource) addCaution(l *ast.CompositeLit) {
	if len(l.Elts) != 4 {
		return
	}
	_, isName := literalOf(l.Elts[0])
	problem, isText := literalOf(l.Elts[2])
	if isName && isText {
		s.messages[problem] = []string{"warn"}
	}
}

// assignedLevels returns the levels of the events that variables of a function hold.
func assignedLevels(body ast.Node) map[string][]string {
	levels := map[string][]string{}
	ast.Inspect(body, func(n ast.Node) bool {
		if assign, ok := n.(*ast.AssignStmt); ok && len(assign.Lhs) == 1 {
			if name, ok := assign.Lhs[0].(*ast.Ident); ok {
				levels[name.Name] = append(levels[name.Name], levelsIn(assign.Rhs[0])...)
			}
		}
		return true
	})
	return levels
}

// levelsIn returns the levels of the events that begin in n, such as warn for
// logger.Warn().
func levelsIn(n ast.Node) []string {
	var levels []string
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) > 0 {
			return true
		}
		if method, ok := call.Fun.(*ast.SelectorExpr); ok && isLogger(method.X) {
			if l := strings.ToLower(method.Sel.Name); slices.Contains([]string{"debug", "info", "warn", "error"}, l) {
				levels = append(levels, l)
			}
		}
		return true
	})
	return levels
}

// isLogger reports whether an expression ends in a name that loggers have.
func isLogger(x ast.Expr) bool {
	var name string
	switch x := x.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	return slices.Contains([]string{"logger", "warn", "debug"}, name)
}

// literalOf returns the string that a literal stands for.
func literalOf(x ast.Expr) (string, bool) {
	l, ok := x.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}
