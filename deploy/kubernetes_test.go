package deploy_test

import (
	"maps"
	"net/url"
	"path"
	"strconv"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func TestSelectorsFindThePods(t *testing.T) {
	t.Parallel()
	d := deployment(t)
	spread := d.Spec.Template.Spec.TopologySpreadConstraints
	if len(spread) == 0 {
		t.Fatal("Deployment has no topology spread")
	}
	selectors := map[string]*metav1.LabelSelector{
		"Deployment":          d.Spec.Selector,
		"topology spread":     spread[0].LabelSelector,
		"Service":             {MatchLabels: one[corev1.Service](t).Spec.Selector},
		"PodDisruptionBudget": one[policyv1.PodDisruptionBudget](t).Spec.Selector,
	}
	for name, s := range selectors {
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if selector.Empty() || !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			t.Errorf("%s selects %q, want the pods' labels %v", name, selector, d.Spec.Template.Labels)
		}
	}
}

func TestPortsLeadWhereTheyShould(t *testing.T) {
	t.Parallel()
	d := deployment(t)
	c := container(t, d)
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	env := podEnv(t)
	for name, variable := range map[string]string{"http": "WXGATE_LISTEN", "admin": "WXGATE_ADMIN_LISTEN"} {
		// The ports are the defaults of the two variables.
		if v, ok := env[variable]; ok && v != ":"+itoa(ports[name]) {
			t.Errorf("%s = %q, but the port %q is %d", variable, v, name, ports[name])
		}
	}
	if ports["http"] != 8080 || ports["admin"] != 9090 {
		t.Errorf("ports = %v, want http 8080 and admin 9090", ports)
	}

	probes := []struct {
		name string
		in   *corev1.Probe
		path string
	}{
		{"liveness", c.LivenessProbe, "/healthz"},
		{"readiness", c.ReadinessProbe, "/readyz"},
	}
	for _, p := range probes {
		if p.in == nil || p.in.HTTPGet == nil {
			t.Errorf("no %s probe over HTTP", p.name)
			continue
		}
		if get := p.in.HTTPGet; get.Path != p.path || get.Port != intstr.FromString("admin") {
			t.Errorf("%s probe asks %s on %s, want %s on admin", p.name, get.Path, get.Port.String(), p.path)
		}
	}
	if got, want := d.Spec.Template.Annotations["prometheus.io/port"], itoa(ports["admin"]); got != want {
		t.Errorf("prometheus.io/port = %q, want %q", got, want)
	}

	service := one[corev1.Service](t)
	for _, p := range service.Spec.Ports {
		if p.TargetPort != intstr.FromString("http") {
			t.Errorf("Service port %d leads to %s, want http and nothing else", p.Port, p.TargetPort.String())
		}
	}
}

func TestIngressSendsTheWholeSiteToTheService(t *testing.T) {
	t.Parallel()
	ingress, service := one[networkingv1.Ingress](t), one[corev1.Service](t)
	public, err := url.Parse(podEnv(t)["WXGATE_PUBLIC_URL"])
	if err != nil {
		t.Fatal(err)
	}

	if len(ingress.Spec.Rules) != 1 {
		t.Fatalf("Ingress has %d rules, want 1", len(ingress.Spec.Rules))
	}
	rule := ingress.Spec.Rules[0]
	if rule.Host != public.Host {
		t.Errorf("Ingress host = %q, want %q of WXGATE_PUBLIC_URL", rule.Host, public.Host)
	}
	if public.Scheme != "https" || len(ingress.Spec.TLS) != 1 || len(ingress.Spec.TLS[0].Hosts) != 1 ||
		ingress.Spec.TLS[0].Hosts[0] != rule.Host || ingress.Spec.TLS[0].SecretName == "" {
		t.Errorf("Ingress TLS = %+v for %s, want a certificate for that host", ingress.Spec.TLS, public)
	}
	paths := value(rule.HTTP).Paths
	if len(paths) != 1 {
		t.Fatalf("Ingress has %d paths, want 1", len(paths))
	}
	p := paths[0]
	if p.Path != "/" || value(p.PathType) != networkingv1.PathTypePrefix {
		t.Errorf("Ingress path = %q, want the prefix /", p.Path)
	}
	to := p.Backend.Service
	ports := service.Spec.Ports
	if to == nil || to.Name != service.Name || len(ports) != 1 || to.Port.Name != ports[0].Name {
		t.Errorf("Ingress leads to %+v, want the port of the Service %s", to, service.Name)
	}
}

