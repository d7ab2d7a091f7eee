package documents_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// comment matches a comment of a shell, YAML or JavaScript line, with the space before it.
var comment = regexp.MustCompile(`(?m)(^|[ \t]+)(?:#|//)(?: .*)?$`)

// A command is a block without its comments.
type command struct {
	Language string
	Text     string
	Needs    []string
}

func commands(blocks []block) []command {
	var all []command
	for _, b := range blocks {
		if b.language != "" {
			all = append(all, command{b.language, comment.ReplaceAllString(b.text, ""), b.needs})
		}
	}
	return all
}

// The Chinese README has the commands of the English one, in the same order.
func TestReadmesHaveTheSameCommands(t *testing.T) {
	t.Parallel()
	english, chinese := commands(read(t, "README.md").blocks), commands(read(t, "README.zh-CN.md").blocks)
	if diff := cmp.Diff(english, chinese); diff != "" || len(english) == 0 {
		t.Errorf("commands (-README.md +README.zh-CN.md):\n%s", diff)
	}
}

// The Chinese page for Kubernetes has the commands of these sections of the English one.
func TestKubernetesPagesHaveTheSameCommands(t *testing.T) {
	t.Parallel()
	english := slices.DeleteFunc(read(t, "deploy/README.md").blocks, func(b block) bool {
		return !slices.Contains([]string{"kubernetes", "what-to-alert-on", "the-dashboard"}, b.section())
	})
	chinese := commands(read(t, "deploy/README.zh-CN.md").blocks)
	if diff := cmp.Diff(commands(english), chinese); diff != "" || len(english) == 0 {
		t.Errorf("commands (-README.md +README.zh-CN.md):\n%s", diff)
	}
}

var (
	firstCell = regexp.MustCompile("(?m)^\\| (`[^|]*) \\| ([^|]*) \\|")
	inCode    = regexp.MustCompile("`[^`]+`")
)

// A row is the code in the first two cells of a table's row: a variable and its default,
// a header, an alert.
type row struct{ First, Second string }

// rows returns the rows of all tables that begin with code.
func rows(text string) []row {
	var all []row
	for _, cells := range firstCell.FindAllStringSubmatch(text, -1) {
		all = append(all, row{
			strings.Join(inCode.FindAllString(cells[1], -1), " "),
			strings.Join(inCode.FindAllString(cells[2], -1), " "),
		})
	}
	return all
}

// Both READMEs have the same headers and the same variables with the same defaults.
func TestReadmesHaveTheSameVariables(t *testing.T) {
	t.Parallel()
	english, chinese := rows(read(t, "README.md").text), rows(read(t, "README.zh-CN.md").text)
	if diff := cmp.Diff(english, chinese); diff != "" {
		t.Errorf("tables (-README.md +README.zh-CN.md):\n%s", diff)
	}
	if !slices.Contains(english, row{"`WXGATE_LISTEN`", "`:8080`"}) {
		t.Error("README.md has no table of variables")
	}
}

// Both pages for Kubernetes name every alert of the rules, in the same order.
func TestKubernetesPagesHaveTheSameAlerts(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`\bWxgate[A-Z]\w+`)
	alerts := func(d *document) []string { return name.FindAllString(d.text, -1) }
	english, chinese := alerts(read(t, "deploy/README.md")), alerts(read(t, "deploy/README.zh-CN.md"))
	if diff := cmp.Diff(english, chinese); diff != "" {
		t.Errorf("alerts (-README.md +README.zh-CN.md):\n%s", diff)
	}
	rules := readText(t, "deploy/prometheus/wxgate.rules.yml")
	for _, match := range regexp.MustCompile(`(?m)^\s*- alert: (\w+)$`).FindAllStringSubmatch(rules, -1) {
		if !slices.Contains(english, match[1]) {
			t.Errorf("deploy/README.md lacks the alert %s", match[1])
		}
	}
}

func TestComments(t *testing.T) {
	t.Parallel()
	in := "# all\nexport A=b    # one\ncurl 'http://a/#b' -H 'x: //y'\nx(); // z\n#\n"
	want := "\nexport A=b\ncurl 'http://a/#b' -H 'x: //y'\nx();\n\n"
	if got := comment.ReplaceAllString(in, ""); got != want {
		t.Errorf("without comments: %q, want %q", got, want)
	}
}
