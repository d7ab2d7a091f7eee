package prometheus_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestDashboardLayout(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	ids := map[int]string{}
	for i, p := range d.all() {
		if before, taken := ids[p.ID]; taken || p.ID == 0 {
			t.Errorf("%q has the id %d, which %q has too", p.Title, p.ID, before)
		}
		ids[p.ID] = p.Title
		if g := p.GridPos; g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("%q is at %+v, want it within 24 columns", p.Title, g)
		}
		for _, other := range d.all()[:i] {
			if p.GridPos.overlaps(other.GridPos) {
				t.Errorf("%q at %+v overlaps %q at %+v", p.Title, p.GridPos, other.Title, other.GridPos)
			}
		}
	}
}

func (r rectangle) overlaps(o rectangle) bool {
	return r.X < o.X+o.W && o.X < r.X+r.W && r.Y < o.Y+o.H && o.Y < r.Y+r.H
}

// Each panel says in words what it shows, and each of its queries has a name.
func TestDashboardPanels(t *testing.T) {
	t.Parallel()
	for _, p := range readDashboard(t).all() {
		if p.Title == "" {
			t.Errorf("panel %d has no title", p.ID)
		}
		if p.Type == "row" {
			continue
		}
		if !strings.HasSuffix(p.Description, ".") {
			t.Errorf("%q has the description %q, want a sentence", p.Title, p.Description)
		}
		if len(p.Targets) == 0 {
			t.Errorf("%q has no query", p.Title)
		}
		var names []string
		for _, query := range p.Targets {
			if query.Expr == "" || query.RefID == "" || slices.Contains(names, query.RefID) {
				t.Errorf("%q has the query %+v, want one with a name of its own", p.Title, query)
			}
			names = append(names, query.RefID)
		}
	}
}

// The dashboard belongs to no data source, and uses its variables and no others.
func TestDashboardVariables(t *testing.T) {
	t.Parallel()
	text := readFile(t, dashboardFile)
	for _, uid := range regexp.MustCompile(`"uid": "([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains([]string{"${datasource}", "-- Grafana --", "wxgate"}, uid[1]) {
			t.Errorf("the dashboard names the data source %q", uid[1])
		}
	}
	known := map[string]bool{"__rate_interval": true, "__range": true, "__all": true}
	for _, v := range readDashboard(t).Templating.List {
		known[v.Name] = true
		if !strings.Contains(text, "$"+v.Name) && !strings.Contains(text, "${"+v.Name+"}") {
			t.Errorf("the variable %s is not used", v.Name)
		}
		if v.Type == "query" && v.AllValue != ".*" {
			t.Errorf("all of %s is %q, want .*, which fits series without the label too", v.Name, v.AllValue)
		}
	}
	for _, use := range regexp.MustCompile(`\$\{?([A-Za-z_]+)`).FindAllStringSubmatch(text, -1) {
		if !known[use[1]] {
			t.Errorf("there is no variable %s", use[0])
		}
	}
}
