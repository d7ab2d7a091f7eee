package gateway_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway/internal/pages"
	errorwords "github.com/wxgate/wxgate/gateway/internal/refusal"
)

// readmeNames returns the names in the first column of a table of README.md, in
// alphabetical order: the table between <!-- name --> and <!-- /name -->.
func readmeNames(t *testing.T, name string) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(readme), "<!-- "+name+" -->\n")
	table, _, ends := strings.Cut(rest, "<!-- /"+name+" -->")
	if !begins || !ends {
		t.Fatalf("README.md lacks the marks of the table %s", name)
	}
	var names []string
	for _, row := range strings.Split(table, "\n")[2:] {
		column, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(column, -1) {
			names = append(names, quoted[1])
		}
	}
	slices.Sort(names)
	return names
}

// README.md lists the error words, and nothing else as such.
func TestErrorsOfREADME(t *testing.T) {
	t.Parallel()
	words := errorwords.Words()
	slices.Sort(words)
	if diff := cmp.Diff(words, readmeNames(t, "errors")); diff != "" {
		t.Errorf("README.md lists other error words (-words +README):\n%s", diff)
	}
}

// README.md lists the pages that an operator can replace.
func TestPagesOfREADME(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("internal/pages/templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if name := filepath.Base(file); name != "base.html" {
			names = append(names, name)
		}
	}
	if diff := cmp.Diff(names, readmeNames(t, "pages")); diff != "" {
		t.Errorf("README.md lists other pages (-templates +README):\n%s", diff)
	}
}

// README.md lists what templates can use: the fields of the data, and what the built-in
// templates use beside them.
func TestDataOfREADME(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	data := reflect.TypeFor[pages.Data]()
	for field := range data.Fields() {
		names["."+field.Name] = true
	}
	files, err := filepath.Glob("internal/pages/templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range regexp.MustCompile(`\{\{[^}]*\}\}`).FindAllString(string(text), -1) {
			action = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(action, "")
			for _, used := range regexp.MustCompile(`[ ({$](\.[A-Z]\w*)`).FindAllStringSubmatch(action, -1) {
				names[used[1]] = true
			}
		}
	}
	listed := readmeNames(t, "data")
	for i, name := range listed {
		listed[i], _, _ = strings.Cut(name, " ")
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(names)), listed); diff != "" {
		t.Errorf("README.md lists other names (-templates +README):\n%s", diff)
	}
}
