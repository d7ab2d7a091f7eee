package deploy_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A peer is a pod that connects to another.
type peer struct {
	namespace string
	labels    map[string]string
}

// ownNamespace is the namespace of wxgate and the site.
const ownNamespace = "my-site"

func TestNetworkPolicies(t *testing.T) {
	t.Parallel()
	pod := deployment(t).Spec.Template
	policies := policies(t)
	wxgate := peer{ownNamespace, pod.Labels}
	site := peer{ownNamespace, policies["wxgate-site"].Spec.PodSelector.MatchLabels}
	neighbour := peer{ownNamespace, map[string]string{"app": "blog"}}
	prometheus := peer{"monitoring", map[string]string{"app.kubernetes.io/name": "prometheus"}}
	ingress := peer{"ingress-nginx", map[string]string{"app.kubernetes.io/name": "ingress-nginx"}}
	impostor := peer{"other", pod.Labels}
	const http, admin = "http", "admin"
	tests := []struct {
		name    string
		from    peer
		to      peer
		port    string // of wxgate's container, or any of the site's
		allowed bool
	}{
		{"wxgate to the site", wxgate, site, http, true},
		{"ingress controller to the site", ingress, site, http, false},
		{"neighbour to the site", neighbour, site, http, false},
		{"site to itself", site, site, http, false},
		{"Prometheus to the site", prometheus, site, http, false},
		{"wxgate's labels in another namespace to the site", impostor, site, http, false},
		{"ingress controller to wxgate", ingress, wxgate, http, true},
		{"neighbour to wxgate", neighbour, wxgate, http, true},
		{"Prometheus to the admin port", prometheus, wxgate, admin, true},
		{"ingress controller to the admin port", ingress, wxgate, admin, false},
		{"neighbour to the admin port", neighbour, wxgate, admin, false},
		{"site to the admin port", site, wxgate, admin, false},
		{"wxgate to the admin port", wxgate, wxgate, admin, false},
		{"wxgate's labels in another namespace to the admin port", impostor, wxgate, admin, false},
		{"neighbour to a port of the relay", neighbour, wxgate, "relay", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := connects(t, policies, test.from, test.to, test.port); got != test.allowed {
				t.Errorf("allowed: %t, want %t", got, test.allowed)
			}
		})
	}
}

// The policies name what the other objects have.
func TestNetworkPoliciesFitTheOtherObjects(t *testing.T) {
	t.Parallel()
	pod := deployment(t).Spec.Template
	policies := policies(t)
	if len(policies) != 2 {
		t.Fatalf("%d policies, want 2", len(policies))
	}
	for name, p := range policies {
		if p.Namespace != "" {
			t.Errorf("%s is of the namespace %q, want it to be applied to any", name, p.Namespace)
		}
		if len(p.Spec.PodSelector.MatchLabels) == 0 || len(p.Spec.PodSelector.MatchExpressions) > 0 {
			t.Errorf("%s selects %+v, want pods by their labels", name, p.Spec.PodSelector)
		}
		if len(p.Spec.PolicyTypes) != 1 || p.Spec.PolicyTypes[0] != networkingv1.PolicyTypeIngress {
			t.Errorf("%s has the types %q, want Ingress: wxgate connects to WeChat", name, p.Spec.PolicyTypes)
		}
	}
	if got := policies["wxgate"].Spec.PodSelector.MatchLabels; !maps.Equal(got, pod.Labels) {
		t.Errorf("wxgate's policy selects %v, want the pods' labels %v", got, pod.Labels)
	}

	// Each port of the container has one rule, and no rule is about another port.
	ports := map[string]int{}
	for _, p := range container(t, deployment(t)).Ports {
		ports[p.Name] = 0
	}
	for _, rule := range policies["wxgate"].Spec.Ingress {
		if len(rule.Ports) != 1 {
			t.Errorf("rule %+v has %d ports, want 1", rule, len(rule.Ports))
		}
		for _, p := range rule.Ports {
			name := value(p.Port).StrVal
			if _, ok := ports[name]; !ok || value(p.Protocol) != corev1.ProtocolTCP || p.EndPort != nil {
				t.Errorf("rule is about the port %+v, want a TCP port of the container by its name", p)
			}
			ports[name]++
		}
	}
	for name, rules := range ports {
		if rules != 1 {
			t.Errorf("%d rules for the port %s, want 1", rules, name)
		}
	}
	for _, p := range one[corev1.Service](t).Spec.Ports {
		if ports[p.TargetPort.StrVal] != 1 {
			t.Errorf("the Service leads to %s, for which there is no rule", p.TargetPort.String())
		}
	}

	upstream, err := url.Parse(podEnv(t)["WXGATE_UPSTREAM"])
	if err != nil {
		t.Fatal(err)
	}
	if got := policies["wxgate-site"].Spec.PodSelector.MatchLabels["app.kubernetes.io/name"]; got != upstream.Hostname() {
		t.Errorf("the site's policy selects %q, want %q, as in WXGATE_UPSTREAM", got, upstream.Hostname())
	}
	for _, marked := range []string{"kubernetes.io/metadata.name: monitoring # REPLACE", ": web # REPLACE"} {
		if !strings.Contains(readFile(t, "kubernetes/networkpolicy.yaml"), marked) {
			t.Errorf("networkpolicy.yaml lacks %q", marked)
		}
	}
}

// policies returns the network policies by name.
func policies(t *testing.T) map[string]*networkingv1.NetworkPolicy {
	t.Helper()
	found := map[string]*networkingv1.NetworkPolicy{}
	for _, object := range kustomization(t) {
		if p, ok := object.(*networkingv1.NetworkPolicy); ok {
			found[p.Name] = p
		}
	}
	if found["wxgate"] == nil || found["wxgate-site"] == nil {
		t.Fatalf("policies are %v, want wxgate and wxgate-site", found)
	}
	return found
}

// connects reports whether the policies, applied to ownNamespace, let a pod connect
// to a port of another. Source: the section "The two sorts of pod isolation" of
// "Network Policies" in Kubernetes' documentation.
func connects(t *testing.T, policies map[string]*networkingv1.NetworkPolicy, from, to peer, port string) bool {
	t.Helper()
	isolated := false
	for _, p := range policies {
		if to.namespace != ownNamespace || !selects(t, &p.Spec.PodSelector, to.labels) {
			continue
		}
		isolated = true
		for _, rule := range p.Spec.Ingress {
			if hasPort(rule.Ports, port) && hasPeer(t, rule.From, from) {
				return true
			}
		}
	}
	return !isolated
}

func hasPort(ports []networkingv1.NetworkPolicyPort, port string) bool {
	for _, p := range ports {
		if value(p.Port) == intstr.FromString(port) {
			return true
		}
	}
	return len(ports) == 0
}

func hasPeer(t *testing.T, peers []networkingv1.NetworkPolicyPeer, from peer) bool {
	t.Helper()
	for _, p := range peers {
		if p.IPBlock != nil {
			t.Fatal("this test does not know addresses of pods")
		}
		inNamespace := from.namespace == ownNamespace
		if p.NamespaceSelector != nil {
			inNamespace = selects(t, p.NamespaceSelector, map[string]string{corev1.LabelMetadataName: from.namespace})
		}
		if inNamespace && (p.PodSelector == nil || selects(t, p.PodSelector, from.labels)) {
			return true
		}
	}
	return len(peers) == 0
}

func selects(t *testing.T, s *metav1.LabelSelector, pod map[string]string) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(pod))
}
