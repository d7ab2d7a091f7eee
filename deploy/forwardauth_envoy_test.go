package deploy_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	extauthzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	mutationv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"
)

var envoyFiles = []string{"envoy/envoy.yaml", "envoy/envoy-http.yaml"}

// envoyFile reads a configuration as Envoy does: it accepts known fields only, and
// checks the constraints of their values.
func envoyFile(t *testing.T, file string) *managerv3.HttpConnectionManager {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict([]byte(readFile(t, file)))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	bootstrap := &bootstrapv3.Bootstrap{}
	if err := protojson.Unmarshal(text, bootstrap); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	messages := 0
	err = protorange.Range(bootstrap.ProtoReflect(), func(p protopath.Values) error {
		m, ok := p.Index(-1).Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		messages++
		if checked, ok := m.Interface().(interface{ ValidateAll() error }); ok {
			return checked.ValidateAll()
		}
		return nil
	})
	if err != nil || messages < 50 {
		t.Fatalf("%s: %v after %d messages", file, err, messages)
	}
	filter := bootstrap.GetStaticResources().GetListeners()[0].GetFilterChains()[0].GetFilters()[0]
	return opened[*managerv3.HttpConnectionManager](t, filter.GetTypedConfig())
}

// opened returns the message that an Any holds.
func opened[M proto.Message](t *testing.T, in *anypb.Any) M {
	t.Helper()
	m, err := in.UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	config, ok := m.(M)
	if !ok {
		t.Fatalf("configuration is a %T", m)
	}
	return config
}

// envoyFilters returns the two filters before the router, which must have this
// order.
func envoyFilters(t *testing.T, manager *managerv3.HttpConnectionManager) (removed []string, ask *extauthzv3.ExtAuthz) {
	t.Helper()
	filters := manager.GetHttpFilters()
	if len(filters) != 3 {
		t.Fatalf("%d HTTP filters, want 3", len(filters))
	}
	mutations := opened[*mutationv3.HeaderMutation](t, filters[0].GetTypedConfig()).GetMutations()
	for _, mutation := range mutations.GetRequestMutations() {
		removed = append(removed, mutation.GetRemove())
	}
	return removed, opened[*extauthzv3.ExtAuthz](t, filters[1].GetTypedConfig())
}

func TestEnvoyGuards(t *testing.T) {
	t.Parallel()
	for _, file := range envoyFiles {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			manager := envoyFile(t, file)
			removed, ask := envoyFilters(t, manager)
			for _, name := range claimedHeaders {
				if !slices.Contains(removed, strings.ToLower(name)) {
					t.Errorf("a client's %s is not removed", name)
				}
			}
			if ask.GetFailureModeAllow() {
				t.Error("requests pass while wxgate is unavailable")
			}
			action := manager.GetCommonHttpProtocolOptions().GetHeadersWithUnderscoresAction()
			if action != corev3.HttpProtocolOptions_DROP_HEADER {
				t.Errorf("headers with underscores: %v, want them dropped", action)
			}
			if !manager.GetUseRemoteAddress().GetValue() || !manager.GetNormalizePath().GetValue() {
				t.Error("use_remote_address and normalize_path have to be on")
			}
			upgrades := manager.GetUpgradeConfigs()
			if len(upgrades) != 1 || upgrades[0].GetUpgradeType() != "websocket" {
				t.Errorf("upgrades %v, want websocket alone", upgrades)
			}
			routes := manager.GetRouteConfig().GetVirtualHosts()[0].GetRoutes()
			for _, route := range routes {
				checked := true
				if own := route.GetTypedPerFilterConfig()["envoy.filters.http.ext_authz"]; own != nil {
					checked = !opened[*extauthzv3.ExtAuthzPerRoute](t, own).GetDisabled()
				}
				if cluster := route.GetRoute().GetCluster(); checked != (cluster == "site") {
					t.Errorf("route %v to %q: ext_authz %t", route.GetMatch(), cluster, checked)
				}
			}
			first, last := routes[0], routes[len(routes)-1]
			if last.GetMatch().GetPrefix() != "/" || last.GetRoute().GetCluster() != "site" {
				t.Errorf("last route is %v, want the site's, for everything", last)
			}
			direct := first.GetAction().(*routev3.Route_DirectResponse).DirectResponse
			if first.GetMatch().GetPrefix() != "/_wx/auth" || direct.GetStatus() != 404 {
				t.Errorf("first route is %v, want 404 for the auth endpoint", first)
			}
		})
	}
}

