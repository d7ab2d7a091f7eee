package pages

import (
	"text/template/parse"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

// Templates write {{.Say "中文" "English"}} for a text in the visitor's language, as if
// Say were a method of the view. A package for templates that calls methods by name
// keeps all methods of all types in the binary, which makes it half as large again.
// Say is therefore a function, and a parsed template calls it with the language:
// {{Say .Lang "中文" "English"}}.

// functions are what the templates call.
var functions = template.FuncMap{sayName: say}

const sayName = "Say"

// say returns the text in a language.
func say(lang, zh, en string) string {
	if lang == english {
		return en
	}
	return zh
}

// callSay makes each template of the set of t call the function Say in place of the
// method.
func callSay(t *template.Template) {
	for _, one := range t.Templates() {
		if one.Tree != nil {
			sayIn(one.Tree, one.Tree.Root)
		}
	}
}

// sayIn replaces the calls below node, which is in tree.
func sayIn(tree *parse.Tree, node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		for _, child := range listOf(n) {
			sayIn(tree, child)
		}
	case *parse.ActionNode:
		sayInPipe(tree, n.Pipe)
	case *parse.TemplateNode:
		sayInPipe(tree, n.Pipe)
	case *parse.IfNode:
		sayInBranch(tree, &n.BranchNode)
	case *parse.RangeNode:
		sayInBranch(tree, &n.BranchNode)
	case *parse.WithNode:
		sayInBranch(tree, &n.BranchNode)
	}
}

// listOf returns the nodes of a list, which is nil for an else that is not there.
func listOf(n *parse.ListNode) []parse.Node {
	if n == nil {
		return nil
	}
	return n.Nodes
}

func sayInBranch(tree *parse.Tree, n *parse.BranchNode) {
	sayInPipe(tree, n.Pipe)
	sayIn(tree, n.List)
	sayIn(tree, n.ElseList)
}

func sayInPipe(tree *parse.Tree, pipe *parse.PipeNode) {
	if pipe == nil { // of {{template "name"}}
		return
	}
	for _, command := range pipe.Cmds {
		for _, arg := range command.Args {
			if inner, ok := arg.(*parse.PipeNode); ok {
				sayInPipe(tree, inner)
			}
		}
		if callsSay(command.Args[0]) {
			name := parse.NewIdentifier(sayName).SetTree(tree).SetPos(command.Position())
			command.Args = append([]parse.Node{name}, command.Args...)
		}
	}
}

// callsSay reports whether a node is the Say of a view, such as $.Say, and makes it the
// Lang of that view.
func callsSay(node parse.Node) bool {
	var path []string
	switch n := node.(type) {
	case *parse.FieldNode:
		path = n.Ident
	case *parse.VariableNode:
		path = n.Ident[1:]
	}
	if len(path) == 0 || path[len(path)-1] != sayName {
		return false
	}
	path[len(path)-1] = "Lang"
	return true
}
