package documents_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
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
	"java":   checkBy("javac", "-proc:none", "-implicit:none"),
	"json":   checkJSON,
	"nginx":  nothing, // parts of a file
	"php":    checkBy("php", "-l"),
	"python": checkBy("python3", "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())"),
	"text":   nothing,
	"yaml":   checkYAML,
}

var javaClass = regexp.MustCompile(`public class (\w+)`)

// fileName returns a name that tells a program which language it reads. A block of
// JavaScript is a module: it may await.
func fileName(program, text string) string {
	if class := javaClass.FindStringSubmatch(text); program == "javac" && class != nil {
		return class[1] + ".java"
	}
	return map[string]string{"javac": "Block.java", "node": "block.mjs", "php": "block.php", "python3": "block.py"}[program]
}

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
		"html": `{{define "a"}}`, "java": "public class A {", "js": "const = 1", "json": `{"a": }`, "php": "function (",
		"python": "def:", "yaml": "a: b\na: c\n",
	} {
		if err := checkers[language](t, text); err == nil && (fileOf(language) == "" || installed(fileOf(language))) {
			t.Errorf("the check of %s accepts %q", language, text)
		}
	}
}

// fileOf returns the program that checks a language, or "".
func fileOf(language string) string {
	return map[string]string{"java": "javac", "js": "node", "php": "php", "python": "python3"}[language]
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
		if program == "php" && !strings.HasPrefix(text, "<?php") {
			text = "<?php\n" + text
		}
		file := filepath.Join(t.TempDir(), fileName(program, text))
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
