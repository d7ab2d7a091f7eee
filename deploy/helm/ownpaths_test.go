package helm_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A match is a path of a route, and the Service that it leads to.
type match struct {
	from    object
	kind    string // Exact, Prefix or PathPrefix
	path    string
	service string
	changed bool // the request gets another path
	cleaned bool // the request loses headers
}

// pathMatches returns the paths of the HTTPRoutes and Ingresses.
func (os objects) pathMatches() []match {
	var found []match
	for _, o := range os.kind("HTTPRoute") {
		rules, _, _ := unstructured.NestedSlice(o.Object, "spec", "rules")
		for _, rule := range rules {
			found = append(found, ruleMatches(o, rule.(map[string]any))...)
		}
	}
	for _, o := range os.kind("Ingress") {
		for _, rule := range o.typed.(*networkingv1.Ingress).Spec.Rules {
			for _, p := range value(rule.HTTP).Paths {
				found = append(found, match{o, string(value(p.PathType)), p.Path, value(p.Backend.Service).Name, false, true})
			}
		}
	}
	return found
}

// ruleMatches returns the paths of one rule of an HTTPRoute.
func ruleMatches(o object, rule map[string]any) []match {
	service := ""
	for _, b := range backendsIn(o, "backendRefs", rule["backendRefs"]) {
		service = b.service
	}
	whole := object{Unstructured: &unstructured.Unstructured{Object: rule}}
	rewrites := hasText(whole, `"type":"URLRewrite"`)
	removes := hasText(whole, `"type":"RequestHeaderModifier"`) && hasText(whole, `"X-Original-URL"`)
	var found []match
	matches, _, _ := unstructured.NestedSlice(rule, "matches")
	for _, m := range matches {
		kind, _, _ := unstructured.NestedString(m.(map[string]any), "path", "type")
		path, _, _ := unstructured.NestedString(m.(map[string]any), "path", "value")
		found = append(found, match{o, kind, path, service, rewrites, removes})
	}
	return found
}

// ownPage matches the endpoints of the gateway in its source.
var ownPage = regexp.MustCompile(`"(?:GET|POST) "\+prefix\+"(/[a-z.]+)"`)

// ownPages returns the paths of the gateway's own pages under the prefix. The auth
// endpoint is not among them.
func ownPages(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile(repository + "/gateway/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	for _, m := range ownPage.FindAllStringSubmatch(string(source), -1) {
		pages = append(pages, m[1])
	}
	slices.Sort(pages)
	pages = slices.Compact(pages)
	if !slices.Contains(pages, "/login") || !slices.Contains(pages, "/callback") || slices.Contains(pages, "/auth") {
		t.Fatalf("pages are %q", pages)
	}
	return pages
}

// checkPaths checks the paths that routes have. Where wxgate forwards, it gets all of
// them. Where a proxy asks it, it gets its own pages and no other, above all not the
// auth endpoint: a client that asks it could describe any request.
func checkPaths(t *testing.T, os objects) {
	t.Helper()
	_, c := wxgateContainer(t, os)
	env := environment(t, os, c)
	prefix := env["WXGATE_PREFIX"]
	if prefix == "" {
		prefix = "/_wx"
	}
	var exact []string
	for _, m := range os.pathMatches() {
		own := slices.Contains(os.names("Service"), m.service)
		switch {
		case env["WXGATE_MODE"] != "forward-auth":
			if m.path != "/" || m.kind == "Exact" {
				t.Errorf("%s has the path %s, want all paths", m.from, m.path)
			}
		case own && m.kind == "Exact":
			exact = append(exact, m.path)
			if !m.cleaned {
				t.Errorf("%s: clients can describe another request than that of %s", m.from, m.path)
			}
			if strings.HasPrefix(m.path, prefix+"/auth") {
				t.Errorf("%s leads clients to the auth endpoint, %s", m.from, m.path)
			}
		case !own && !m.cleaned:
			t.Errorf("%s: the site gets the client's X-Original-URL", m.from)
		case own && !m.changed:
			t.Errorf("%s leads all paths under %s to wxgate, the auth endpoint too", m.from, m.path)
		}
	}
	if len(exact) > 0 {
		checkOwnPages(t, env, prefix, exact)
	}
}

// checkOwnPages checks that the exact paths of routes are all pages of the gateway.
func checkOwnPages(t *testing.T, env map[string]string, prefix string, exact []string) {
	t.Helper()
	var want []string
	for _, page := range ownPages(t) {
		want = append(want, prefix+page)
	}
	for name, tokens := range env {
		if siteNumber.ReplaceAllString(name, "") != "VERIFY_FILES" {
			continue
		}
		for token := range strings.SplitSeq(tokens, ",") {
			want = append(want, "/MP_verify_"+token+".txt")
		}
	}
	slices.Sort(exact)
	exact = slices.Compact(exact)
	slices.Sort(want)
	if !slices.Equal(exact, want) {
		t.Errorf("routes lead to the pages\n%q\nwant\n%q", exact, want)
	}
}
