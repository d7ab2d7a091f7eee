package helm_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the generated files instead of comparing them")

// A documented value is one whose comment in values.yaml begins with "# --".
type documented struct {
	name, preset, meaning string
}

// documentedValues returns the values of values.yaml in their order. A value without
// such a comment is an error, unless it is a map whose own values have them.
func documentedValues(t *testing.T) []documented {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	found, err := documentedIn("", root.Content[0])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func documentedIn(prefix string, of *yaml.Node) ([]documented, error) {
	var found []documented
	for pair := range slices.Chunk(of.Content, 2) {
		name, node := prefix+pair[0].Value, pair[1]
		meaning := meaningOf(pair[0].HeadComment)
		switch {
		case meaning != "":
			preset, err := presetOf(node)
			if err != nil {
				return nil, err
			}
			found = append(found, documented{name: name, preset: preset, meaning: meaning})
		case node.Kind == yaml.MappingNode && len(node.Content) > 0:
			inner, err := documentedIn(name+".", node)
			if err != nil {
				return nil, err
			}
			found = append(found, inner...)
		default:
			return nil, fmt.Errorf("line %d of values.yaml: %s has no comment that begins with # --",
				pair[0].Line, name)
		}
	}
	return found, nil
}

// meaningOf returns the text of a comment from "# --" on, or nothing.
func meaningOf(comment string) string {
	// A comment of the section before may stand above, behind an empty line.
	_, text, ok := strings.Cut("\n"+comment, "\n# -- ")
	if !ok {
		return ""
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\n#", "\n")), " ")
}

func presetOf(node *yaml.Node) (string, error) {
	var value any
	if err := node.Decode(&value); err != nil {
		return "", err
	}
	text, err := json.Marshal(value)
	return string(text), err
}

const (
	tableBegin = "<!-- values: made from values.yaml by `go test -update` in deploy/helm -->\n"
	tableEnd   = "<!-- end of values -->\n"
)

// The README of the chart shows each value, with its comment and its default.
func TestReadmeShowsTheValues(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| value | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range documentedValues(t) {
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", v.name, escapeCell(v.preset), escapeCell(v.meaning))
	}
	name := filepath.Join(chartDir, "README.md")
	readme, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(readme), tableBegin)
	_, tail, end := strings.Cut(rest, tableEnd)
	if !ok || !end {
		t.Fatalf("%s lacks the lines\n%s%s", name, tableBegin, tableEnd)
	}
	compareFile(t, name, head+tableBegin+"\n"+table.String()+"\n"+tableEnd+tail)
}

func escapeCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// compareFile compares a generated file, or writes it with -update.
func compareFile(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: run go test -update\n%s", name, diffLines(string(got), want))
	}
}

// diffLines returns the lines that only one of two texts has.
func diffLines(got, want string) string {
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	var diff strings.Builder
	for _, line := range gotLines {
		if !slices.Contains(wantLines, line) {
			diff.WriteString("- " + line + "\n")
		}
	}
	for _, line := range wantLines {
		if !slices.Contains(gotLines, line) {
			diff.WriteString("+ " + line + "\n")
		}
	}
	return diff.String()
}

// The schema describes each value, and no value that does not exist.
func TestSchemaDescribesTheValues(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(chartDir, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema schemaNode
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Additional != false {
		t.Error("the schema allows unknown values")
	}
	described := map[string]bool{}
	for _, v := range documentedValues(t) {
		node, err := schema.find(v.name)
		if err != nil {
			t.Error(err)
			continue
		}
		if node.Description == "" {
			t.Errorf("the schema has no description of %s", v.name)
		}
		described[v.name] = true
	}
	delete(schema.Properties, "global") // Helm's own
	for _, name := range schema.leaves("") {
		if !described[name] && !slices.ContainsFunc(documentedValues(t), func(v documented) bool {
			return strings.HasPrefix(name, v.name+".")
		}) {
			t.Errorf("the schema has %s, which values.yaml has not", name)
		}
	}
}

// A schemaNode is the part of a JSON schema that these tests read.
type schemaNode struct {
	Description string                 `json:"description"`
	Properties  map[string]*schemaNode `json:"properties"`
	Additional  any                    `json:"additionalProperties"`
	Ref         string                 `json:"$ref"`
	Defs        map[string]*schemaNode `json:"$defs"`
}

// find returns the schema of a value, such as config.publicUrl.
func (s *schemaNode) find(name string) (*schemaNode, error) {
	at := s
	for key := range strings.SplitSeq(name, ".") {
		if ref, ok := strings.CutPrefix(at.Ref, "#/$defs/"); ok {
			at = s.Defs[ref]
		}
		next, ok := at.Properties[key]
		if !ok {
			return nil, fmt.Errorf("the schema has no %s: no %s", name, key)
		}
		if at.Additional != false {
			return nil, fmt.Errorf("the schema allows unknown values beside %s", name)
		}
		at = next
	}
	return at, nil
}

// leaves returns the names of all values that have no values of their own.
func (s *schemaNode) leaves(prefix string) []string {
	var names []string
	for name, node := range s.Properties {
		if len(node.Properties) == 0 {
			names = append(names, prefix+name)
			continue
		}
		names = append(names, node.leaves(prefix+name+".")...)
	}
	return names
}
