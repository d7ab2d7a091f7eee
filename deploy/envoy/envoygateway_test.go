package envoy_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	egv1a1 "github.com/envoyproxy/gateway/api/v1alpha1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestEnvoyGatewayRoutes(t *testing.T) {
	t.Parallel()
	objects := manifests(t, "envoy-gateway.yaml")
	policy := one[egv1a1.SecurityPolicy](t, objects)
	missing := one[egv1a1.HTTPRouteFilter](t, objects)
	checked := func(route *gatewayv1.HTTPRoute, _ gatewayv1.HTTPRouteRule) bool {
		return slices.ContainsFunc(policy.Spec.TargetRefs,
			func(ref gatewayv1.LocalPolicyTargetReferenceWithSectionName) bool {
				return ref.Group == gatewayv1.GroupName && ref.Kind == "HTTPRoute" &&
					string(ref.Name) == route.Name && ref.SectionName == nil
			})
	}
	refused := func(_ *gatewayv1.HTTPRoute, rule gatewayv1.HTTPRouteRule) bool {
		for _, filter := range rule.Filters {
			if ref := filter.ExtensionRef; ref != nil && ref.Group == egv1a1.GroupName &&
				ref.Kind == "HTTPRouteFilter" && string(ref.Name) == missing.Name {
				direct := missing.Spec.DirectResponse
				return direct != nil && value(direct.StatusCode) == http.StatusNotFound && len(rule.BackendRefs) == 0
			}
		}
		return false
	}
	routes := all[gatewayv1.HTTPRoute](objects)
	checkRoutes(t, routes, checked, refused)

	gateway := one[gatewayv1.Gateway](t, objects)
	for _, route := range routes {
		for _, parent := range route.Spec.ParentRefs {
			if string(parent.Name) != gateway.Name {
				t.Errorf("HTTPRoute %s belongs to Gateway %q, want %q", route.Name, parent.Name, gateway.Name)
			}
		}
		// Envoy changes the headers of a route after ext_authz has set the identity.
		for _, rule := range route.Spec.Rules {
			for _, filter := range rule.Filters {
				if filter.Type != gatewayv1.HTTPRouteFilterExtensionRef {
					t.Errorf("HTTPRoute %s has the filter %s", route.Name, filter.Type)
				}
			}
		}
	}
	// A route that is there before its policy would be open for that long.
	order := slices.IndexFunc(objects, func(object any) bool { return object == any(policy) })
	for i, object := range objects {
		if route, ok := object.(*gatewayv1.HTTPRoute); ok && i < order {
			t.Errorf("HTTPRoute %s comes before the SecurityPolicy", route.Name)
		}
	}
}

func TestEnvoyGatewayFailsClosed(t *testing.T) {
	t.Parallel()
	auth := one[egv1a1.SecurityPolicy](t, manifests(t, "envoy-gateway.yaml")).Spec.ExtAuth
	if auth == nil || auth.GRPC == nil || auth.HTTP != nil {
		t.Fatalf("extAuth is %+v, want gRPC", auth)
	}
	if auth.FailOpen == nil || *auth.FailOpen {
		t.Error("requests pass while wxgate is unavailable")
	}
	if got := value(auth.StatusOnError); got != http.StatusServiceUnavailable {
		t.Errorf("status while wxgate is unavailable: %d, want 503", got)
	}
	// wxgate can remove only the headers that it sees.
	if auth.HeadersToExtAuth != nil || auth.BodyToExtAuth != nil || value(auth.RecomputeRoute) {
		t.Errorf("extAuth %+v, want all headers, no body, and no other route after the answer", auth)
	}
	if len(auth.GRPC.BackendRefs) != 1 {
		t.Fatalf("%d backends, want 1", len(auth.GRPC.BackendRefs))
	}
	if ref := auth.GRPC.BackendRefs[0]; ref.Name != "wxgate-internal" || value(ref.Port) != 9191 || ref.Namespace != nil {
		t.Errorf("extAuth asks %+v, want port 9191 of wxgate-internal", ref)
	}
}

func TestEnvoyGatewayRemovesClaims(t *testing.T) {
	t.Parallel()
	objects := manifests(t, "envoy-gateway.yaml")
	policy := one[egv1a1.ClientTrafficPolicy](t, objects).Spec
	gateway := one[gatewayv1.Gateway](t, objects)
	if len(policy.TargetRefs) != 1 || policy.TargetRefs[0].Kind != "Gateway" ||
		string(policy.TargetRefs[0].Name) != gateway.Name || policy.TargetRefs[0].SectionName != nil {
		t.Errorf("the policy is for %+v, want the Gateway %s", policy.TargetRefs, gateway.Name)
	}
	if action := value(policy.Headers.WithUnderscoresAction); action != egv1a1.WithUnderscoresActionDropHeader {
		t.Errorf("headers with underscores: %q, want them dropped", action)
	}
	if action := value(value(policy.Path).EscapedSlashesAction); action != egv1a1.KeepUnchangedAction {
		t.Errorf("escaped slashes: %q, want them kept", action)
	}
	if value(policy.Path.DisableMergeSlashes) {
		t.Error("slashes are not merged")
	}
	if policy.ClientIPDetection != nil {
		t.Error("the client's X-Forwarded-For is believed")
	}

	early := policy.Headers.EarlyRequestHeaders
	removes := func(name string) bool {
		return slices.Contains(early.Remove, name) ||
			slices.ContainsFunc(early.RemoveOnMatch, func(m egv1a1.StringMatch) bool {
				if value(m.Type) != egv1a1.StringMatchRegularExpression {
					t.Fatalf("removeOnMatch by %q, want RegularExpression", value(m.Type))
				}
				return regexp.MustCompile("^(?:" + m.Value + ")$").MatchString(name) // Envoy matches whole names
			})
	}
	for _, name := range claims(t) {
		if !removes(name) {
			t.Errorf("a client's %s is not removed", name)
		}
	}
	for _, name := range []string{
		"X-Forwarded-Host", "X-Forwarded-Method", "X-Forwarded-Uri", "X-Original-Url", "X-Original-Uri",
		"X-Original-Method", "X-Rewrite-Url", "Forwarded",
	} {
		if !removes(strings.ToLower(name)) {
			t.Errorf("a client's %s is not removed", name)
		}
	}
	for _, name := range []string{
		"cookie", "accept", "user-agent", "sec-fetch-mode", "upgrade", "x-requested-with", "x-wxyz", "my-x-wx-openid",
	} {
		if removes(name) {
			t.Errorf("a client's %s is removed", name)
		}
	}
}