func TestPodHasTimeToDrain(t *testing.T) {
	t.Parallel()
	env := podEnv(t)
	var needed time.Duration
	for _, name := range []string{"WXGATE_DRAIN_DELAY", "WXGATE_SHUTDOWN_TIMEOUT"} {
		d, err := time.ParseDuration(env[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		needed += d
	}
	grace := value(deployment(t).Spec.Template.Spec.TerminationGracePeriodSeconds)
	if got := time.Duration(grace) * time.Second; got < needed+5*time.Second {
		t.Errorf("terminationGracePeriodSeconds = %v, want 5s more than the %v that a stop may take", got, needed)
	}
}

func TestPodIsRestricted(t *testing.T) {
	t.Parallel()
	d := deployment(t)
	pod := d.Spec.Template.Spec

	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	results := evaluator.EvaluatePod(restricted, &d.Spec.Template.ObjectMeta, &pod)
	if len(results) == 0 {
		t.Fatal("no check of the restricted profile was made")
	}
	for _, r := range results {
		if !r.Allowed {
			t.Errorf("restricted profile: %s: %s", r.ForbiddenReason, r.ForbiddenDetail)
		}
	}

	// Settings that the profile does not require.
	c := container(t, d)
	for name, ok := range map[string]bool{
		"automountServiceAccountToken: false": isFalse(pod.AutomountServiceAccountToken),
		"enableServiceLinks: false":           isFalse(pod.EnableServiceLinks),
		"readOnlyRootFilesystem: true":        value(value(c.SecurityContext).ReadOnlyRootFilesystem),
		"a numeric runAsUser":                 value(value(pod.SecurityContext).RunAsUser) > 0,
		"requests for cpu and memory":         len(c.Resources.Requests) == 2,
		"a limit of memory":                   !c.Resources.Limits.Memory().IsZero(),
	} {
		if !ok {
			t.Errorf("pod lacks %s", name)
		}
	}
}

func TestSecretIsMountedForTheGatewayAlone(t *testing.T) {
	t.Parallel()
	d := deployment(t)
	pod, c := d.Spec.Template.Spec, container(t, d)
	secret := one[corev1.Secret](t)

	if len(pod.Volumes) != 1 || len(c.VolumeMounts) != 1 {
		t.Fatalf("%d volumes, %d mounts, want 1 of each", len(pod.Volumes), len(c.VolumeMounts))
	}
	volume, mount := pod.Volumes[0], c.VolumeMounts[0]
	if volume.Name != mount.Name || !mount.ReadOnly {
		t.Errorf("mount = %+v, want %s read-only", mount, volume.Name)
	}
	if volume.Secret == nil || volume.Secret.SecretName != secret.Name {
		t.Fatalf("volume = %+v, want the Secret %s", volume.VolumeSource, secret.Name)
	}
	if mode := value(volume.Secret.DefaultMode); mode != 0o400 {
		t.Errorf("defaultMode = %#o, want 0400", mode)
	}
	// The files belong to root: the gateway reads them through the group.
	security := value(pod.SecurityContext)
	if got, want := value(security.FSGroup), value(security.RunAsGroup); got != want || want == 0 {
		t.Errorf("fsGroup = %d, want runAsGroup %d", got, want)
	}
	env := podEnv(t)
	for _, name := range []string{"WXGATE_APP_SECRET_FILE", "WXGATE_COOKIE_KEYS_FILE"} {
		dir, key := path.Split(env[name])
		if _, ok := secret.StringData[key]; !ok || path.Clean(dir) != mount.MountPath {
			t.Errorf("%s = %q, want a key of the Secret under %s", name, env[name], mount.MountPath)
		}
	}
}

// podEnv returns the environment that the kubelet gives the container.
func podEnv(t *testing.T) map[string]string {
	t.Helper()
	configMap := one[corev1.ConfigMap](t)
	env := map[string]string{}
	c := container(t, deployment(t))
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil || from.ConfigMapRef.Name != configMap.Name || from.Prefix != "" {
			t.Fatalf("envFrom = %+v, want the ConfigMap %s", from, configMap.Name)
		}
		maps.Copy(env, configMap.Data)
	}
	for _, e := range c.Env {
		if e.ValueFrom != nil {
			t.Fatalf("%s has a valueFrom, which this test does not resolve", e.Name)
		}
		env[e.Name] = e.Value
	}
	return env
}

func deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	return one[appsv1.Deployment](t)
}

// container returns the only container of the pod.
func container(t *testing.T, d *appsv1.Deployment) corev1.Container {
	t.Helper()
	if n := len(d.Spec.Template.Spec.Containers); n != 1 {
		t.Fatalf("%d containers, want 1", n)
	}
	return d.Spec.Template.Spec.Containers[0]
}

// one builds the kustomization and returns its only object of type T.
func one[T any](t *testing.T) *T {
	t.Helper()
	var found *T
	for _, object := range kustomization(t) {
		o, ok := any(object).(*T)
		if !ok {
			continue
		}
		if found != nil {
			t.Fatalf("kustomization has more than one %T", o)
		}
		found = o
	}
	if found == nil {
		t.Fatalf("kustomization has no %T", found)
	}
	return found
}

// kustomization builds deploy/kubernetes as `kubectl apply -k` does and decodes the
// objects. A field that the API does not have is an error.
func kustomization(t *testing.T) []runtime.Object {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var objects []runtime.Object
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", resource.CurId(), err)
		}
		objects = append(objects, object)
	}
	return objects
}

// value returns *p, or the zero value if p is nil.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

func isFalse(b *bool) bool { return b != nil && !*b }

func itoa[N int32 | int64](n N) string { return strconv.FormatInt(int64(n), 10) }
