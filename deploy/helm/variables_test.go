package helm_test

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A variable is a row of the table that `wxgate env` prints.
type variable struct {
	name   string // without WXGATE_
	preset string // without quotes; empty if there is none
	secret bool   // has a form with _FILE
}

var tableRow = regexp.MustCompile("^\\| `WXGATE_([A-Z_]+)`( / `_FILE`)? \\| (`[^`]+`)?")

// variables returns the rows of the table.
func variables(t *testing.T) []variable {
	t.Helper()
	binary, err := wxgateBinary()
	if err != nil {
		t.Fatal(err)
	}
	table, err := exec.CommandContext(t.Context(), binary, "env").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []variable
	for line := range strings.Lines(string(table)) {
		if m := tableRow.FindStringSubmatch(line); m != nil {
			found = append(found, variable{m[1], strings.Trim(m[3], "`"), m[2] != ""})
		}
	}
	if len(found) < 50 {
		t.Fatalf("%d variables in the table of `wxgate env`:\n%s", len(found), table)
	}
	return found
}

// Each variable can be set by a value of the chart.
func TestEachVariableHasAValue(t *testing.T) {
	t.Parallel()
	for _, v := range variables(t) {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			s, err := settingOf(v)
			if err != nil {
				t.Fatal(err)
			}
			if v.secret != (strings.HasSuffix(s.variable, "_FILE") && !strings.HasSuffix(v.name, "_FILE")) {
				t.Errorf("set by %s, want a secret to be a file: %t", s.variable, v.secret)
			}
			os := mustRender(t, release{values: []string{fourValues, s.values}}).objects
			_, c := wxgateContainer(t, os)
			if got, ok := environment(t, os, c)["WXGATE_"+s.variable]; !ok || got != s.text {
				t.Errorf("WXGATE_%s = %q (set: %t), want %q, with the values\n%s",
					s.variable, got, ok, s.text, s.values)
			}
			checkStarts(t, os)
		})
	}
}

// processVariable matches the fields of the configuration that sites do not have.
var processVariable = regexp.MustCompile(`env:"([A-Z_]+)".*kind:"[a-z,]*\bprocess\b`)

// Each variable that a site can have can be set by a value of the site, and no other.
func TestEachVariableOfASiteHasAValue(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(repository + "/cmd/wxgate/internal/config/config.go")
	if err != nil {
		t.Fatal(err)
	}
	process := map[string]bool{}
	for _, m := range processVariable.FindAllStringSubmatch(string(source), -1) {
		process[m[1]] = true
	}
	if !process["LISTEN"] || process["SCOPE"] {
		t.Fatalf("variables of the process are %v", process)
	}
	for _, v := range variables(t) {
		if v.name == "MODE" || strings.HasSuffix(v.name, "LISTEN") {
			continue // the chart sets them for all sites
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			s, err := siteSetting(v)
			if err != nil {
				t.Fatal(err)
			}
			r := release{values: []string{fourValues, s.values}}
			if process[v.name] {
				if _, err := render(r); err == nil {
					t.Errorf("no error for a variable of the process in a site:\n%s", s.values)
				}
				return
			}
			os := mustRender(t, r).objects
			_, c := wxgateContainer(t, os)
			if got := environment(t, os, c)["WXGATE_SITES_0_"+s.variable]; got != s.text {
				t.Errorf("WXGATE_SITES_0_%s = %q, want %q, with the values\n%s", s.variable, got, s.text, s.values)
			}
		})
	}
}

// Each value of `config`, `secrets` and `files` is about a variable.
func TestEachValueHasAVariable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(chartDir + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	unused, err := mergeValues(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range variables(t) {
		s, err := settingOf(v)
		if err != nil {
			t.Fatal(err)
		}
		set, err := mergeValues(s.values)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range []string{"config", "secrets", "files"} {
			used, _ := set[section].(map[string]any)
			for name := range used {
				delete(unused[section].(map[string]any), name)
			}
		}
	}
	for _, section := range []string{"config", "secrets", "files"} {
		if left := unused[section].(map[string]any); len(left) > 0 {
			t.Errorf("%s has values that are no variables: %q", section, slices.Sorted(maps.Keys(left)))
		}
	}
}
