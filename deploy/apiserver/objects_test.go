package main_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const chart = "../helm/wxgate"

// TestAPIServer applies the kustomize files and the chart to a real API server, in
// namespaces that enforce the restricted Pod Security Standard.
func TestAPIServer(t *testing.T) {
	c := startCluster(t)
	c.installDefinitions(t)
	c.restricted(t, "istio-ingress") // the chart's istio.gatewayNamespace
	c.restricted(t, "gateways")
	t.Run("kustomize", c.testKustomize)
	t.Run("chart", c.testChart)
	t.Run("upgrades", c.testUpgrades)
}

// testKustomize applies each directory of deploy/kubernetes that can be built alone.
func (c cluster) testKustomize(t *testing.T) {
	var found int
	err := filepath.WalkDir("../kubernetes", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "kustomization.yaml" || strings.Contains(path, "/components/") {
			return err
		}
		found++
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			namespace := fmt.Sprintf("kustomize-%d", found)
			c.restricted(t, namespace)
			c.applyTwice(t, namespace, c.run(t, "", "kubectl", "kustomize", filepath.Dir(path)))
		})
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("found %d kustomizations: %v", found, err)
	}
}

// testChart applies what helm renders for each setting.
func (c cluster) testChart(t *testing.T) {
	for i, setting := range settings {
		t.Run(setting.name, func(t *testing.T) {
			namespace := fmt.Sprintf("chart-%d", i)
			c.restricted(t, namespace)
			manifest := c.run(t, setting.values, "helm", "template", "wxgate", chart, "-n", namespace, "-f", "-")
			c.applyTwice(t, namespace, manifest)
		})
	}
}

// applyTwice applies the objects with strict checks. A second time must change nothing.
func (c cluster) applyTwice(t *testing.T, namespace, manifest string) {
	t.Helper()
	in := []string{}
	if !strings.Contains(manifest, "\n  namespace: ") {
		in = []string{"-n", namespace}
	}
	c.run(t, manifest, "kubectl", append([]string{"apply", "--server-side", "--validate=strict", "-f", "-"}, in...)...)
	if out, err := c.try(manifest, "kubectl", append([]string{"diff", "--server-side", "-f", "-"}, in...)...); err != nil {
		t.Errorf("after it was applied: %s", out)
	}
	c.createPods(t, namespace)
}

// createPods lets admission check the pods that the controllers would create, since
// for a Deployment it only warns.
func (c cluster) createPods(t *testing.T, namespace string) {
	t.Helper()
	var deployments struct {
		Items []struct {
			Spec struct{ Template map[string]any }
		}
	}
	out := c.run(t, "", "kubectl", "get", "deployments", "-n", namespace, "-o", "json")
	if err := json.Unmarshal([]byte(out), &deployments); err != nil {
		t.Fatal(err)
	}
	for _, deployment := range deployments.Items {
		pod := deployment.Spec.Template
		pod["apiVersion"], pod["kind"] = "v1", "Pod"
		pod["metadata"].(map[string]any)["generateName"] = "wxgate-"
		text, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		c.run(t, string(text), "kubectl", "create", "-n", namespace, "--dry-run=server", "--validate=strict", "-f", "-")
	}
}

// testUpgrades upgrades one release through all settings: no immutable field changes.
func (c cluster) testUpgrades(t *testing.T) {
	const namespace = "upgrades"
	c.restricted(t, namespace)
	templates := map[string]string{}
	for _, setting := range settings {
		c.run(t, setting.values, "helm", "upgrade", "--install", "--history-max=50", "wxgate", chart, "-n", namespace, "-f", "-")
		templates[setting.name] = c.podTemplate(t, namespace)
	}
	if templates["four values"] == templates["other variables"] {
		t.Error("other variables do not change the pod template, so that no pod would start with them")
	}
	if templates["four values"] != templates["four values again"] {
		t.Errorf("the pod template depends on earlier upgrades:\n%s\n%s",
			templates["four values"], templates["four values again"])
	}
	c.run(t, "", "helm", "rollback", "wxgate", "2", "-n", namespace)
	if got := c.podTemplate(t, namespace); got != templates["other variables"] {
		t.Errorf("after the rollback: %s, want %s", got, templates["other variables"])
	}
	c.run(t, "", "helm", "uninstall", "wxgate", "-n", namespace)
	left := c.run(t, "", "kubectl", "get", "all,cm,secret,pdb,netpol,ing,hpa,sa,httproute", "-n", namespace, "-o", "name")
	if strings.Contains(left, "wxgate") {
		t.Errorf("left after helm uninstall: %s", left)
	}
}

func (c cluster) podTemplate(t *testing.T, namespace string) string {
	t.Helper()
	return c.run(t, "", "kubectl", "get", "deployment", "wxgate", "-n", namespace, "-o", "jsonpath={.spec.template}")
}