// Source: "HTTP service" of "External Authorization" in Envoy's documentation
// and the fields of envoy.extensions.filters.http.ext_authz.v3: the auth request
// has the visitor's method, host, path (after path_prefix) and allowed headers, and
// no body. The allowed headers of a 200 response replace those of the visitor.
func TestEnvoyOverHTTP(t *testing.T) {
	t.Parallel()
	origin, address := startBare(t)
	removed, ext := envoyFilters(t, envoyFile(t, "envoy/envoy-http.yaml"))
	service := ext.GetHttpService()
	ask := func(t *testing.T, method, target string, h http.Header) verdict {
		h = envoyHeaders(h, removed)
		request, err := http.NewRequest(method, origin+service.GetPathPrefix()+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = address
		for name, values := range h {
			if allowed(ext.GetAllowedHeaders(), name) {
				request.Header[name] = values
			}
		}
		res := asProxy(t, request)
		for name, values := range res.Header {
			if allowed(service.GetAuthorizationResponse().GetAllowedUpstreamHeaders(), name) {
				h[name] = values
			}
		}
		return verdict{res.StatusCode, h, res.Header}
	}
	testSimulated(t, origin, ask)
	got := ask(t, "GET", "/orders", pageLoad)
	if media := got.answer.Get("Content-Type"); got.status != 401 || !strings.HasPrefix(media, "text/html") {
		t.Errorf("page load without a session = %d %s, want 401 and a page", got.status, media)
	}
	if !allowed(service.GetAuthorizationResponse().GetAllowedClientHeadersOnSuccess(), "Set-Cookie") {
		t.Error("a renewed session does not reach the visitor")
	}
}

// Source: "envoy.service.auth.v3" in Envoy's documentation: the CheckRequest holds
// all headers of the request in lower case. Envoy applies an OkResponse by setting
// headers, then removing headers_to_remove.
func TestEnvoyOverGRPC(t *testing.T) {
	t.Parallel()
	service := freeAddress(t)
	origin, address := startBare(t, "WXGATE_EXTAUTHZ_LISTEN="+service)
	conn, err := grpc.NewClient(service, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	client := authv3.NewAuthorizationClient(conn)
	removed, _ := envoyFilters(t, envoyFile(t, "envoy/envoy.yaml"))

	ask := func(t *testing.T, method, target string, h http.Header) verdict {
		t.Helper()
		h = envoyHeaders(h, removed)
		headers := map[string]string{":authority": address, ":method": method, ":path": target, ":scheme": "http"}
		for name, values := range h {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
		peer := &corev3.SocketAddress{
			Address:       "192.0.2.7",
			PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 40000},
		}
		answer, err := client.Check(t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
			Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{
				Address: &corev3.Address_SocketAddress{SocketAddress: peer},
			}},
			Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
				Id: "1", Method: method, Path: target, Host: address,
				Scheme: "http", Protocol: "HTTP/1.1", Headers: headers,
			}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if denied := answer.GetDeniedResponse(); denied != nil {
			return verdict{int(denied.GetStatus().GetCode()), nil, options(denied.GetHeaders())}
		}
		ok := answer.GetOkResponse()
		maps.Copy(h, options(ok.GetHeaders()))
		for _, name := range ok.GetHeadersToRemove() {
			h.Del(name)
		}
		return verdict{200, h, options(ok.GetResponseHeadersToAdd())}
	}
	testSimulated(t, origin, ask)
	got := ask(t, "GET", "/orders", pageLoad)
	if location := got.answer.Get("Location"); got.status != 302 || !strings.HasPrefix(location, origin+"/_wx/login?") {
		t.Errorf("page load without a session = %d to %q, want 302 to the login", got.status, location)
	}
}

// envoyHeaders returns the headers that ext_authz gets after the header mutation.
func envoyHeaders(h http.Header, removed []string) http.Header {
	h = h.Clone()
	for _, name := range removed {
		h.Del(name)
	}
	h.Set("X-Forwarded-For", "192.0.2.7")
	h.Set("X-Forwarded-Proto", "http")
	h.Set("X-Request-Id", "1")
	return h
}

func options(in []*corev3.HeaderValueOption) http.Header {
	h := http.Header{}
	for _, option := range in {
		h.Add(option.GetHeader().GetKey(), option.GetHeader().GetValue())
	}
	return h
}

// allowed reports whether a list of matchers matches a header.
func allowed(list *matcherv3.ListStringMatcher, name string) bool {
	return slices.ContainsFunc(list.GetPatterns(), func(m *matcherv3.StringMatcher) bool {
		return strings.EqualFold(m.GetExact(), name) ||
			m.GetPrefix() != "" && strings.HasPrefix(strings.ToLower(name), m.GetPrefix())
	})
}
