package deploy_test

import (
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// traefikRoutes is the part of Traefik's dynamic configuration that the file uses.
type traefikRoutes struct {
	HTTP struct {
		Routers     map[string]traefikRouter     `json:"routers"`
		Middlewares map[string]traefikMiddleware `json:"middlewares"`
		Services    map[string]struct {
			LoadBalancer struct {
				Servers []struct {
					URL string `json:"url"`
				} `json:"servers"`
				ResponseForwarding traefikForwarding `json:"responseForwarding"`
			} `json:"loadBalancer"`
		} `json:"services"`
	} `json:"http"`
}

type traefikRouter struct {
	Rule        string   `json:"rule"`
	Priority    int      `json:"priority"`
	Middlewares []string `json:"middlewares"`
	Service     string   `json:"service"`
}

type traefikForwarding struct {
	FlushInterval string `json:"flushInterval"`
}

type traefikMiddleware struct {
	Headers *struct {
		CustomRequestHeaders map[string]string `json:"customRequestHeaders"`
	} `json:"headers"`
	ForwardAuth *struct {
		Address                  string   `json:"address"`
		TrustForwardHeader       *bool    `json:"trustForwardHeader"`
		AuthResponseHeadersRegex string   `json:"authResponseHeadersRegex"`
		AddAuthCookiesToResponse []string `json:"addAuthCookiesToResponse"`
		MaxResponseBodySize      int      `json:"maxResponseBodySize"`
		PreserveLocationHeader   bool     `json:"preserveLocationHeader"`
	} `json:"forwardAuth"`
}

func traefikFile(t *testing.T, text string) traefikRoutes {
	t.Helper()
	var routes traefikRoutes
	if err := yaml.UnmarshalStrict([]byte(text), &routes); err != nil {
		t.Fatalf("traefik/dynamic.yml: %v", err)
	}
	return routes
}

// router returns the router of that priority.
func (r traefikRoutes) router(t *testing.T, priority int) traefikRouter {
	t.Helper()
	for _, router := range r.HTTP.Routers {
		if router.Priority == priority {
			return router
		}
	}
	t.Fatalf("traefik/dynamic.yml has no router of priority %d", priority)
	return traefikRouter{}
}

func TestTraefikSimulated(t *testing.T) {
	t.Parallel()
	origin, address := startBare(t)
	file := traefikFile(t, configuration(t, "traefik/dynamic.yml", "127.0.0.1:8080", address))
	auth := file.HTTP.Middlewares["wxgate"].ForwardAuth
	if auth.TrustForwardHeader == nil || *auth.TrustForwardHeader {
		t.Fatal("ForwardAuth trusts the client's X-Forwarded headers")
	}
	identity := regexp.MustCompile(auth.AuthResponseHeadersRegex)

	// Source: "ForwardAuth" in Traefik's documentation, reference/routing-configuration/
	// http/middlewares/forwardauth: the auth request is a GET with all headers of the
	// client except X-Forwarded-*, which Traefik sets. The matching headers of a 2XX
	// response replace all matching headers of the request.
	ask := func(t *testing.T, method, target string, h http.Header) verdict {
		h = h.Clone()
		for name, value := range file.HTTP.Middlewares["no-claims"].Headers.CustomRequestHeaders {
			if h.Del(name); value != "" {
				h.Set(name, value)
			}
		}
		for name := range h {
			if strings.HasPrefix(name, "X-Forwarded-") {
				delete(h, name)
			}
		}
		request, err := http.NewRequest(http.MethodGet, auth.Address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = h.Clone()
		for name, value := range map[string]string{
			"Method": method, "Uri": target, "Host": strings.TrimPrefix(origin, "http://"),
			"Proto": "http", "For": "192.0.2.7", "Port": "80",
		} {
			request.Header.Set("X-Forwarded-"+name, value)
		}
		res := asProxy(t, request)
		for name := range h {
			if identity.MatchString(name) {
				delete(h, name)
			}
		}
		for name, values := range res.Header {
			if identity.MatchString(name) {
				h[name] = values
			}
		}
		return verdict{res.StatusCode, h, res.Header}
	}
	testSimulated(t, origin, ask)
	got := ask(t, "GET", "/orders", pageLoad)
	if location := got.answer.Get("Location"); got.status != 302 || !strings.HasPrefix(location, origin+"/_wx/login?") {
		t.Errorf("page load without a session = %d to %q, want 302 to the login", got.status, location)
	}
}

// ruleRegexp matches a regular expression in the rule of a router.
var ruleRegexp = regexp.MustCompile("Regexp?\\((?:`[^`]*`, )?`([^`]*)`\\)")

func TestTraefikRoutes(t *testing.T) {
	t.Parallel()
	file := traefikFile(t, readFile(t, "traefik/dynamic.yml"))
	for name, router := range file.HTTP.Routers {
		if _, ok := file.HTTP.Services[router.Service]; !ok {
			t.Errorf("router %s leads to service %q, which is missing", name, router.Service)
		}
		for _, middleware := range router.Middlewares {
			if _, ok := file.HTTP.Middlewares[middleware]; !ok {
				t.Errorf("router %s uses middleware %q, which is missing", name, middleware)
			}
		}
		if asks := slices.Contains(router.Middlewares, "wxgate"); asks != (router.Service == "site") {
			t.Errorf("router %s to service %s asks wxgate %t", name, router.Service, asks)
		}
		for _, quoted := range ruleRegexp.FindAllStringSubmatch(router.Rule, -1) {
			if _, err := regexp.Compile(quoted[1]); err != nil {
				t.Errorf("router %s: %v", name, err)
			}
		}
	}
	auth := file.HTTP.Middlewares["wxgate"].ForwardAuth
	if auth.MaxResponseBodySize == 0 {
		t.Error("ForwardAuth reads answers of any size: maxResponseBodySize is not set")
	}
	identity := regexp.MustCompile(auth.AuthResponseHeadersRegex)
	for _, name := range identityHeaders {
		underscored := strings.ReplaceAll(name, "-", "_")
		for _, spelling := range []string{
			name, http.CanonicalHeaderKey(name), strings.ReplaceAll(name, "-", "."),
			underscored, strings.ToLower(underscored),
		} {
			if !identity.MatchString(spelling) {
				t.Errorf("authResponseHeadersRegex does not match %s", spelling)
			}
		}
	}
	for _, name := range []string{"X_Forwarded_Uri", "X-Original.uri", "Content_Length"} {
		if !identity.MatchString(name) {
			t.Errorf("authResponseHeadersRegex does not match %s", name)
		}
	}
	for _, name := range []string{"X-Wxyz", "My-X-WX-OpenID", "Cookie"} {
		if identity.MatchString(name) {
			t.Errorf("authResponseHeadersRegex matches %s", name)
		}
	}
}

// Both forms of the configuration have the same content.
func TestTraefikOnKubernetes(t *testing.T) {
	t.Parallel()
	file := traefikFile(t, readFile(t, "traefik/dynamic.yml"))
	found := 0
	for document := range strings.SplitSeq(readFile(t, "traefik/kubernetes.yaml"), "\n---\n") {
		var object struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			Metadata   struct {
				Name string `json:"name"`
			} `json:"metadata"`
			Spec struct {
				traefikMiddleware
				EntryPoints []string `json:"entryPoints"`
				Routes      []struct {
					Kind        string `json:"kind"`
					Match       string `json:"match"`
					Priority    int    `json:"priority"`
					Middlewares []struct {
						Name string `json:"name"`
					} `json:"middlewares"`
					Services []struct {
						Name string `json:"name"`
						Port int    `json:"port"`

						ResponseForwarding traefikForwarding `json:"responseForwarding"`
					} `json:"services"`
				} `json:"routes"`
				TLS *struct{} `json:"tls"`
			} `json:"spec"`
		}
		if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
			t.Fatalf("traefik/kubernetes.yaml: %v", err)
		}
		switch {
		case object.Kind == "Middleware":
			found++
			want := file.HTTP.Middlewares[strings.TrimPrefix(object.Metadata.Name, "wxgate-")]
			if got := object.Spec.traefikMiddleware; got.ForwardAuth != nil && want.ForwardAuth != nil {
				got.ForwardAuth.Address = strings.Replace(got.ForwardAuth.Address, "wxgate:8080", "127.0.0.1:8080", 1)
				if !reflect.DeepEqual(got.ForwardAuth, want.ForwardAuth) {
					t.Errorf("Middleware %s differs from dynamic.yml: %+v, want %+v",
						object.Metadata.Name, got.ForwardAuth, want.ForwardAuth)
				}
			} else if !reflect.DeepEqual(got, want) {
				t.Errorf("Middleware %s differs from dynamic.yml", object.Metadata.Name)
			}
		case object.Kind == "IngressRoute":
			for _, route := range object.Spec.Routes {
				found++
				want := file.router(t, route.Priority)
				service := want.Service
				want.Rule = strings.TrimPrefix(want.Rule, "PathPrefix(`/`) && ")
				got := traefikRouter{
					Rule:     strings.TrimPrefix(route.Match, "Host(`h5.example.com`) && "),
					Priority: route.Priority, Service: route.Services[0].Name,
				}
				if service == "wxgate" {
					got.Rule = strings.TrimSuffix(strings.TrimPrefix(got.Rule, "("), ")")
				}
				for _, middleware := range route.Middlewares {
					got.Middlewares = append(got.Middlewares, strings.TrimPrefix(middleware.Name, "wxgate-"))
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("route differs from dynamic.yml: %+v, want %+v", got, want)
				}
				forwarding := file.HTTP.Services[service].LoadBalancer.ResponseForwarding
				if got := route.Services[0].ResponseForwarding; got != forwarding {
					t.Errorf("service %s differs from dynamic.yml: %+v, want %+v", service, got, forwarding)
				}
			}
		}
	}
	if found != 6 {
		t.Errorf("%d middlewares and routes, want 6", found)
	}
}
