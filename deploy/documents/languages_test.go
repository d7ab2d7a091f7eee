package documents_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	template "text/template/parse"

	"sigs.k8s.io/yaml"
)

// checkers holds the check of each language of the blocks. A check that needs a program
// passes where there is none.
var checkers = map[string]func(*testing.T, string) error{
	"":       nothing, // drawings, and lines of files
	"go":     nothing, // TestGoBlocks compiles them together
	"sh":     nothing, // TestShellBlocks runs them
	"html":   checkHTML,
	"js":     checkBy("node", "--check"),
	"json":   checkJSON,
	"nginx":  nothing, // parts of a file
	"php":    checkBy("php", "-l"),
	"python": checkBy("python3", "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())"),
	"text":   nothing,
	"yaml":   checkYAML,
}

// fileNames are names whose extensions tell a program which language it reads. A block of
// JavaScript is a module: it may await.
var fileNames = map[string]string{"node": "block.mjs", "php": "block.php", "python3": "block.py"}

func TestBlocksParse(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			check, known := checkers[b.language]
			if !known {
				t.Errorf("%s:%d: no check for the language %q", d.path, b.line, b.language)
				continue
			}
			if err := check(t, b.text); err != nil {
				t.Errorf("%s:%d: %v\n%s", d.path, b.line, err, b.text)
			}
		}
	}
}

func TestCheckersRefuse(t *testing.T) {
	t.Parallel()
	for language, text := range map[string]string{
		"html": `{{define "a"}}`, "json": `{"a": }`, "yaml": "a: b\na: c\n", "js": "const = 1", "python": "def:", "php": "function (",
	} {
		if err := checkers[language](t, text); err == nil && (fileOf(language) == "" || installed(fileOf(language))) {
			t.Errorf("the check of %s accepts %q", language, text)
		}
	}
}

// fileOf returns the program that checks a language, or "".
func fileOf(language string) string {
	return map[string]string{"js": "node", "python": "python3", "php": "php"}[language]
}

func nothing(*testing.T, string) error { return nil }

func checkJSON(_ *testing.T, text string) error {
	return json.Unmarshal([]byte(text), new(any))
}

func checkYAML(_ *testing.T, text string) error {
	return yaml.UnmarshalStrict([]byte(text), new(any))
}

// checkHTML parses HTML as a template, as wxgate's pages are. Browsers take any HTML.
func checkHTML(_ *testing.T, text string) error {
	tree := template.New("block")
	tree.Mode = template.SkipFuncCheck
	_, err := tree.Parse(text, "", "", map[string]*template.Tree{})
	return err
}

// checkBy returns a check by a program that gets the name of a file as its last argument.
func checkBy(program string, args ...string) func(*testing.T, string) error {
	return func(t *testing.T, text string) error {
		t.Helper()
		if !installed(program) {
			return nil
		}
		if program == "php" {
			text = "<?php\n" + text
		}
		file := filepath.Join(t.TempDir(), fileNames[program])
		writeFile(t, file, text)
		cmd := exec.CommandContext(t.Context(), program, append(args, file)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return &outputError{err, string(out)}
		}
		return nil
	}
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// An outputError is the failure of a program, with what it printed.
type outputError struct {
	error
	output string
}

func (e *outputError) Error() string { return e.error.Error() + "\n" + e.output }
