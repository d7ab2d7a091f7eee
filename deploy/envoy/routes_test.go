package envoy_test

import (
	"slices"
	"strings"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Where a request goes.
const (
	toWxgate = "wxgate, unchecked"
	toSite   = "site, checked"
	toNobody = "404"
)

// pathCases are requests and where they have to go; "own" stands for all own paths of
// the gateway. A path comes as Envoy routes it: normalized, with escaped slashes and
// what RFC 3986 reserves as it was sent.
func pathCases(t *testing.T) map[string]string {
	cases := map[string]string{
		"/": toSite, "/orders": toSite, "/orders?a=/_wx/me": toSite,
		"/_wxother": toSite, "/_WX/login": toSite, "/x/_wx/login": toSite,
		"/MP_verify_other.txt": toSite, "/MP_verify_abc123.txt/x": toSite, "/MP_verify_abc123_txt": toSite,
		"/_wx/": toNobody, "/_wx/loginx": toNobody, "/_wx/login/": toNobody, "/_wx/login/x": toNobody,
		"/_wx/auth": toNobody, "/_wx/auth?redirect=true": toNobody, "/_wx/auth/": toNobody,
		"/_wx/auth/orders": toNobody, "/_wx/auth%2forders": toNobody, "/_wx/auth%2F": toNobody,
		"/_wx/auth;x": toNobody, "/_wx/auth%3f": toNobody, "/_wx/auth%5cx": toNobody, "/_wx/%61uth": toNobody,
		"/_wx/me%2f..%2fauth": toNobody, "/_wx/AUTH": toNobody, "/_wx/jwksxjson": toNobody,
		"/_wx%2fauth": toSite, "/_wx%2flogin": toSite, "/_wx;x/auth": toSite,
	}
	for _, path := range ownPaths(t) {
		cases[path] = toWxgate
		cases[path+"?auth=/_wx/auth"] = toWxgate
	}
	return cases
}

// match returns the rule for a request by the order of Gateway API: an exact path,
// then the longest prefix. A prefix consists of whole elements.
func match(t *testing.T, routes []*gatewayv1.HTTPRoute, target string) (*gatewayv1.HTTPRoute, gatewayv1.HTTPRouteRule) {
	t.Helper()
	path, _, _ := strings.Cut(target, "?")
	best, length := gatewayv1.HTTPRouteRule{}, -1
	var at *gatewayv1.HTTPRoute
	for _, route := range routes {
		for _, rule := range route.Spec.Rules {
			for _, m := range rule.Matches {
				weight := -1
				switch prefix := strings.TrimSuffix(value(m.Path.Value), "/"); value(m.Path.Type) {
				case gatewayv1.PathMatchExact:
					if path == *m.Path.Value {
						weight = 1 << 20
					}
				case gatewayv1.PathMatchPathPrefix:
					if path == prefix || strings.HasPrefix(path, prefix+"/") {
						weight = len(prefix)
					}
				default:
					t.Fatalf("HTTPRoute %s matches a path by %q, which not all gateways know", route.Name, *m.Path.Type)
				}
				if weight > length {
					at, best, length = route, rule, weight
				}
			}
		}
	}
	if at == nil {
		t.Fatalf("no route for %s", target)
	}
	return at, best
}

// backend returns the Service and port of a rule that has one.
func backend(t *testing.T, rule gatewayv1.HTTPRouteRule) (service string, port int32) {
	t.Helper()
	if len(rule.BackendRefs) != 1 {
		t.Fatalf("%d backends, want 1", len(rule.BackendRefs))
	}
	ref := rule.BackendRefs[0]
	if ref.Group != nil || ref.Kind != nil || ref.Namespace != nil || ref.Filters != nil {
		t.Errorf("backend %+v, want a Service of the same namespace, without filters", ref)
	}
	return string(ref.Name), int32(value(ref.Port))
}

// checkRoutes tests where requests go. checked reports whether wxgate is asked about a
// request of a rule, refused whether it never leaves the gateway for an own endpoint.
func checkRoutes(
	t *testing.T, routes []*gatewayv1.HTTPRoute,
	checked, refused func(*gatewayv1.HTTPRoute, gatewayv1.HTTPRouteRule) bool,
) {
	t.Helper()
	for _, route := range routes {
		if !slices.Equal(route.Spec.Hostnames, routes[0].Spec.Hostnames) || len(route.Spec.Hostnames) == 0 {
			t.Errorf("HTTPRoute %s has the hosts %q, want those of the others", route.Name, route.Spec.Hostnames)
		}
	}
	for target, want := range pathCases(t) {
		route, rule := match(t, routes, target)
		asks, got := checked(route, rule), toNobody
		if !refused(route, rule) {
			service, port := backend(t, rule)
			got = map[string]string{"wxgate": toWxgate, "site": toSite}[service]
			if service == "wxgate" && port != 8080 {
				t.Errorf("%s goes to port %d of wxgate, want 8080", target, port)
			}
		}
		if got != want || asks != (want == toSite) {
			t.Errorf("%s goes to %q, wxgate is asked: %t; want %q", target, got, asks, want)
		}
		if request := value(value(rule.Timeouts).Request); want == toSite && request != "0s" {
			t.Errorf("%s may take %q, want 0s: no limit", target, request)
		}
	}
}
