package helm_test

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// listenPorts are the container's ports by the variable with the address; the value
// is that of an address that is not set.
var listenPorts = map[string]struct{ variable, preset string }{
	"http":     {"WXGATE_LISTEN", ":8080"},
	"admin":    {"WXGATE_ADMIN_LISTEN", ":9090"},
	"relay":    {"WXGATE_RELAY_LISTEN", ""},
	"extauthz": {"WXGATE_EXTAUTHZ_LISTEN", ""},
}

// checkPorts checks that the container's ports are those of its addresses, and that
// probes and Services lead to the right ones.
func checkPorts(t *testing.T, os objects) {
	t.Helper()
	_, c := wxgateContainer(t, os)
	env := environment(t, os, c)
	ports := containerPorts(c)
	for name, listen := range listenPorts {
		address, ok := env[listen.variable]
		if !ok {
			address = listen.preset
		}
		want := ""
		if number, ok := ports[name]; ok {
			want = ":" + strconv.Itoa(int(number))
		}
		if address != want {
			t.Errorf("%s = %q, but the port %s of the container is %q", listen.variable, address, name, want)
		}
	}
	if len(ports) != len(c.Ports) {
		t.Errorf("ports = %+v, want different names", c.Ports)
	}
	for path, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path ||
			probe.HTTPGet.Port != intstr.FromString("admin") {
			t.Errorf("probe = %+v, want one that asks %s on the port admin", probe, path)
		}
	}
	for _, service := range all[corev1.Service](os) {
		checkServicePorts(t, service, ports)
	}
	p, _ := wxgateContainer(t, os)
	if port, ok := p.meta.Annotations["prometheus.io/port"]; ok && port != strconv.Itoa(int(ports["admin"])) {
		t.Errorf("prometheus.io/port = %s, want %d", port, ports["admin"])
	}
}

func containerPorts(c corev1.Container) map[string]int32 {
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	return ports
}

// checkServicePorts checks that the ports of a Service lead to named ports of the
// container. The admin port needs no password: a Service that leads to it must have
// no address of its own and no other port, and exists for a monitor or a test alone.
// Nor do relay and ext_authz: their Service has an address only inside the cluster.
func checkServicePorts(t *testing.T, service *corev1.Service, ports map[string]int32) {
	t.Helper()
	for _, p := range service.Spec.Ports {
		name := p.TargetPort.StrVal
		if _, ok := ports[name]; !ok {
			t.Errorf("Service %s: port %d leads to %s, which the container does not have",
				service.Name, p.Port, p.TargetPort.String())
		}
		headless := service.Spec.ClusterIP == corev1.ClusterIPNone && service.Spec.Type == corev1.ServiceTypeClusterIP
		if name == "admin" && (!headless || len(service.Spec.Ports) > 1) {
			t.Errorf("Service %s leads to the admin port, want that in a headless Service of its own", service.Name)
		}
		if name != "http" && (service.Spec.Type != corev1.ServiceTypeClusterIP || leadsToPort(service, "http")) {
			t.Errorf("Service %s, %s, leads visitors to the port %s too", service.Name, service.Spec.Type, name)
		}
		// Envoy speaks HTTP/2 to a backend only where the port says so.
		if name == "extauthz" && (value(p.AppProtocol) != "kubernetes.io/h2c" || !strings.HasPrefix(p.Name, "grpc")) {
			t.Errorf("Service %s: port %s has the protocol %q, want gRPC", service.Name, p.Name, value(p.AppProtocol))
		}
	}
}

// leadsToPort reports whether a Service leads to the port of the container.
func leadsToPort(s *corev1.Service, port string) bool {
	return slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.TargetPort.StrVal == port })
}

// A backend is a reference to a port of a Service.
type backend struct {
	from    object
	service string
	port    intstr.IntOrString
}

// backends returns all references to Services in routes and policies.
func (os objects) backends() []backend {
	var found []backend
	for _, o := range os {
		spec := o.Object["spec"]
		switch o.GetKind() {
		case "HTTPRoute", "IngressRoute", "SecurityPolicy", "Ingress", "Middleware":
			found = append(found, backendsIn(o, "", spec)...)
		}
		if address, ok := o.GetAnnotations()["nginx.ingress.kubernetes.io/auth-url"]; ok {
			found = append(found, urlBackend(o, address))
		}
	}
	return found
}

// backendsIn returns the references in a part of an object, which is the value of a
// key, or an element of it.
func backendsIn(o object, key string, part any) []backend {
	var found []backend
	switch part := part.(type) {
	case []any:
		for _, element := range part {
			found = append(found, backendsIn(o, key, element)...)
		}
	case map[string]any:
		name, _ := part["name"].(string)
		switch key {
		case "backendRefs", "backendRef", "services", "service":
			return []backend{{o, name, portOf(part["port"])}}
		}
		for key, element := range part {
			found = append(found, backendsIn(o, key, element)...)
		}
	case string:
		if key == "address" {
			return []backend{urlBackend(o, part)}
		}
	}
	return found
}

// portOf returns a port that is a number, a name, or an object of the two.
func portOf(port any) intstr.IntOrString {
	switch port := port.(type) {
	case int64:
		return intstr.FromInt32(int32(port))
	case float64:
		return intstr.FromInt32(int32(port))
	case string:
		return intstr.FromString(port)
	case map[string]any:
		if name, ok := port["name"]; ok {
			return portOf(name)
		}
		return portOf(port["number"])
	}
	return intstr.IntOrString{}
}

// urlBackend returns the Service of an address such as http://name.namespace.svc:80.
func urlBackend(o object, address string) backend {
	u, err := url.Parse(address)
	if err != nil {
		return backend{from: o, service: address}
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		host, port = u.Host, "80"
	}
	number, _ := strconv.Atoi(port)
	name, _, _ := strings.Cut(host, ".")
	return backend{o, name, intstr.FromInt(number)}
}

// leadsTo reports whether a Service among the objects leads the reference to the port
// of the container.
func leadsTo(os objects, b backend, port string) bool {
	for _, s := range all[corev1.Service](os) {
		for _, p := range s.Spec.Ports {
			if s.Name == b.service && intstr.FromInt32(p.Port) == b.port && p.TargetPort == intstr.FromString(port) {
				return true
			}
		}
	}
	return false
}
