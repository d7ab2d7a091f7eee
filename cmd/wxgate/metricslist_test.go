package main_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A metricForm is the type and the labels of a metric.
type metricForm struct{ Type, Labels string }

// servedMetrics returns the forms of wxgate's own metrics in an answer of /metrics.
func servedMetrics(t *testing.T, text string) map[string]metricForm {
	t.Helper()
	series := regexp.MustCompile(`(?m)^(wxgate_[a-z_]+)(?:\{(.*)\})? \S+$`)
	label := regexp.MustCompile(`([a-z]+)="[^"]*"`)
	forms := make(map[string]metricForm)
	for _, kind := range regexp.MustCompile(`(?m)^# TYPE (wxgate_\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		forms[kind[1]] = metricForm{Type: kind[2]}
	}
	for _, s := range series.FindAllStringSubmatch(text, -1) {
		name := s[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, suffix); forms[base].Type == "histogram" {
				name = base
			}
		}
		form, known := forms[name]
		if !known {
			t.Errorf("%s has no type", s[0])
		}
		var names []string
		for _, l := range label.FindAllStringSubmatch(s[2], -1) {
			if l[1] != "le" {
				names = append(names, l[1])
			}
		}
		slices.Sort(names)
		form.Labels = strings.Join(names, " ")
		if former := forms[name].Labels; former != "" && former != form.Labels {
			t.Errorf("%s has series with the labels %q and %q", name, former, form.Labels)
		}
		forms[name] = form
	}
	return forms
}

// listedMetrics returns the forms of the metrics in README.md of this directory.
func listedMetrics(t *testing.T) map[string]metricForm {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(readme), "<!-- metrics -->\n")
	table, _, ends := strings.Cut(rest, "<!-- /metrics -->")
	if !begins || !ends {
		t.Fatal("README.md lacks the lines <!-- metrics --> and <!-- /metrics -->")
	}
	forms := make(map[string]metricForm)
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| ([^|]*?) ?\\| .*\\S \\|$")
	for _, columns := range row.FindAllStringSubmatch(table, -1) {
		labels := strings.Fields(strings.NewReplacer("`", "", ",", " ").Replace(columns[3]))
		slices.Sort(labels)
		forms[columns[1]] = metricForm{columns[2], strings.Join(labels, " ")}
	}
	if rows := strings.Count(table, "\n") - 2; rows != len(forms) {
		t.Errorf("README.md lists %d metrics in %d rows", len(forms), rows)
	}
	return forms
}

// README.md lists the metrics of a process that has everything, before its first
// request. One with a single site has the same metrics, but those of what it does not
// have, and no label site.
func TestMetricsList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openIDs, cert := filepath.Join(dir, "openids"), newCertificate(t)
	writeFile(t, openIDs, []byte("oVisitor\n"))
	site := newUpstream(t, hello)
	whole := start(t, environment(site, "WXGATE_PUBLIC_URL=",
		"WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com",
		"WXGATE_SITES_1_DENY_OPENIDS_FILE="+openIDs, "WXGATE_REDIS_URL=redis://127.0.0.1:1",
		"WXGATE_RELAY_LISTEN=127.0.0.1:0", "WXGATE_RELAY_PATHS=/cgi-bin/user/info",
		"WXGATE_TLS_CERT_FILE="+cert.certFile, "WXGATE_TLS_KEY_FILE="+cert.keyFile))
	_, text := get(t, "http://"+whole.listening("admin")+"/metrics")
	list := listedMetrics(t)
	if diff := cmp.Diff(list, servedMetrics(t, text)); diff != "" {
		t.Errorf("/metrics differs from README.md (-README +metrics):\n%s", diff)
	}

	plain := start(t, environment(site))
	_, text = get(t, "http://"+plain.listening("admin")+"/metrics")
	for name, form := range list {
		labels := slices.DeleteFunc(strings.Fields(form.Labels), func(l string) bool { return l == "site" })
		form.Labels = strings.Join(labels, " ")
		list[name] = form
	}
	maps.DeleteFunc(list, func(name string, _ metricForm) bool {
		for _, part := range []string{"_file_", "_certificate_", "_relay_", "_redis_", "_revocations_"} {
			if strings.Contains(name, part) {
				return true
			}
		}
		return false
	})
	if diff := cmp.Diff(list, servedMetrics(t, text)); diff != "" {
		t.Errorf("/metrics of one site differs from README.md (-README +metrics):\n%s", diff)
	}
}
