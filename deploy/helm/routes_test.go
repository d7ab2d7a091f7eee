package helm_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// checkBackends checks that routes lead to ports that Services have. A route to
// another Service than wxgate's leads to the site: it needs something that asks wxgate
// about each request.
func checkBackends(t *testing.T, os objects) {
	t.Helper()
	_, c := wxgateContainer(t, os)
	services := map[string]*corev1.Service{}
	for _, s := range all[corev1.Service](os) {
		services[s.Name] = s
	}
	asks := environment(t, os, c)["WXGATE_MODE"] == "forward-auth"
	for _, b := range os.backends() {
		service, ok := services[b.service]
		switch {
		case ok && !hasServicePort(service, b.port):
			t.Errorf("%s leads to the port %s of the Service %s, which has none", b.from, b.port.String(), b.service)
		case ok:
		case !asks:
			t.Errorf("%s leads to the Service %q, want wxgate's, which forwards", b.from, b.service)
		case !guarded(os, b.from):
			t.Errorf("%s leads to the Service %q, and nothing asks wxgate", b.from, b.service)
		}
	}
}

func hasServicePort(s *corev1.Service, port intstr.IntOrString) bool {
	for _, p := range s.Spec.Ports {
		if port == intstr.FromInt32(p.Port) || port == intstr.FromString(p.Name) {
			return true
		}
	}
	return false
}

// guarded reports whether a proxy asks wxgate about the requests of a route.
func guarded(os objects, route object) bool {
	switch route.GetKind() {
	case "Ingress":
		return route.GetAnnotations()["nginx.ingress.kubernetes.io/auth-url"] != ""
	case "IngressRoute":
		return hasForwardAuth(os, route)
	case "HTTPRoute":
		return hasText(route, `"type":"ExternalAuth"`) || hasPolicy(os, route)
	}
	return false
}

// hasForwardAuth reports whether each rule of an IngressRoute to the site has the
// Middleware that asks wxgate.
func hasForwardAuth(os objects, route object) bool {
	asking := map[string]bool{}
	for _, m := range os.kind("Middleware") {
		if _, ok, _ := unstructured.NestedMap(m.Object, "spec", "forwardAuth"); ok {
			asking[m.GetName()] = true
		}
	}
	rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "routes")
	for _, rule := range rules {
		o := object{Unstructured: &unstructured.Unstructured{Object: rule.(map[string]any)}, source: route.source}
		site := slices.ContainsFunc(backendsIn(o, "", rule), func(b backend) bool {
			return !slices.Contains(os.names("Service"), b.service)
		})
		middlewares, _, _ := unstructured.NestedSlice(o.Object, "middlewares")
		if site && !slices.ContainsFunc(middlewares, func(m any) bool {
			return asking[m.(map[string]any)["name"].(string)]
		}) {
			return false
		}
	}
	return true
}

// hasPolicy reports whether a policy of Envoy Gateway or Istio is about the route.
func hasPolicy(os objects, route object) bool {
	for _, p := range os.kind("SecurityPolicy") {
		if hasText(p, `"kind":"HTTPRoute","name":"`+route.GetName()+`"`) && hasText(p, `"failOpen":false`) {
			return true
		}
	}
	parents, _, _ := unstructured.NestedSlice(route.Object, "spec", "parentRefs")
	return len(parents) > 0 && !slices.ContainsFunc(parents, func(p any) bool {
		return !istioAsks(os, route, p.(map[string]any))
	})
}

// istioAsks reports whether a policy of Istio has wxgate asked about each host of a
// route at one of its Gateways. A policy concerns a Gateway only in its namespace.
func istioAsks(os objects, route object, parent map[string]any) bool {
	namespace, _ := parent["namespace"].(string)
	if namespace == "" {
		namespace = route.GetNamespace()
	}
	name, _ := parent["name"].(string)
	hosts, _, _ := unstructured.NestedStringSlice(route.Object, "spec", "hostnames")
	return slices.ContainsFunc(os.kind("AuthorizationPolicy"), func(p object) bool {
		return p.GetNamespace() == namespace && hasText(p, `"action":"CUSTOM"`) &&
			hasText(p, `"targetRefs":[{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"`+name+`"}]`) &&
			(!hasText(p, `"hosts":`) || !slices.ContainsFunc(hosts, func(host string) bool {
				return strings.Contains(host, "*") || !hasText(p, `"`+host+`"`) || !hasText(p, `"`+host+`:*"`)
			}))
	})
}

func hasText(o object, text string) bool {
	encoded, err := json.Marshal(o.Object)
	return err == nil && strings.Contains(string(encoded), text)
}

// checkHosts checks that routes are for the hosts of the sites, and for all of them.
func checkHosts(t *testing.T, os objects) {
	t.Helper()
	_, c := wxgateContainer(t, os)
	want, https := siteHosts(environment(t, os, c))
	got := map[string]bool{}
	for _, o := range os.kind("HTTPRoute") {
		hosts, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "hostnames")
		for _, host := range hosts {
			got[host] = true
		}
	}
	for _, o := range all[networkingv1.Ingress](os) {
		for _, rule := range o.Spec.Rules {
			got[rule.Host] = true
			certified := slices.ContainsFunc(o.Spec.TLS, func(tls networkingv1.IngressTLS) bool {
				return tls.SecretName != "" && slices.Contains(tls.Hosts, rule.Host)
			})
			if https[rule.Host] && len(o.Spec.TLS) > 0 && !certified {
				t.Errorf("Ingress %s: no certificate for %s", o.Name, rule.Host)
			}
		}
	}
	if len(got) > 0 && !maps.Equal(got, want) {
		t.Errorf("routes are for the hosts %v, want %v", got, want)
	}
}

// siteHosts returns the hosts of all sites, and those whose public URL has https.
func siteHosts(env map[string]string) (hosts, https map[string]bool) {
	hosts, https = map[string]bool{}, map[string]bool{}
	for name, text := range env {
		switch rest := siteNumber.ReplaceAllString(name, ""); rest {
		case "PUBLIC_URL":
			if u, err := url.Parse(text); err == nil {
				hosts[u.Hostname()] = true
				https[u.Hostname()] = u.Scheme == "https"
			}
		case "HOSTS":
			for host := range strings.SplitSeq(text, ",") {
				hosts[strings.TrimSpace(host)] = true
			}
		}
	}
	return hosts, https
}
