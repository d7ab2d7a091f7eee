package helm_test

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// nullBases are values with which the templates read what others do not, by the
// sections that they read.
var nullBases = map[string][]string{
	"": {""},
	asked("forward-auth") + "traefik: {enabled: true}": {"config", "service", "site", "traefik"},
	extauthz + httpRoute + "istio: {enabled: true}":    {"httpRoute", "istio", "networkPolicy"},
	nginx: {"ingress", "nginx", "common"},
	combinations["every monitor"] + "\n---\n" + sidecar: {"metrics", "sidecar", "pod", "test"},
}

// A value or a section that is null, such as one whose lines are all comments, is
// empty, or an error that names it. Helm removes its default.
func TestNullValues(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, v := range documentedValues(t) {
		keys := strings.Split(v.name, ".")
		for i := range keys {
			names[strings.Join(keys[:i+1], ".")] = true
		}
	}
	for base, sections := range nullBases {
		for name := range names {
			if !slices.ContainsFunc(sections, func(s string) bool { return strings.HasPrefix(name, s) }) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				renderNull(t, base, name)
			})
		}
	}
}

// renderNull renders values with a null at a path.
func renderNull(t *testing.T, base, path string) {
	t.Helper()
	var value any
	keys := strings.Split(path, ".")
	for _, key := range slices.Backward(keys) {
		value = map[string]any{key: value}
	}
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	r := withFour(base)
	r.values = append(r.values, string(text))
	_, err = render(r)
	if err == nil {
		mustRender(t, r) // decodes strictly
		return
	}
	last := keys[len(keys)-1]
	if text := err.Error(); !strings.Contains(text, "cannot work") &&
		!(strings.Contains(text, "missing propert") && strings.Contains(text, "'"+last+"'")) {
		t.Errorf("error without a sentence: %v", err)
	}
}
