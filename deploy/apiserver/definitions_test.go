package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// definitions are the files of CustomResourceDefinitions, by the Go module whose zip
// file holds them. Nothing of these modules is compiled, so go.mod does not name them.
var definitions = map[string][]string{
	"sigs.k8s.io/gateway-api@v1.6.3": {"config/crd/experimental/gateway.networking.*.yaml"},
	"github.com/envoyproxy/gateway@v1.9.1": {
		"charts/gateway-crds-helm/templates/generated/gateway.envoyproxy.io_securitypolicies.yaml",
		"charts/gateway-crds-helm/templates/generated/gateway.envoyproxy.io_*trafficpolicies.yaml",
	},
	"istio.io/api@v1.32.0":                                       {"kubernetes/customresourcedefinitions.gen.yaml"},
	"github.com/traefik/traefik/v3@v3.6.12":                      {"docs/content/reference/dynamic-configuration/traefik.io_*.yaml"},
	"github.com/prometheus-operator/prometheus-operator@v0.85.0": {"example/prometheus-operator-crd/*.yaml"},
}

// installDefinitions creates the types of all controllers that the chart has objects for.
func (c cluster) installDefinitions(t *testing.T) {
	t.Helper()
	for module, patterns := range definitions {
		dir := moduleDir(t, module)
		for _, pattern := range patterns {
			files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
			if err != nil || len(files) == 0 {
				t.Fatalf("%s has no %s: %v", module, pattern, err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				// Envoy Gateway's are templates of Helm, with a condition around each.
				text = regexp.MustCompile(`(?m)^\{\{.*$`).ReplaceAll(text, nil)
				if _, err := c.try(string(text), "kubectl", "apply", "--server-side", "-f", "-"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	c.run(t, "", "kubectl", "wait", "--for=condition=Established", "crd", "--all")
}

// moduleDir downloads a module and returns its directory in the module cache.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	download := exec.Command("go", "mod", "download", "-json", module)
	download.Dir = t.TempDir() // outside of this module
	download.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := download.Output()
	var got struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &got); err != nil || jsonErr != nil || got.Error != "" {
		t.Fatalf("go mod download %s: %v %v %s", module, err, jsonErr, got.Error)
	}
	return got.Dir
}
