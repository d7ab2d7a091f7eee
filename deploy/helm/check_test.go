package helm_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// ownNamespace is the namespace of wxgate and the site.
const ownNamespace = "my-site"

// check checks the objects of one release or one kustomization against each other.
func check(t *testing.T, os objects) {
	t.Helper()
	checkNames(t, os)
	checkPodSecurity(t, os)
	checkPodSettings(t, os)
	checkSelectors(t, os)
	checkScaling(t, os)
	checkPorts(t, os)
	checkBackends(t, os)
	checkHosts(t, os)
	checkPaths(t, os)
	checkStop(t, os)
	checkSecrets(t, os)
	checkNetworkPolicies(t, os)
}

// A pod is one that an object makes.
type pod struct {
	object object
	meta   metav1.ObjectMeta
	spec   corev1.PodSpec
}

func (p pod) isDeployment() bool { return p.object.GetKind() == "Deployment" }

func (os objects) pods() []pod {
	var found []pod
	for _, o := range os {
		switch typed := o.typed.(type) {
		case *appsv1.Deployment:
			found = append(found, pod{o, typed.Spec.Template.ObjectMeta, typed.Spec.Template.Spec})
		case *corev1.Pod:
			found = append(found, pod{o, typed.ObjectMeta, typed.Spec})
		}
	}
	return found
}

// wxgateContainer returns the pod of the Deployment, and the gateway's container.
func wxgateContainer(t *testing.T, os objects) (pod, corev1.Container) {
	t.Helper()
	for _, p := range os.pods() {
		for _, c := range p.spec.Containers {
			if p.isDeployment() && c.Name == "wxgate" {
				return p, c
			}
		}
	}
	t.Fatal("no Deployment with a container wxgate")
	return pod{}, corev1.Container{}
}

// checkPodSecurity checks that the restricted Pod Security Standard admits all pods.
func checkPodSecurity(t *testing.T, os objects) {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, p := range os.pods() {
		results := evaluator.EvaluatePod(restricted, &p.meta, &p.spec)
		if len(results) == 0 {
			t.Error("no check of the restricted standard was made")
		}
		for _, r := range results {
			if !r.Allowed {
				t.Errorf("%s: restricted standard: %s: %s", p.object, r.ForbiddenReason, r.ForbiddenDetail)
			}
		}
	}
}

// checkPodSettings checks settings of wxgate's containers that the standard does not
// require.
func checkPodSettings(t *testing.T, os objects) {
	t.Helper()
	image := ""
	for _, p := range os.pods() {
		// A Service leads to the first port of its name, and the site may call its own http.
		if first := p.spec.Containers[0]; p.isDeployment() && first.Name != "wxgate" {
			t.Errorf("the first container of %s is %s, want wxgate", p.object, first.Name)
		}
		for name, ok := range map[string]bool{
			"automountServiceAccountToken: false": isFalse(p.spec.AutomountServiceAccountToken),
			"enableServiceLinks: false":           isFalse(p.spec.EnableServiceLinks),
			"a numeric runAsUser":                 value(value(p.spec.SecurityContext).RunAsUser) > 0,
		} {
			if !ok {
				t.Errorf("%s lacks %s", p.object, name)
			}
		}
		for _, c := range p.spec.Containers {
			if !strings.HasPrefix(path.Base(c.Image), "wxgate") {
				continue // of the site, or of the cluster
			}
			checkContainer(t, p, c)
			if image != "" && c.Image != image {
				t.Errorf("%s runs %s, want %s as the other pods", p.object, c.Image, image)
			}
			image = c.Image
		}
	}
	_, c := wxgateContainer(t, os)
	if limit, ok := environment(t, os, c)["GOMEMLIMIT"]; ok {
		checkMemoryLimit(t, limit, c)
	}
}

func checkContainer(t *testing.T, p pod, c corev1.Container) {
	t.Helper()
	names := map[string]bool{}
	for _, e := range c.Env {
		if names[e.Name] {
			t.Errorf("%s, container %s, has the variable %s twice", p.object, c.Name, e.Name)
		}
		names[e.Name] = true
	}
	for name, ok := range map[string]bool{
		"readOnlyRootFilesystem: true": value(value(c.SecurityContext).ReadOnlyRootFilesystem),
		"requests for cpu and memory":  len(c.Resources.Requests) == 2,
		"a limit of memory":            !c.Resources.Limits.Memory().IsZero(),
		"an image with a version":      hasVersion(c.Image),
	} {
		if !ok {
			t.Errorf("%s, container %s, lacks %s", p.object, c.Name, name)
		}
	}
}

