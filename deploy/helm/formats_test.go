package helm_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The chart accepts a value exactly if wxgate accepts it in the variable, and a message
// of either names it. A password in a value is in no message of the chart.
func TestChartAndWxgateAcceptTheSameValues(t *testing.T) {
	t.Parallel()
	for _, v := range variables(t) {
		if _, ok := settings[v.name]; ok {
			continue // a file, or a port of its own
		}
		name := camelCase(v.name)
		f, ok := formats[name]
		if !ok || len(f.good) == 0 || len(f.bad) == 0 {
			t.Errorf("the table has no values that are right and wrong for config.%s", name)
		}
		base := environmentOf(t, f.needs)
		for _, text := range f.good {
			t.Run(name+" "+text, func(t *testing.T) {
				t.Parallel()
				os := mustRender(t, withFour(f.needs+"\n---\n"+configOf(name, text))).objects
				_, c := wxgateContainer(t, os)
				env := maps.Clone(base)
				env["WXGATE_"+v.name] = environment(t, os, c)["WXGATE_"+v.name]
				if output, code := runOnce(t, env, "explain", "/"); code != 0 {
					t.Errorf("the chart accepts it, wxgate explain: exit %d\n%s", code, output)
				}
			})
		}
		for _, text := range f.bad {
			t.Run(name+" "+text, func(t *testing.T) {
				t.Parallel()
				_, err := render(withFour(f.needs + "\n---\n" + configOf(name, text)))
				refusedAs(t, err, "config", name)
				env := maps.Clone(base)
				env["WXGATE_"+v.name] = textOf(t, text)
				if output, code := runOnce(t, env, "explain", "/"); code != 2 || !strings.Contains(output,
					"WXGATE_"+v.name) {
					t.Errorf("wxgate explain: exit %d, want 2 with WXGATE_%s\n%s", code, v.name, output)
				}
			})
		}
	}
}

// The values of a site have the same formats.
func TestSitesHaveTheSameFormats(t *testing.T) {
	t.Parallel()
	ofSite := siteValues(t)
	for name, f := range formats {
		if !ofSite[name] {
			continue
		}
		f.needs = strings.ReplaceAll(f.needs, "config: {sessionTtl: 1ns}",
			"config: {sessionTtl: 1ns, sessionMaxTtl: 1ns}")
		for _, text := range f.bad {
			t.Run(name+" "+text, func(t *testing.T) {
				t.Parallel()
				_, err := render(withFour(f.needs + "\n---\n" + siteOf(t, name, text)))
				refusedAs(t, err, "sites", name)
			})
		}
		for _, text := range f.good {
			t.Run(name+" "+text, func(t *testing.T) {
				t.Parallel()
				if _, err := render(withFour(f.needs + "\n---\n" + siteOf(t, name, text))); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// siteValues returns the names of the values that a site has, from the schema.
func siteValues(t *testing.T) map[string]bool {
	t.Helper()
	var schema struct {
		Properties struct {
			Sites struct{ Items schemaNode }
		}
	}
	if err := yaml.Unmarshal([]byte(readFile(t, chartDir+"/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for name := range schema.Properties.Sites.Items.Properties {
		names[name] = true
	}
	return names
}

// refusedAs checks that the chart's message names a value of the section, says what is
// expected, and has no password.
func refusedAs(t *testing.T, err error, section, name string) {
	t.Helper()
	if err == nil {
		t.Error("the chart accepts it")
		return
	}
	message := err.Error()
	sentence := strings.Contains(message, section+"."+name+" ") || strings.Contains(message, section+"[0]."+name+" ")
	ofSchema := strings.Contains(message, "at '/"+section+"/"+name+"'") || strings.Contains(message,
		"at '/"+section+"/0/"+name+"'")
	if !sentence && !ofSchema || strings.Contains(message, "match pattern") || strings.Contains(message, "planted") {
		t.Errorf("message does not name %s.%s, shows a regular expression, or a password:\n%s", section, name,
			message)
	}
}

// environmentOf returns the environment that the chart gives to wxgate, with its files.
func environmentOf(t *testing.T, values string) map[string]string {
	t.Helper()
	os := mustRender(t, withFour(values)).objects
	p, c := wxgateContainer(t, os)
	env := environment(t, os, c)
	writeFiles(t, p, c, env)
	return env
}

func configOf(name, text string) string { return "config:\n  " + name + ": " + text }

// siteOf returns the values of a site with one of them.
func siteOf(t *testing.T, name, text string) string {
	t.Helper()
	site := map[string]any{"publicUrl": "https://h5.example.com", name: valueOf(t, text)}
	if name == "appId" {
		site["existingSecret"] = "account"
	}
	values, err := yaml.Marshal(map[string]any{"config": map[string]any{"publicUrl": ""}, "sites": []any{site}})
	if err != nil {
		t.Fatal(err)
	}
	return string(values)
}

func valueOf(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(errors.Join(err, errors.New(text)))
	}
	return value
}

// textOf returns what a value is in the variable: a list is comma-separated.
func textOf(t *testing.T, text string) string {
	t.Helper()
	switch value := valueOf(t, text).(type) {
	case []any:
		var items []string
		for _, item := range value {
			if upstream, ok := item.(map[string]any); ok {
				item = fmt.Sprintf("%s=%s", upstream["path"], upstream["url"])
			}
			items = append(items, fmt.Sprint(item))
		}
		return strings.Join(items, ",")
	case float64:
		return fmt.Sprintf("%.0f", value)
	default:
		return fmt.Sprint(value)
	}
}

// The table of formats is about values that exist.
func TestFormatsAreOfValues(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, v := range variables(t) {
		known[camelCase(v.name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(formats)) {
		if !known[name] {
			t.Errorf("the table has %s, which is no value of config", name)
		}
	}
}
