package helm_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Traefik passes the renewed session of each site on, whatever its cookie is called.
func TestTraefikKnowsTheCookiesOfAllSites(t *testing.T) {
	t.Parallel()
	traefik := asked("forward-auth") + "traefik: {enabled: true}\n"
	for values, want := range map[string][]string{
		traefik:                                  {"wxgate", "__Host-wxgate"},
		traefik + "---\nconfig: {cookieName: a}": {"a", "__Host-a"},
		traefik + "sites: [{publicUrl: 'https://a.cn', cookieName: a}, {publicUrl: 'https://b.cn'}]": {
			"a", "__Host-a", "wxgate", "__Host-wxgate",
		},
	} {
		found := 0
		for _, m := range mustRender(t, withFour(values)).objects.kind("Middleware") {
			got, ok, _ := unstructured.NestedStringSlice(m.Object, "spec", "forwardAuth", "addAuthCookiesToResponse")
			if ok {
				found++
			}
			if ok && !slices.Equal(got, want) {
				t.Errorf("Traefik passes the cookies %q on, want %q, with the values\n%s", got, want, values)
			}
		}
		if found == 0 {
			t.Errorf("Traefik passes no cookies on, want %q, with the values\n%s", want, values)
		}
	}
}
