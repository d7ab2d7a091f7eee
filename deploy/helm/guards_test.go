package helm_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Each host of the site's route is guarded at each of its Gateways.
func TestIstioGuardsEachHostAtEachGateway(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]string{
		"hosts beyond publicUrl": "httpRoute: {enabled: true, parentRefs: [{name: web, namespace: infra}],\n" +
			"  hostnames: [h5.example.com, www.example.com]}",
		"every host": "httpRoute: {enabled: true, parentRefs: [{name: web, namespace: infra}],\n" +
			"  hostnames: [h5.example.com, '*.example.com']}\n---\nistio: {everyHost: true}",
		"two Gateways": "httpRoute: {enabled: true, parentRefs: [{name: web, namespace: infra}, {name: web},\n" +
			"  {name: internal, namespace: infra, sectionName: http}]}",
		"a namespace of no use": "httpRoute: {enabled: true, parentRefs: [{name: web}]}\n---\n" +
			"istio: {gatewayNamespace: elsewhere}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			os := mustRender(t, withFour(extauthz+"\n---\nistio: {enabled: true}\n---\n"+r)).objects
			site := false
			for _, route := range os.kind("HTTPRoute") {
				if !strings.HasSuffix(route.GetName(), "-site") {
					continue
				}
				site = true
				if !guarded(os, route) {
					t.Errorf("%s is open at one of its Gateways, for one of its hosts", route)
				}
			}
			names := map[string]bool{}
			for _, p := range os.kind("AuthorizationPolicy") {
				if names[p.GetNamespace()+"/"+p.GetName()] {
					t.Errorf("two policies %s in %s", p.GetName(), p.GetNamespace())
				}
				names[p.GetNamespace()+"/"+p.GetName()] = true
			}
			if !site {
				t.Error("no route to the site")
			}
		})
	}
}

// Over HTTP, Envoy Gateway replaces only the headers that wxgate's answer has. The
// chart's policy removes all others, as envoy/envoy-gateway.yaml does, at each Gateway.
func TestEnvoyGatewayRemovesTheClientsHeaders(t *testing.T) {
	t.Parallel()
	os := mustRender(t, withFour(asked("forward-auth")+`
httpRoute: {enabled: true, parentRefs: [{name: web, namespace: infra}, {name: web}]}
envoyGateway: {enabled: true, clientTrafficPolicy: true}
`)).objects
	var shipped object
	for _, o := range decodeAll(t, "envoy-gateway.yaml", readFile(t, "../envoy/envoy-gateway.yaml")) {
		if o.GetKind() == "ClientTrafficPolicy" {
			shipped = o
		}
	}
	var gateways []string
	for _, p := range os.kind("ClientTrafficPolicy") {
		target, _, _ := unstructured.NestedSlice(p.Object, "spec", "targetRefs")
		gateways = append(gateways, p.GetNamespace()+"/"+target[0].(map[string]any)["name"].(string))
		for _, part := range []string{"headers", "path", "timeout"} {
			got, want := map[string]string{}, map[string]string{}
			chart, _, _ := unstructured.NestedFieldNoCopy(p.Object, "spec", part)
			file, _, _ := unstructured.NestedFieldNoCopy(shipped.Object, "spec", part)
			flatten(got, "", chart)
			flatten(want, "", file)
			if diff := diffFields(got, want); diff != "" || len(got) == 0 {
				t.Errorf("spec.%s differs, chart (-) and envoy/envoy-gateway.yaml (+):\n%s", part, diff)
			}
		}
	}
	if slices.Sort(gateways); !slices.Equal(gateways, []string{"infra/web", ownNamespace + "/web"}) {
		t.Errorf("policies for the Gateways %q", gateways)
	}
}

// The admin port needs no password: a Service leads to it only for a monitor, or while
// `helm test` runs.
func TestAdminPortHasNoServiceOfItsOwn(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]string{
		"": "test", "test: {enabled: false}": "none", "metrics: {serviceMonitor: {enabled: true}}": "",
		"metrics: {serviceMonitor: {enabled: true}}\ntest: {enabled: false}": "",
	} {
		got := "none"
		for _, s := range mustRender(t, withFour(values)).objects.kind("Service") {
			if strings.HasSuffix(s.GetName(), "-admin") {
				got = s.GetAnnotations()["helm.sh/hook"]
			}
		}
		if got != want {
			t.Errorf("%q: the admin Service is for %q, want %q", values, got, want)
		}
	}
}

// The policy has to be there before the route. The overlay says that kubectl keeps the order
// of its files.
func TestKustomizePutsThePolicyBeforeTheRoute(t *testing.T) {
	t.Parallel()
	policy, route := -1, -1
	for i, o := range build(t, kustomizeDir+"/overlays/large") {
		switch o.GetKind() + " " + o.GetName() {
		case "SecurityPolicy wxgate":
			policy = i
		case "HTTPRoute wxgate-site":
			route = i
		}
	}
	if policy < 0 || route < policy {
		t.Errorf("the SecurityPolicy is object %d, the route to the site %d, want it before", policy, route)
	}
	if !strings.Contains(readFile(t, kustomizeDir+"/overlays/large/kustomization.yaml"), "\nsortOptions:\n  order: fifo\n") {
		t.Error("kubectl sorts the objects, want those of overlays/large in the order of the files")
	}
}
