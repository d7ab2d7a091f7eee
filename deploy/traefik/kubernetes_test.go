package traefik_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	httpmuxer "github.com/traefik/traefik/v3/pkg/muxer/http"
	"github.com/traefik/traefik/v3/pkg/provider/kubernetes/crd/traefikio/v1alpha1"
	"sigs.k8s.io/yaml"
)

// The API server refuses an object with an unknown field, and Traefik ignores a
// route whose rule it cannot parse.
func TestKubernetesObjectsAreTraefiks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]int)
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var object struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		if object.APIVersion != v1alpha1.SchemeGroupVersion.String() {
			t.Errorf("apiVersion %s, want %s", object.APIVersion, v1alpha1.SchemeGroupVersion)
		}
		kinds[object.Kind]++
		switch object.Kind {
		case "Middleware":
			decode(t, document, new(v1alpha1.Middleware))
		case "IngressRoute":
			var route v1alpha1.IngressRoute
			decode(t, document, &route)
			checkRules(t, &route)
		}
	}
	if kinds["Middleware"] != 3 || kinds["IngressRoute"] != 1 || len(kinds) != 2 {
		t.Errorf("kubernetes.yaml has %v, want 3 Middleware and 1 IngressRoute", kinds)
	}
}

// decode decodes a document and refuses unknown fields.
func decode(t *testing.T, document string, object any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
		t.Errorf("%T: %v", object, err)
	}
}

// checkRules gives the rules of a route to Traefik.
func checkRules(t *testing.T, route *v1alpha1.IngressRoute) {
	t.Helper()
	parser, err := httpmuxer.NewSyntaxParser()
	if err != nil {
		t.Fatal(err)
	}
	muxer := httpmuxer.NewMuxer(parser)
	for _, r := range route.Spec.Routes {
		if err := muxer.AddRoute(r.Match, "", r.Priority, http.NotFoundHandler()); err != nil {
			t.Errorf("rule %s: %v", r.Match, err)
		}
	}
}
