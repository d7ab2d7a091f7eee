package helm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The pods run as the user of the image, and use its ports.
func TestPodsFitTheImage(t *testing.T) {
	t.Parallel()
	os := mustRender(t, release{values: []string{fourValues}}).objects
	p, c := wxgateContainer(t, os)
	security, ports := value(p.spec.SecurityContext), containerPorts(c)
	if user, group := value(security.RunAsUser), value(security.RunAsGroup); user != 65532 || group != 65532 {
		t.Errorf("pods run as %d:%d, want the image's user", user, group)
	}
	if ports["http"] != 8080 || ports["admin"] != 9090 || len(ports) != 2 {
		t.Errorf("ports = %v, want those of the image", ports)
	}
	dockerfile := readFile(t, "../docker/Dockerfile")
	for _, line := range []string{"\nUSER 65532:65532\n", "\nEXPOSE 8080\n"} {
		if !strings.Contains(dockerfile, line) {
			t.Errorf("Dockerfile lacks the line %q", strings.TrimSpace(line))
		}
	}
	if len(c.Command) > 0 || len(c.Args) > 0 {
		t.Errorf("command = %q %q, want the image's", c.Command, c.Args)
	}
}

// ingress-nginx answers 502 to wxgate's largest response header with its default
// buffer. The size is that of nginx/wxgate.conf.
func TestIngressHoldsTheLargestHeaders(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Ingress of nginx", "forward-auth, nginx", "forward-auth, nginx of another name",
	} {
		for _, ingress := range all[networkingv1.Ingress](mustRender(t, withFour(modes[name])).objects) {
			if got := ingress.Annotations["nginx.ingress.kubernetes.io/proxy-buffer-size"]; got != "16k" {
				t.Errorf("%s: proxy-buffer-size of the Ingress %s = %q, want 16k", name, ingress.Name, got)
			}
		}
	}
}

// The PrometheusRule holds the tested alerts, and the ConfigMap the tested dashboard.
func TestMonitorsHoldTheTestedFiles(t *testing.T) {
	t.Parallel()
	os := mustRender(t, withFour(combinations["every monitor"])).objects
	var want map[string]any
	if err := yaml.Unmarshal([]byte(readFile(t, "../prometheus/wxgate.rules.yml")), &want); err != nil {
		t.Fatal(err)
	}
	rules := os.kind("PrometheusRule")
	if len(rules) != 1 {
		t.Fatalf("%d PrometheusRules, want 1", len(rules))
	}
	got, _, _ := unstructured.NestedMap(rules[0].Object, "spec")
	gotFields, wantFields := map[string]string{}, map[string]string{}
	flatten(gotFields, "", got)
	flatten(wantFields, "", want)
	if diff := diffFields(gotFields, wantFields); diff != "" || len(got) == 0 {
		t.Errorf("the PrometheusRule differs from prometheus/wxgate.rules.yml:\n%s", diff)
	}
	for _, m := range all[corev1.ConfigMap](os) {
		text, ok := m.Data["wxgate.json"]
		if ok && strings.TrimSpace(text) == strings.TrimSpace(readFile(t, "../grafana/wxgate.json")) {
			return
		}
	}
	t.Error("no ConfigMap holds grafana/wxgate.json")
}

// A chart can only hold files of its own directory, so it holds copies.
func TestChartHoldsCopies(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"prometheus/wxgate.rules.yml", "grafana/wxgate.json"} {
		compareFile(t, filepath.Join(chartDir, "files", filepath.Base(name)), readFile(t, "../"+name))
	}
}

// rulesHead is what the PrometheusRule of kustomize has before the rules.
const rulesHead = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: wxgate
  labels:
    app.kubernetes.io/name: wxgate
    app.kubernetes.io/instance: wxgate
    # If your Prometheus selects rules by a label, add it here, such as release: prometheus.
spec:
`

// So does a kustomization, and it cannot put a file into a custom resource.
func TestKustomizeHoldsCopies(t *testing.T) {
	t.Parallel()
	components := filepath.Join(kustomizeDir, "components")
	compareFile(t, filepath.Join(components, "dashboard", "wxgate.json"), readFile(t, "../grafana/wxgate.json"))
	rules := regexp.MustCompile("(?m)^.").ReplaceAllString(readFile(t, "../prometheus/wxgate.rules.yml"), "  $0")
	compareFile(t, filepath.Join(components, "prometheusrule", "prometheusrule.yaml"), rulesHead+rules)
}

// `kubectl apply` writes an object as JSON into one of its annotations, which have 256
// KiB together.
func TestKubectlCanApplyTheDashboard(t *testing.T) {
	t.Parallel()
	for _, o := range build(t, kustomizeDir+"/overlays/production") {
		text, err := json.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 200<<10 {
			t.Errorf("%s has %d bytes as JSON, want less than 200 KiB", o, len(text))
		}
	}
}
