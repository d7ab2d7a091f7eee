package helm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const chartReadme = "wxgate/README.md"

// valuesDocuments are the documents whose YAML blocks are values of the chart.
var valuesDocuments = []string{chartReadme, "../README.md", "../README.zh-CN.md"}

// fence matches a fenced block, its language and its text.
var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```\n")

// blocksOf returns the blocks of one language in a document.
func blocksOf(t *testing.T, name, language string) []string {
	t.Helper()
	var blocks []string
	for _, match := range fence.FindAllStringSubmatch(readFile(t, name), -1) {
		if match[1] == language {
			blocks = append(blocks, match[2])
		}
	}
	if len(blocks) == 0 {
		t.Errorf("%s has no block of %s", name, language)
	}
	return blocks
}

// Each block of values in a document is enough to install the chart: it renders, the
// objects fit together, the site is guarded, and the gateway starts.
func TestValuesOfDocuments(t *testing.T) {
	t.Parallel()
	for _, name := range valuesDocuments {
		for _, block := range blocksOf(t, name, "yaml") {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				// The route that a block leaves out at first.
				for _, values := range slices.Compact([]string{block, strings.Replace(block, "site: false", "site: true", 1)}) {
					os := mustRender(t, release{values: []string{values}}).objects
					check(t, os)
					checkStarts(t, os)
				}
			})
		}
	}
}

// The chart's README has a block for each mode, with each object that asks wxgate or
// leads to it, and for several sites.
func TestValuesForEachMode(t *testing.T) {
	t.Parallel()
	var schema struct {
		Properties struct {
			Mode struct{ Enum []string }
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, "wxgate/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"proxy httpRoute", "proxy ingress", "sidecar httpRoute", "forward-auth traefik", "forward-auth envoyGateway",
		"forward-auth nginx", "extauthz envoyGateway", "extauthz istio", "proxy sites",
	}
	for _, mode := range schema.Properties.Mode.Enum {
		if !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(w, mode+" ") }) {
			t.Errorf("no block is wanted for the mode %s", mode)
		}
	}
	var got []string
	for _, block := range blocksOf(t, chartReadme, "yaml") {
		values := map[string]any{"mode": "proxy"}
		if err := yaml.Unmarshal([]byte(block), &values); err != nil {
			t.Fatal(err)
		}
		for name := range values {
			got = append(got, values["mode"].(string)+" "+name)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s has no block of values for %s", chartReadme, w)
		}
	}
}

// The errors of the schema look as the documents show them.
func TestSchemaErrorsOfDocuments(t *testing.T) {
	t.Parallel()
	_, err := render(withFour("config: {publicURL: 'https://h5.example.com'}\nreplicaCount: two\n"))
	if err == nil {
		t.Fatal("the schema accepts the values")
	}
	for _, name := range []string{"../README.md", "../README.zh-CN.md"} {
		for _, block := range blocksOf(t, name, "text") {
			for line := range strings.Lines(block) {
				if !strings.Contains(err.Error(), strings.TrimSpace(line)) {
					t.Errorf("%s shows the error %q, which is none of\n%v", name, strings.TrimSpace(line), err)
				}
			}
		}
	}
}

// The chart's README names the values of config that a site cannot have.
func TestValuesForTheWholeProcess(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(chartDir, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	type properties struct {
		Properties map[string]any
	}
	var schema struct {
		Properties struct {
			Config properties
			Sites  struct{ Items properties }
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(readFile(t, chartReadme), "For the whole process are")
	sentence, _, _ := strings.Cut(section, ".\n")
	named := regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(sentence, -1)
	for name := range schema.Properties.Config.Properties {
		_, ofSite := schema.Properties.Sites.Items.Properties[name]
		if isNamed := slices.ContainsFunc(named, func(n []string) bool { return n[1] == name }); isNamed == ofSite {
			t.Errorf("config.%s: a site may have it: %t; %s names it as for the whole process: %t",
				name, ofSite, chartReadme, isNamed)
		}
	}
}
