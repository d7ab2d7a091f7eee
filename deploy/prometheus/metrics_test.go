package prometheus_test

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Every metric, label and value of a label that the alerts and the dashboard name
// is one of a running gateway, and every expression can be run.
func TestMetricsOfARunningGateway(t *testing.T) {
	t.Parallel()
	binary := buildGateway(t)
	h := &history{now: time.Now()}
	first, second := everything(t, binary)
	h.add(t, "10.0.0.1:9090", first, second)
	first, second = severalSites(t, binary)
	h.add(t, "10.0.0.2:9090", first, second)
	engine := newEngine()
	h.checkAlerts(t, engine)
	h.checkUnitTests(t)
	h.checkDashboard(t, engine)
}

func (h *history) checkAlerts(t *testing.T, engine *promql.Engine) {
	t.Helper()
	calls := regexp.MustCompile(`printf "(wxgate_\w+{[^"]*})"`) // what a description asks for
	for _, rule := range alerts(t) {
		h.checkNames(t, rule.Alert, rule.Expr)
		h.query(t, engine, rule.Expr)
		for _, selector := range calls.FindAllStringSubmatch(rule.Annotations["description"], -1) {
			h.checkNames(t, rule.Alert, "sum by (errcode) ("+strings.ReplaceAll(selector[1], "=%q", `=~".*"`)+")")
		}
	}
}

// checkUnitTests compares the series of the unit tests with the gateway's.
func (h *history) checkUnitTests(t *testing.T) {
	t.Helper()
	for _, test := range readUnitTests(t).Tests {
		for _, input := range test.InputSeries {
			series := labelsOf(t, input.Series)
			name := series.Get(model.MetricNameLabel)
			known := h.labelsOf(name)
			if known == nil {
				t.Errorf("unit test %q: the gateway has no metric %s", test.Name, name)
				continue
			}
			series.Range(func(l labels.Label) {
				if values := known[l.Name]; len(values) == 0 {
					t.Errorf("unit test %q: %s has no label %s", test.Name, name, l.Name)
				} else if isWord(name, l) && !values[l.Value] {
					t.Errorf("unit test %q: %s has no %s=%q", test.Name, name, l.Name, l.Value)
				}
			})
		}
	}
}

// isWord reports whether all values of the metric's label exist from the start.
func isWord(metric string, l labels.Label) bool {
	return metric != "wxgate_wechat_errors_total" && slices.Contains([]string{"result", "outcome", "error", "api"}, l.Name)
}

// labelsOf returns the labels of a metric and their values; nil if there is no such
// metric.
func (h *history) labelsOf(metric string) map[string]map[string]bool {
	var known map[string]map[string]bool
	for _, s := range h.series {
		if s.labels.Get(model.MetricNameLabel) != metric {
			continue
		}
		if known == nil {
			known = map[string]map[string]bool{}
		}
		s.labels.Range(func(l labels.Label) {
			if known[l.Name] == nil {
				known[l.Name] = map[string]bool{}
			}
			known[l.Name][l.Value] = true
		})
	}
	return known
}

func (h *history) checkDashboard(t *testing.T, engine *promql.Engine) {
	t.Helper()
	d := readDashboard(t)
	for _, p := range d.all() {
		columns := map[string]bool{"Time": true, "Value": true}
		for _, query := range p.Targets {
			expr := d.fill(query.Expr)
			h.checkNames(t, p.Title, expr)
			result := h.query(t, engine, expr)
			if !slices.ContainsFunc(result, func(s promql.Sample) bool { return !math.IsNaN(s.F) }) {
				t.Errorf("%q shows nothing for %s: %v", p.Title, expr, result)
			}
			columns["Value #"+query.RefID] = true
			for _, s := range result {
				s.Metric.Range(func(l labels.Label) { columns[l.Name] = true })
			}
			for _, label := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(query.Legend, -1) {
				if !columns[label[1]] {
					t.Errorf("%q: no series has the label %s of the legend %q", p.Title, label[1], query.Legend)
				}
			}
		}
		for _, transformation := range p.Transformations {
			for name := range transformation.Options.RenameByName {
				if !columns[name] {
					t.Errorf("%q has no column %q", p.Title, name)
				}
			}
		}
	}
	for _, v := range d.Templating.List {
		definition, _ := v.Query.(map[string]any)
		text, _ := definition["query"].(string)
		if text == "" {
			continue
		}
		inner := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(d.fill(text))
		if inner == nil {
			t.Errorf("the variable %s has the query %q", v.Name, text)
			continue
		}
		h.checkNames(t, v.Name, "count by ("+inner[2]+") ("+inner[1]+")")
	}
}

// checkNames checks that each selector in an expression finds series, with each of
// the values that it names, and that these have the labels by which the expression
// groups.
func (h *history) checkNames(t *testing.T, where, text string) {
	t.Helper()
	parser.Inspect(parse(t, text), func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			for _, matchers := range alternatives(n.LabelMatchers) {
				if len(h.selected(matchers)) == 0 && n.Name != "ALERTS" {
					t.Errorf("%s: the gateway has no series %v", where, matchers)
				}
			}
		case *parser.AggregateExpr:
			known := h.labelsIn(n.Expr)
			for _, label := range n.Grouping {
				if !known[label] {
					t.Errorf("%s: no series has the label %s of %s", where, label, n)
				}
			}
		case *parser.BinaryExpr:
			if n.VectorMatching == nil || !n.VectorMatching.On {
				break
			}
			for _, label := range n.VectorMatching.MatchingLabels {
				if !h.labelsIn(n.LHS)[label] || !h.labelsIn(n.RHS)[label] {
					t.Errorf("%s: not both sides have the label %s of %s", where, label, n)
				}
			}
		}
		return nil
	})
}

// alternatives returns the matchers with each value of those that name several, as in
// a|b, one after the other.
func alternatives(matchers []*labels.Matcher) [][]*labels.Matcher {
	list := [][]*labels.Matcher{matchers}
	for i, m := range matchers {
		if m.Type != labels.MatchRegexp && m.Type != labels.MatchNotRegexp {
			continue
		}
		for value := range strings.SplitSeq(m.Value, "|") {
			if regexp.QuoteMeta(value) != value || value == "" {
				continue
			}
			one := slices.Clone(matchers)
			one[i] = labels.MustNewMatcher(labels.MatchEqual, m.Name, value)
			list = append(list, one)
		}
	}
	return list
}

// labelsIn returns the labels of the series that an expression selects, and those
// that it makes.
func (h *history) labelsIn(expr parser.Expr) map[string]bool {
	known := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			for _, s := range h.selected(n.LabelMatchers) {
				s.labels.Range(func(l labels.Label) { known[l.Name] = true })
			}
		case *parser.Call:
			if n.Func.Name == "label_replace" {
				known[n.Args[1].(*parser.StringLiteral).Val] = true
			}
		}
		return nil
	})
	return known
}
