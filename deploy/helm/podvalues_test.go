package helm_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// impossible are values of which the API server would refuse an object.
var impossible = map[string]badValue{
	"a container of the site twice": {
		sidecar + "extraContainers: [{name: site, image: a:1}]", []string{"extraContainers has a container called site"},
	},
	"an init container twice": {
		"initContainers: [{name: a, image: a:1}, {name: a, image: b:1}]", []string{"initContainers", "called a"},
	},
	"a volume twice": {"extraVolumes: [{name: files, emptyDir: {}}]", []string{"extraVolumes has a volume called files"}},
	"a volume of pages twice": {
		"files: {pages: {configMap: a}}\nextraVolumes: [{name: pages, emptyDir: {}}]",
		[]string{"extraVolumes has a volume called pages"},
	},
	"a mount over the secrets": {
		"extraVolumes: [{name: a, emptyDir: {}}]\nextraVolumeMounts: [{name: a, mountPath: /etc/wxgate}]",
		[]string{"extraVolumeMounts has the path /etc/wxgate"},
	},
	"a mount over a secret": {
		"extraVolumes: [{name: a, emptyDir: {}}]\n" +
			"extraVolumeMounts: [{name: a, mountPath: /etc/wxgate/app-secret, subPath: a}]",
		[]string{"extraVolumeMounts has the path /etc/wxgate/app-secret"},
	},
	"an extra variable twice": {
		"extraEnv: [{name: TZ, value: UTC}, {name: TZ, value: Asia/Shanghai}]", []string{"extraEnv has TZ twice"},
	},
	"no pod may be replaced": {
		"strategy: {rollingUpdate: {maxSurge: 0}}", []string{"strategy.rollingUpdate"},
	},
	"no percent of the pods may be replaced": {
		"strategy: {rollingUpdate: {maxSurge: 0%, maxUnavailable: 0%}}", []string{"strategy.rollingUpdate"},
	},
}

func TestValuesThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	refusedEach(t, impossible, "These values cannot work")
}

// Services have names that begin with a letter. Releases may begin with a digit.
func TestReleaseWhoseNameBeginsWithADigit(t *testing.T) {
	t.Parallel()
	r := release{name: "2shop", values: []string{fourValues}}
	if _, err := render(r); err == nil || !strings.Contains(err.Error(), "set fullnameOverride") {
		t.Errorf("error = %v, want one that says to set fullnameOverride", err)
	}
	r.values = append(r.values, "fullnameOverride: shop")
	check(t, mustRender(t, r).objects)
}

// The strategy Recreate has no settings of the other, which the values preset.
func TestStrategyRecreate(t *testing.T) {
	t.Parallel()
	d := one[appsv1.Deployment](t, mustRender(t, withFour("strategy: {type: Recreate}")).objects)
	if d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType || d.Spec.Strategy.RollingUpdate != nil {
		t.Errorf("strategy = %+v, want Recreate alone", d.Spec.Strategy)
	}
}

// Annotations of the chart stand once: those of the values do not replace them.
func TestPodAnnotationsStandOnce(t *testing.T) {
	t.Parallel()
	d := one[appsv1.Deployment](t, mustRender(t, withFour(`
metrics: {podAnnotations: true}
podAnnotations: {checksum/config: a, prometheus.io/port: "1", owner: pod}
commonAnnotations: {prometheus.io/path: /, owner: common}
`)).objects)
	got := d.Spec.Template.Annotations
	if got["prometheus.io/port"] != "9090" || got["prometheus.io/path"] != "/metrics" || got["owner"] != "pod" ||
		len(got["checksum/config"]) != 64 {
		t.Errorf("annotations of the pods are %v", got)
	}
}
