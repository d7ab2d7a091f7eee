package helm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A module is a Go module whose zip file holds CustomResourceDefinitions. Nothing of
// it is compiled, so it is not in go.mod.
type module struct{ path, sum string }

var (
	gatewayAPI = module{"sigs.k8s.io/gateway-api@v1.6.3", "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc="}
	envoy      = module{"github.com/envoyproxy/gateway@v1.9.1", "h1:vAVp6/AlBXJ1aOhp1mxL7fNEzVEfjADUguUhm2wzxQY="}
	istio      = module{"istio.io/api@v1.32.0", "h1:37mJvg9I0biYZAEQF+MATs4FNeCpXEIVO3LFpVb6iNM="}
	traefik    = module{"github.com/traefik/traefik/v3@v3.6.12", "h1:6pe4s7aaDTQs+AsF7KP3sM/xnq7zOVvibRQe5tw9eFo="}
	// The newest version of the operator's module that the module proxy has.
	prometheus = module{"github.com/prometheus-operator/prometheus-operator@v0.85.0",
		"h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="}
)

// A definition is a file of CustomResourceDefinitions in a module.
type definition struct {
	module module
	file   string
}

const (
	gatewayDir    = "config/crd/standard/gateway.networking.k8s.io_"
	envoyDir      = "charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_"
	traefikDir    = "docs/content/reference/dynamic-configuration/traefik.io_"
	prometheusDir = "example/prometheus-operator-crd/monitoring.coreos.com_"
)

// definitionFiles are the files by the kinds that they define.
var definitionFiles = map[string]definition{
	"Gateway.gateway.networking.k8s.io":          {gatewayAPI, gatewayDir + "gateways.yaml"},
	"HTTPRoute.gateway.networking.k8s.io":        {gatewayAPI, gatewayDir + "httproutes.yaml"},
	"ReferenceGrant.gateway.networking.k8s.io":   {gatewayAPI, gatewayDir + "referencegrants.yaml"},
	"SecurityPolicy.gateway.envoyproxy.io":       {envoy, envoyDir + "securitypolicies.yaml"},
	"ClientTrafficPolicy.gateway.envoyproxy.io":  {envoy, envoyDir + "clienttrafficpolicies.yaml"},
	"HTTPRouteFilter.gateway.envoyproxy.io":      {envoy, envoyDir + "httproutefilters.yaml"},
	"BackendTrafficPolicy.gateway.envoyproxy.io": {envoy, envoyDir + "backendtrafficpolicies.yaml"},
	"AuthorizationPolicy.security.istio.io":      {istio, "kubernetes/customresourcedefinitions.gen.yaml"},
	"Middleware.traefik.io":                      {traefik, traefikDir + "middlewares.yaml"},
	"IngressRoute.traefik.io":                    {traefik, traefikDir + "ingressroutes.yaml"},
	"ServersTransport.traefik.io":                {traefik, traefikDir + "serverstransports.yaml"},
	"ServiceMonitor.monitoring.coreos.com":       {prometheus, prometheusDir + "servicemonitors.yaml"},
	"PodMonitor.monitoring.coreos.com":           {prometheus, prometheusDir + "podmonitors.yaml"},
	"PrometheusRule.monitoring.coreos.com":       {prometheus, prometheusDir + "prometheusrules.yaml"},
}

// definitionOf returns the file that defines the object's kind. Only the
// experimental channel of the Gateway API has the filter ExternalAuth.
func definitionOf(o *unstructured.Unstructured) (definition, bool) {
	d, ok := definitionFiles[o.GroupVersionKind().GroupKind().String()]
	text, _ := json.Marshal(o.Object)
	if d.module == gatewayAPI && bytes.Contains(text, []byte(`"type":"ExternalAuth"`)) {
		d.file = strings.Replace(d.file, "/standard/", "/experimental/", 1)
	}
	return d, ok
}

func (d definition) read() (string, error) {
	dirs, err := moduleDirs()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dirs[d.module], filepath.FromSlash(d.file)))
	return string(text), err
}

// moduleDirs downloads the modules, and returns their directories in the module
// cache.
var moduleDirs = sync.OnceValues(func() (map[module]string, error) {
	modules := map[string]module{}
	args := []string{"mod", "download", "-json"}
	for _, d := range definitionFiles {
		if _, ok := modules[d.module.path]; !ok {
			args = append(args, d.module.path)
		}
		modules[d.module.path] = d.module
	}
	download := exec.Command("go", args...)
	download.Dir = os.TempDir() // outside of this module, whose go.mod does not name them
	download.Env = append(os.Environ(), "GOWORK=off", "GO111MODULE=on", "GOFLAGS=")
	out, runErr := download.Output()
	dirs := map[module]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var in struct{ Path, Version, Dir, Sum, Error string }
		if err := decoder.Decode(&in); err != nil {
			return nil, errors.Join(runErr, err)
		}
		m := modules[in.Path+"@"+in.Version]
		if in.Error != "" || in.Sum != m.sum {
			return nil, fmt.Errorf("%s: sum %q, want %q %s", m.path, in.Sum, m.sum, in.Error)
		}
		dirs[m] = in.Dir
	}
	return dirs, runErr
})
