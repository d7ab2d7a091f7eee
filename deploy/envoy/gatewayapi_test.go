package envoy_test

import (
	"slices"
	"strings"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestGatewayAPI(t *testing.T) {
	t.Parallel()
	routes := all[gatewayv1.HTTPRoute](manifests(t, "gateway-api.yaml"))
	checked := func(_ *gatewayv1.HTTPRoute, rule gatewayv1.HTTPRouteRule) bool {
		for _, filter := range rule.Filters {
			if filter.Type != gatewayv1.HTTPRouteFilterExternalAuth {
				continue
			}
			auth := filter.ExternalAuth
			// Only over gRPC does wxgate name the headers that have to be removed, and
			// it has to see all of them.
			if auth.ExternalAuthProtocol != gatewayv1.HTTPRouteExternalAuthGRPCProtocol || auth.GRPCAuthConfig != nil {
				t.Errorf("ExternalAuth asks with %+v, want gRPC with all headers", auth)
			}
			if ref := auth.BackendRef; ref.Name != "wxgate-internal" || value(ref.Port) != 9191 || ref.Namespace != nil {
				t.Errorf("ExternalAuth asks %+v, want port 9191 of wxgate-internal", ref)
			}
			// The order of filters is the gateway's: another one could act after the answer.
			if len(rule.Filters) != 2 || auth.ForwardBody != nil {
				t.Errorf("filters %+v, want ExternalAuth, without the body, and the removal of claims", rule.Filters)
			}
			return true
		}
		return false
	}
	refused := func(_ *gatewayv1.HTTPRoute, rule gatewayv1.HTTPRouteRule) bool {
		for _, filter := range rule.Filters {
			if filter.Type != gatewayv1.HTTPRouteFilterURLRewrite {
				continue
			}
			path := filter.URLRewrite.Path
			if path == nil || path.Type != gatewayv1.FullPathHTTPPathModifier {
				t.Errorf("rewrite %+v, want one of the whole path", filter.URLRewrite)
				return false
			}
			to := value(path.ReplaceFullPath)
			return to == "/_wx/none" && !slices.Contains(ownPaths(t), to)
		}
		return false
	}
	checkRoutes(t, routes, checked, refused)
	for _, route := range routes {
		for _, rule := range route.Spec.Rules {
			if !refused(route, rule) {
				checkRemoved(t, route.Name, removedOf(rule))
			}
		}
	}
}

// removedOf returns the headers that a rule removes.
func removedOf(rule gatewayv1.HTTPRouteRule) (names []string) {
	for _, filter := range rule.Filters {
		if modifier := filter.RequestHeaderModifier; modifier != nil {
			names = append(names, modifier.Remove...)
		}
	}
	return names
}

// checkRemoved checks that a route removes the headers that describe another request,
// and none that wxgate sets: a gateway may do so after wxgate's answer.
func checkRemoved(t *testing.T, route string, removed []string) {
	t.Helper()
	want := []string{
		"forwarded", "x-forwarded-host", "x-forwarded-method", "x-forwarded-uri", "x-original-method",
		"x-original-uri", "x-original-url", "x-rewrite-url",
	}
	var got []string
	for _, name := range removed {
		got = append(got, strings.ToLower(name))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s removes %q of the client, want %q", route, got, want)
	}
}
