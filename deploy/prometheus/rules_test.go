package prometheus_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/template"
)

// An operator who is woken by an alert reads what it means for visitors and what to
// do first.
func TestAlertsSayWhatToDo(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, rule := range alerts(t) {
		if !strings.HasPrefix(rule.Alert, "Wxgate") || seen[rule.Alert] {
			t.Errorf("%s: want a name of its own that begins with Wxgate", rule.Alert)
		}
		seen[rule.Alert] = true
		if severity := rule.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s has the severity %q, want critical or warning", rule.Alert, severity)
		}
		for _, labels := range []map[string]string{
			{"namespace": "h5"},
			{"site": "a.example.com"}, // of several; no namespace outside Kubernetes
		} {
			for _, name := range []string{"job", "api", "upstream", "instance", "file"} {
				labels[name] = "some " + name
			}
			summary := expand(t, rule.Annotations["summary"], labels)
			description := expand(t, rule.Annotations["description"], labels)
			if summary == "" || len(summary) > 100 || strings.Contains(summary, "\n") {
				t.Errorf("%s has the summary %q, want a line of at most 100 bytes", rule.Alert, summary)
			}
			if !strings.Contains(description, "First: ") || strings.Contains(description, "  ") {
				t.Errorf("%s has the description %q, want one with \"First: \" and single spaces", rule.Alert, description)
			}
			for _, text := range []string{summary, description} {
				if strings.Contains(text, "%!") || strings.Contains(text, "<no value>") {
					t.Errorf("%s: a value is missing in %q", rule.Alert, text)
				}
			}
		}
	}
}

// expand returns the text of an annotation for an alert with those labels, whose
// value is 1234.5. Its queries find nothing.
func expand(t *testing.T, text string, labels map[string]string) string {
	t.Helper()
	data := template.AlertTemplateData(labels, nil, "", promql.Sample{F: 1234.5})
	nothing := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }
	const names = "{{$labels := .Labels}}{{$value := .Value}}" // as Prometheus puts before each annotation
	expanded, err := template.NewTemplateExpander(t.Context(), names+text, "annotation", data,
		model.Now(), nothing, nil, nil).Expand()
	if err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return expanded
}

// Each alert has a unit test in which it fires, and one in which it does not. In both
// there are series for what it looks at.
func TestEveryAlertIsTried(t *testing.T) {
	t.Parallel()
	fires, silent := map[string]bool{}, map[string]bool{}
	rules := alerts(t)
	for _, test := range readUnitTests(t).Tests {
		name, _, _ := strings.Cut(test.Name, ": ")
		i := slices.IndexFunc(rules, func(r rulefmt.Rule) bool { return r.Alert == name })
		if i < 0 {
			t.Errorf("the unit test %q does not begin with the name of an alert", test.Name)
			continue
		}
		var given []string
		for _, input := range test.InputSeries {
			given = append(given, labelsOf(t, input.Series).Get(model.MetricNameLabel))
		}
		for _, metric := range metricsIn(t, rules[i].Expr) {
			if !slices.Contains(given, metric) {
				t.Errorf("the unit test %q has no series of %s", test.Name, metric)
			}
		}
		for _, query := range test.PromQL {
			if want := `ALERTS{alertname="` + name + `", alertstate="firing"}`; query.Expr != want {
				t.Errorf("the unit test %q asks for %s, want %s", test.Name, query.Expr, want)
			}
			if len(query.Samples) > 0 {
				fires[name] = true
			} else {
				silent[name] = true
			}
		}
	}
	for _, rule := range rules {
		if !fires[rule.Alert] || !silent[rule.Alert] {
			t.Errorf("%s: fires in a unit test: %v, stays silent in one: %v", rule.Alert, fires[rule.Alert], silent[rule.Alert])
		}
	}
}

// metricsIn returns the names of the metrics in an expression.
func metricsIn(t *testing.T, text string) []string {
	t.Helper()
	var names []string
	for _, selector := range parser.ExtractSelectors(parse(t, text)) {
		for _, m := range selector {
			if m.Name == model.MetricNameLabel {
				names = append(names, m.Value)
			}
		}
	}
	return names
}

func parse(t *testing.T, text string) parser.Expr {
	t.Helper()
	expr, err := promQL.ParseExpr(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return expr
}

func TestPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	switch {
	case err == nil:
	case os.Getenv("TEST_REQUIRE_ALL") == "1":
		t.Fatal("no promtool on this machine (Debian: prometheus)")
	default:
		t.Skip("no promtool on this machine (Debian: prometheus)")
	}
	for _, args := range [][]string{
		{"check", "rules", rulesFile},
		{"test", "rules", unitTestsFile},
	} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