// checkSelectors checks that each selector finds the pods of the Deployment and no
// others, such as the pod of `helm test`.
func checkSelectors(t *testing.T, os objects) {
	t.Helper()
	selectors := map[string]*metav1.LabelSelector{}
	for _, o := range os {
		switch typed := o.typed.(type) {
		case *appsv1.Deployment:
			selectors[o.String()] = typed.Spec.Selector
			for _, spread := range typed.Spec.Template.Spec.TopologySpreadConstraints {
				selectors[o.String()+", topology spread"] = spread.LabelSelector
			}
			if len(typed.Spec.Template.Spec.TopologySpreadConstraints) == 0 {
				t.Errorf("%s has no topology spread", o)
			}
		case *corev1.Service:
			selectors[o.String()] = &metav1.LabelSelector{MatchLabels: typed.Spec.Selector}
		case *policyv1.PodDisruptionBudget:
			selectors[o.String()] = typed.Spec.Selector
		}
		if o.GetKind() == "PodMonitor" {
			selectors[o.String()] = selectorOf(o)
		}
	}
	for name, s := range selectors {
		for _, p := range os.pods() {
			if got := selects(t, s, p.meta.Labels); got != p.isDeployment() {
				t.Errorf("%s selects the pod of %s: %t, want %t\n%v\n%v",
					name, p.object, got, p.isDeployment(), s, p.meta.Labels)
			}
		}
	}
	for _, monitor := range os.kind("ServiceMonitor") {
		var ports []string
		for _, s := range all[corev1.Service](os) {
			if selects(t, selectorOf(monitor), s.Labels) {
				for _, p := range s.Spec.Ports {
					ports = append(ports, p.Name+" to "+p.TargetPort.String())
				}
			}
		}
		if !slices.Equal(ports, []string{"admin to admin"}) {
			t.Errorf("%s selects Services with the ports %q, want one with the admin port", monitor, ports)
		}
	}
	for _, monitor := range append(os.kind("ServiceMonitor"), os.kind("PodMonitor")...) {
		if !hasText(monitor, `"port":"admin"`) || !hasText(monitor, `"path":"/metrics"`) {
			t.Errorf("%s does not ask for /metrics on the port admin", monitor)
		}
	}
}

// selectorOf returns spec.selector of a custom resource.
func selectorOf(o object) *metav1.LabelSelector {
	matched, _, _ := unstructured.NestedStringMap(o.Object, "spec", "selector", "matchLabels")
	return &metav1.LabelSelector{MatchLabels: matched}
}

func selects(t *testing.T, s *metav1.LabelSelector, pod map[string]string) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(pod)) && !selector.Empty()
}

// checkScaling checks the number of pods and the objects that follow it.
func checkScaling(t *testing.T, os objects) {
	t.Helper()
	d := one[appsv1.Deployment](t, os)
	least := value(d.Spec.Replicas)
	for _, hpa := range all[autoscalingv2.HorizontalPodAutoscaler](os) {
		least = value(hpa.Spec.MinReplicas)
		checkAutoscaler(t, hpa, d)
	}
	for _, budget := range all[policyv1.PodDisruptionBudget](os) {
		if least < 2 {
			t.Errorf("a PodDisruptionBudget for %d pod", least)
		}
		allowed := budget.Spec.MaxUnavailable
		if allowed == nil || allowed.String() == "0" || allowed.String() == "0%" {
			t.Errorf("PodDisruptionBudget allows %v pods to be away, so that no node can be drained", allowed)
		}
	}
	if rolling := d.Spec.Strategy.RollingUpdate; rolling == nil || rolling.MaxUnavailable.String() != "0" {
		t.Errorf("strategy = %+v, want no pod to stop before a new one is ready", d.Spec.Strategy)
	}
}

func checkAutoscaler(t *testing.T, hpa *autoscalingv2.HorizontalPodAutoscaler, d *appsv1.Deployment) {
	t.Helper()
	if to := hpa.Spec.ScaleTargetRef; to.Kind != "Deployment" || to.Name != d.Name || to.APIVersion != "apps/v1" {
		t.Errorf("HorizontalPodAutoscaler scales %+v, want the Deployment %s", to, d.Name)
	}
	if d.Spec.Replicas != nil {
		t.Errorf("Deployment has %d replicas, want none beside a HorizontalPodAutoscaler", *d.Spec.Replicas)
	}
	if least := value(hpa.Spec.MinReplicas); least < 1 || hpa.Spec.MaxReplicas < least {
		t.Errorf("HorizontalPodAutoscaler has %d to %d pods", least, hpa.Spec.MaxReplicas)
	}
	if down := value(value(hpa.Spec.Behavior).ScaleDown); value(down.StabilizationWindowSeconds) < 60 {
		t.Error("HorizontalPodAutoscaler removes pods within a minute of adding them")
	}
}

// names returns the sorted names of objects of a kind.
func (os objects) names(kind string) []string {
	names := map[string]bool{}
	for _, o := range os.kind(kind) {
		names[o.GetName()] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func isFalse(b *bool) bool { return b != nil && !*b }
