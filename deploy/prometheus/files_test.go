package prometheus_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

const (
	rulesFile     = "wxgate.rules.yml"
	unitTestsFile = "wxgate.rules.test.yml"
	dashboardFile = "../grafana/wxgate.json"
)

// promQL is Prometheus' own parser, without its experimental functions.
var promQL = parser.NewParser(parser.Options{})

// alerts returns the alert rules. Prometheus would load the file.
func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(rulesFile, false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
	var rules []rulefmt.Rule
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				t.Errorf("group %s has a rule that is no alert", group.Name)
			}
			rules = append(rules, rule)
		}
	}
	return rules
}

// A unitTests is a file of unit tests for promtool.
type unitTests struct {
	Tests []struct {
		Name        string `yaml:"name"`
		InputSeries []struct {
			Series string `yaml:"series"`
		} `yaml:"input_series"`
		PromQL []struct {
			Expr    string `yaml:"expr"`
			Samples []any  `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	} `yaml:"tests"`
}

func readUnitTests(t *testing.T) (tests unitTests) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readFile(t, unitTestsFile)), &tests); err != nil {
		t.Fatal(err)
	}
	return tests
}

// A dashboard is the part of a Grafana dashboard that the tests look at.
type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
}

type variable struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Query    any    `json:"query"` // text, or an object that has it
	AllValue string `json:"allValue"`
}

type panel struct {
	ID          int       `json:"id"`
	Type        string    `json:"type"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	GridPos     rectangle `json:"gridPos"`
	Panels      []panel   `json:"panels"` // of a row that is closed
	Targets     []target  `json:"targets"`
	FieldConfig struct {
		Overrides []override `json:"overrides"`
	} `json:"fieldConfig"`
	Transformations []struct {
		ID      string `json:"id"`
		Options struct {
			IndexByName  map[string]int    `json:"indexByName"`
			RenameByName map[string]string `json:"renameByName"`
		} `json:"options"`
	} `json:"transformations"`
}

type rectangle struct{ X, Y, W, H int }

type target struct {
	RefID  string `json:"refId"`
	Expr   string `json:"expr"`
	Legend string `json:"legendFormat"`
}

type override struct {
	Matcher struct {
		Options string `json:"options"`
	} `json:"matcher"`
	Properties []struct {
		ID    string          `json:"id"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(readFile(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// all returns the panels of the dashboard, rows and those in closed rows too.
func (d dashboard) all() []panel {
	var panels []panel
	for _, p := range d.Panels {
		panels = append(append(panels, p), p.Panels...)
	}
	return panels
}

// fill replaces Grafana's variables in an expression: all of everything, in the last
// hour.
func (d dashboard) fill(expr string) string {
	replaced := []string{"$__rate_interval", "5m", "$__range", "1h", "$__interval", "1m"}
	for _, v := range d.Templating.List {
		replaced = append(replaced, "$"+v.Name, v.AllValue)
	}
	return strings.NewReplacer(replaced...).Replace(expr)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
