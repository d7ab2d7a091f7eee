package helm_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A peer is a pod that connects to another.
type peer struct {
	namespace string
	labels    map[string]string
}

// checkNetworkPolicies checks the policies, if there are any: each port of the gateway
// has one rule, ports without a password are closed to other pods, and the site is
// open to the gateway.
func checkNetworkPolicies(t *testing.T, os objects) {
	t.Helper()
	policies := networkPolicies(t, os)
	if len(policies) == 0 {
		return
	}
	p, c := wxgateContainer(t, os)
	wxgate := peer{ownNamespace, p.meta.Labels}
	neighbour := peer{ownNamespace, map[string]string{"app": "blog"}}
	impostor := peer{"other", p.meta.Labels}
	rules := map[string]int{}
	for _, policy := range policies {
		if len(policy.Spec.PolicyTypes) != 1 || policy.Spec.PolicyTypes[0] != networkingv1.PolicyTypeIngress {
			t.Errorf("NetworkPolicy %s has the types %q, want Ingress: wxgate connects to WeChat",
				policy.Name, policy.Spec.PolicyTypes)
		}
		if selects(t, &policy.Spec.PodSelector, p.meta.Labels) {
			countRules(t, policy, rules)
			continue
		}
		if len(policy.Spec.PodSelector.MatchLabels) == 0 {
			t.Errorf("NetworkPolicy %s is about all pods of the namespace", policy.Name)
		}
		site := peer{ownNamespace, policy.Spec.PodSelector.MatchLabels}
		for from, allowed := range map[*peer]bool{&wxgate: true, &neighbour: false, &impostor: false} {
			if got := connects(t, policies, *from, site, "http"); got != allowed {
				t.Errorf("%v to the site: allowed %t, want %t", *from, got, allowed)
			}
		}
	}
	checkRules(t, policies, containerPorts(c), rules, []peer{neighbour, impostor, wxgate}, wxgate)
}

// networkPolicies returns the policies, with the names of the gateway's ports for their
// numbers. They must have numbers: by name, a rule would also be for a port of another
// container of the pod, such as the site's in mode sidecar.
func networkPolicies(t *testing.T, os objects) []*networkingv1.NetworkPolicy {
	t.Helper()
	_, c := wxgateContainer(t, os)
	names := map[int32]string{}
	for name, number := range containerPorts(c) {
		names[number] = name
	}
	var policies []*networkingv1.NetworkPolicy
	for _, policy := range all[networkingv1.NetworkPolicy](os) {
		policy = policy.DeepCopy()
		for _, rule := range policy.Spec.Ingress {
			for _, p := range rule.Ports {
				if p.Port.Type == intstr.String {
					t.Errorf("NetworkPolicy %s has a rule for the port %s by its name", policy.Name, p.Port.StrVal)
				}
				*p.Port = intstr.FromString(names[p.Port.IntVal])
			}
		}
		policies = append(policies, policy)
	}
	return policies
}

// checkRules checks the number of rules of each port of the gateway, and that others
// reach only the port for visitors.
func checkRules(
	t *testing.T, policies []*networkingv1.NetworkPolicy, ports map[string]int32, rules map[string]int,
	others []peer, wxgate peer,
) {
	t.Helper()
	for name := range ports {
		// Without a rule, the port is closed to all but the kubelet.
		if rules[name] != 1 && (name != "admin" || rules[name] > 1) {
			t.Errorf("%d rules of NetworkPolicies for the port %s, want 1", rules[name], name)
		}
		for _, from := range others {
			if name != "http" && connects(t, policies, from, wxgate, name) {
				t.Errorf("%v may connect to the port %s, want it closed", from, name)
			}
		}
	}
	for name := range rules {
		if _, ok := ports[name]; !ok {
			t.Errorf("NetworkPolicies have a rule for the port %s, which the container does not have", name)
		}
	}
}

// countRules counts the rules of a policy by the name of their port.
func countRules(t *testing.T, policy *networkingv1.NetworkPolicy, rules map[string]int) {
	t.Helper()
	for _, rule := range policy.Spec.Ingress {
		if len(rule.Ports) != 1 {
			t.Errorf("NetworkPolicy %s has a rule for %d ports, want 1", policy.Name, len(rule.Ports))
		}
		for _, port := range rule.Ports {
			if value(port.Protocol) != corev1.ProtocolTCP || port.EndPort != nil {
				t.Errorf("NetworkPolicy %s has a rule for %+v, want one TCP port", policy.Name, port)
			}
			rules[value(port.Port).StrVal]++
		}
	}
}

// connects reports whether the policies, applied to ownNamespace, let a pod connect
// to a port of another. Source: the section "The two sorts of pod isolation" of
// "Network Policies" in Kubernetes' documentation.
func connects(t *testing.T, policies []*networkingv1.NetworkPolicy, from, to peer, port string) bool {
	t.Helper()
	isolated := false
	for _, p := range policies {
		if to.namespace != ownNamespace || !matches(t, &p.Spec.PodSelector, to.labels) {
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
			continue // no pod of these tests has an address
		}
		inNamespace := from.namespace == ownNamespace
		if p.NamespaceSelector != nil {
			inNamespace = matches(t, p.NamespaceSelector, map[string]string{corev1.LabelMetadataName: from.namespace})
		}
		if inNamespace && (p.PodSelector == nil || matches(t, p.PodSelector, from.labels)) {
			return true
		}
	}
	return len(peers) == 0
}

// matches reports whether the selector of a policy selects; an empty one selects all.
func matches(t *testing.T, s *metav1.LabelSelector, labels map[string]string) bool {
	t.Helper()
	return len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 || selects(t, s, labels)
}
