package envoy_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	meshv1alpha1 "istio.io/api/mesh/v1alpha1"
	networkingv1 "istio.io/api/networking/v1"
	securityv1 "istio.io/api/security/v1"
	"sigs.k8s.io/yaml"
)

type (
	authorization = istioObject[*securityv1.AuthorizationPolicy]
	virtual       = istioObject[*networkingv1.VirtualService]
)

// mesh returns the values of istio-mesh.yaml as istiod reads them.
func mesh(t *testing.T, text string) (*meshv1alpha1.MeshConfig, error) {
	t.Helper()
	var values map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	if len(values) != 1 {
		t.Fatalf("istio-mesh.yaml has %d values, want meshConfig", len(values))
	}
	config, err := yaml.Marshal(values["meshConfig"])
	if err != nil {
		t.Fatal(err)
	}
	if config, err = yaml.YAMLToJSON(config); err != nil {
		t.Fatal(err)
	}
	into := &meshv1alpha1.MeshConfig{}
	return into, protojson.Unmarshal(config, into)
}

func TestIstioProviderFailsClosed(t *testing.T) {
	t.Parallel()
	text := readFile(t, "istio-mesh.yaml")
	for _, field := range []string{"failOpen", "normalization", "port", "envoyExtAuthzGrpc"} {
		if _, err := mesh(t, strings.Replace(text, field+":", "x"+field+":", 1)); err == nil {
			t.Errorf("x%s was accepted", field)
		}
	}
	config, err := mesh(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if n := config.GetPathNormalization().GetNormalization(); n !=
		meshv1alpha1.MeshConfig_ProxyPathNormalization_MERGE_SLASHES {
		t.Errorf("normalization %v, want MERGE_SLASHES", n)
	}
	if len(config.GetExtensionProviders()) != 1 {
		t.Fatalf("%d providers, want 1", len(config.GetExtensionProviders()))
	}
	provider := config.GetExtensionProviders()[0]
	grpc := provider.GetEnvoyExtAuthzGrpc()
	if !strings.Contains(text, "failOpen: false") || grpc.GetFailOpen() {
		t.Error("requests pass while wxgate is unavailable")
	}
	if grpc.GetPort() != 9191 || grpc.GetStatusOnError() != "503" || grpc.GetClearRouteCache() {
		t.Errorf("provider %v, want port 9191, 503 on errors, and no other route after the answer", grpc)
	}
	if grpc.GetTimeout().AsDuration() <= 0 {
		t.Error("the provider has no timeout")
	}
	for _, policy := range all[authorization](manifests(t, "istio.yaml")) {
		if name := policy.Spec.GetProvider().GetName(); name != "" && name != provider.GetName() {
			t.Errorf("AuthorizationPolicy %s names provider %q, want %q", policy.Name, name, provider.GetName())
		}
	}
	host := ""
	for _, route := range one[virtual](t, manifests(t, "istio.yaml")).Spec.GetHttp() {
		if len(route.GetMatch()) > 0 && len(route.GetRoute()) > 0 {
			host = route.GetRoute()[0].GetDestination().GetHost()
		}
	}
	if want := strings.Replace(host, "wxgate.", "wxgate-internal.", 1); want != grpc.GetService() {
		t.Errorf("wxgate's pages lead to %q, and the provider to %q, want %q", host, grpc.GetService(), want)
	}
}

// matchesPath reports whether a pattern of an AuthorizationPolicy matches a path: an
// exact one, or a prefix or suffix with a * instead of the rest.
func matchesPath(t *testing.T, pattern, path string) bool {
	t.Helper()
	prefix, isPrefix := strings.CutSuffix(pattern, "*")
	if isPrefix && !strings.Contains(prefix, "*") {
		return strings.HasPrefix(path, prefix)
	}
	if strings.ContainsAny(pattern, "*{}") {
		t.Fatalf("pattern %q, which this test does not know", pattern)
	}
	return pattern == path
}

func TestIstioPolicies(t *testing.T) {
	t.Parallel()
	objects := manifests(t, "istio.yaml")
	service := one[virtual](t, objects)
	policies := all[authorization](objects)
	if len(policies) != 2 {
		t.Fatalf("%d AuthorizationPolicies, want 2", len(policies))
	}
	var unchecked, denied, hosts []string
	for _, policy := range policies {
		if policy.Namespace != service.Namespace || policy.Namespace == "" {
			t.Errorf("AuthorizationPolicy %s is in %q, the routes are in %q",
				policy.Name, policy.Namespace, service.Namespace)
		}
		labels := policy.Spec.GetSelector().GetMatchLabels()
		if labels["istio"] != "ingressgateway" || len(labels) != 1 {
			t.Errorf("AuthorizationPolicy %s selects %v", policy.Name, labels)
		}
		if len(policy.Spec.GetRules()) != 1 || len(policy.Spec.GetRules()[0].GetTo()) != 1 {
			t.Fatalf("AuthorizationPolicy %s: %v, want one rule", policy.Name, policy.Spec)
		}
		operation := policy.Spec.GetRules()[0].GetTo()[0].GetOperation()
		switch policy.Spec.GetAction() {
		case securityv1.AuthorizationPolicy_CUSTOM:
			unchecked, hosts = operation.GetNotPaths(), operation.GetHosts()
			if len(operation.GetPaths())+len(operation.GetMethods())+len(operation.GetNotMethods()) > 0 {
				t.Errorf("wxgate is asked about %v only", operation)
			}
		case securityv1.AuthorizationPolicy_DENY:
			denied = operation.GetPaths()
		}
	}
	if !slices.Equal(denied, []string{"/_wx/auth*"}) {
		t.Errorf("denied: %q, want the auth endpoint", denied)
	}
	for _, host := range service.Spec.GetHosts() {
		if !slices.Contains(hosts, host) || !slices.Contains(hosts, host+":*") {
			t.Errorf("wxgate is asked for the hosts %q, want %s with and without port", hosts, host)
		}
	}
	for target, want := range pathCases(t) {
		path, _, _ := strings.Cut(target, "?")
		asks := !slices.ContainsFunc(unchecked, func(p string) bool { return matchesPath(t, p, path) })
		if got := istioRoute(t, service.Spec, path); got != want || asks != (want == toSite) {
			t.Errorf("%s goes to %q, wxgate is asked: %t; want %q", target, got, asks, want)
		}
	}
}

// istioRoute returns where a VirtualService sends a path: the first route that matches.
func istioRoute(t *testing.T, service *networkingv1.VirtualService, path string) string {
	t.Helper()
	for _, route := range service.GetHttp() {
		matched := len(route.GetMatch()) == 0
		for _, m := range route.GetMatch() {
			uri := m.GetUri()
			matched = matched || uri.GetExact() == path ||
				uri.GetPrefix() != "" && strings.HasPrefix(path, uri.GetPrefix()) ||
				uri.GetRegex() != "" && regexp.MustCompile("^(?:"+uri.GetRegex()+")$").MatchString(path)
		}
		if !matched {
			continue
		}
		if direct := route.GetDirectResponse(); direct != nil {
			if direct.GetStatus() != http.StatusNotFound {
				t.Errorf("%s gets %d, want 404", path, direct.GetStatus())
			}
			return toNobody
		}
		if route.GetTimeout() != nil || route.GetRewrite() != nil || len(route.GetRoute()) != 1 {
			t.Errorf("route %v, want one without a timeout and a rewrite", route)
		}
		if strings.HasPrefix(route.GetRoute()[0].GetDestination().GetHost(), "wxgate.") {
			checkRemoved(t, "the route to wxgate", route.GetHeaders().GetRequest().GetRemove())
			return toWxgate
		}
		headers := route.GetHeaders()
		if headers.GetResponse() != nil || len(headers.GetRequest().GetSet())+len(headers.GetRequest().GetAdd()) > 0 {
			t.Errorf("route %v changes headers after wxgate has set the identity", route)
		}
		checkRemoved(t, "the route to the site", headers.GetRequest().GetRemove())
		return toSite
	}
	t.Fatalf("no route for %s", path)
	return ""
}
