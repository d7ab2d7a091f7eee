package gateway_test

import (
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/wxgate/wxgate/gateway"
)

// A proxy that asks is told to redirect a page load by plain http to https, where it
// can redirect.
func TestPlainHTTPForwardAuth(t *testing.T) {
	t.Parallel()
	const target, login = "/cart?id=7", rigOrigin + "/_wx/login?return_to=%2Fcart%3Fid%3D7"
	proto := func(value string) []string { return []string{"X-Forwarded-Proto", value} }
	traefik := []string{"X-Forwarded-Method", "GET", "X-Forwarded-Host", rigHost, "X-Forwarded-Uri", target}
	nginx := []string{"X-Original-Method", "GET", "X-Original-Uri", target}
	ingress := func(scheme string) []string {
		return []string{"X-Original-Method", "GET", "X-Original-Url", scheme + "://" + rigHost + target}
	}
	cookie := func(value string) []string { return []string{"Cookie", value} }
	const auth, redirects = "/_wx/auth", "/_wx/auth?redirect=true"
	for _, tt := range []struct {
		name     string
		question string
		header   []string
		status   int
		https    bool // redirects to the same address at https
	}{
		{"Traefik", redirects, join(traefik, byHTTP, asPage), 302, true},
		{"Traefik, two values", redirects, join(traefik, proto("https, http"), asPage), 302, false},
		{"Traefik, https", redirects, join(traefik, proto("https"), asPage), 302, false},
		{"Traefik, probe", redirects, join(traefik, byHTTP, asPage, cookie(probeCookie)), 302, false},
		{"Traefik, session", redirects, join(traefik, byHTTP, asPage, cookie(signedIn(t))), 200, false},
		{"Traefik, script", redirects, join(traefik, byHTTP, fromScript), 401, false},
		{"Traefik, no redirects", auth, join(traefik, byHTTP, asPage), 401, false},
		{"nothing described", redirects, join(byHTTP, asPage), 302, false},
		{"nginx", auth, join(nginx, byHTTP, asPage), 401, false},
		{"nginx that redirects", redirects, join(nginx, byHTTP, asPage), 302, true},
		{"ingress", redirects, join(ingress("http"), asPage), 302, true},
		{"ingress, header too", redirects, join(ingress("http"), byHTTP, asPage), 302, true},
		{"ingress, https", redirects, join(ingress("https"), asPage), 302, false},
		{"ingress, https and http", redirects, join(ingress("https"), byHTTP, asPage), 302, false},
		{"ingress, http and https", redirects, join(ingress("http"), proto("https"), asPage), 302, false},
		{"ingress, no redirects", auth, join(ingress("http"), asPage), 401, false},
		{"Envoy", "/_wx/auth" + target, join(byHTTP, asPage), 302, true},
		{"Envoy, probe", "/_wx/auth" + target, join(byHTTP, asPage, cookie(probeCookie)), 401, false},
		{"Envoy, script", "/_wx/auth" + target, join(byHTTP, fromScript), 401, false},
		{"Envoy, public path", "/_wx/auth/static/a", join(byHTTP, asPage), 200, false},
		{"Envoy, API path", "/_wx/auth/api/a", join(byHTTP, asPage), 401, false},
	} {
		r := newHTTPSRig(t)
		got := r.do(t, "GET", tt.question, tt.header...)
		switch {
		case tt.https:
			wantHTTPS(t, tt.name, got, rigOrigin+target)
		case got.StatusCode != tt.status || got.Header["Set-Cookie"] != nil:
			t.Errorf("%s: answer %d with %q, want %d", tt.name, got.StatusCode, got.Header["Set-Cookie"], tt.status)
		case tt.status == 302 && !strings.HasPrefix(got.location(), rigOrigin+"/_wx/login"):
			t.Errorf("%s: redirect to %q, want the login", tt.name, got.location())
		case tt.status == 401 && strings.Contains(strings.Join(tt.header, " "), target) &&
			got.Header.Get("X-Wx-Login-Url") != login && tt.header[len(tt.header)-1] == "navigate":
			t.Errorf("%s: X-WX-Login-URL %q, want %q", tt.name, got.Header.Get("X-Wx-Login-Url"), login)
		}
	}
	untrusting := newRig(t, nil)
	got := untrusting.do(t, "GET", redirects, join(traefik, byHTTP, asPage)...)
	if !strings.HasPrefix(got.location(), rigOrigin+"/_wx/login") {
		t.Errorf("untrusted address: answer %d to %q, want the login", got.StatusCode, got.location())
	}
}

// The X-Forwarded-Proto of a check over gRPC is Envoy's own: it counts even if the
// address of Envoy's client is not trusted.
func TestPlainHTTPExtAuthz(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil, func(c *testConfig) { c.PublicPaths = []string{"/static/"} })
	client := newExtAuthz(t, g)
	const login = rigOrigin + "/_wx/login?return_to=%2Fcart"
	for _, tt := range []struct {
		name, target string
		header       []string
		want         string // location; empty: passes
	}{
		{"http", "//cart?id=7", join(asPage, byHTTP), rigOrigin + "//cart?id=7"},
		{"https", "/cart", join(asPage, []string{"X-Forwarded-Proto", "https"}), login},
		{"http,https", "/cart", join(asPage, []string{"X-Forwarded-Proto", "http,https"}), login},
		{"no header", "/cart", asPage, login},
		{"probe", "/cart", join(asPage, byHTTP, []string{"Cookie", probeCookie}), login},
		{"session", "/cart", join(asPage, byHTTP, []string{"Cookie", signedIn(t)}), ""},
		{"public", "/static/a", join(asPage, byHTTP), ""},
		{"own", "/_wx/login", join(asPage, byHTTP), ""}, // the gateway decides when it gets the request
	} {
		answer, err := client.Check(t.Context(), checkOf(doorRequest{"GET", tt.target, tt.header}))
		if err != nil {
			t.Fatal(err)
		}
		denied := answer.GetDeniedResponse()
		if location := deniedHeader(denied, "Location"); location != tt.want || (denied == nil) != (tt.want == "") {
			t.Errorf("%s: %v, want a redirect to %q", tt.name, answer, tt.want)
		}
		probed := strings.HasPrefix(deniedHeader(denied, "Set-Cookie"), probeCookie+";")
		if want := tt.name == "http"; probed != want {
			t.Errorf("%s: sets the probe: %t, want %t", tt.name, probed, want)
		}
	}
}

// deniedHeader is a header field of Envoy's answer to the visitor.
func deniedHeader(denied *authv3.DeniedHttpResponse, name string) string {
	for _, h := range denied.GetHeaders() {
		if strings.EqualFold(h.GetHeader().GetKey(), name) {
			return headerValue(h.GetHeader())
		}
	}
	return ""
}

// By plain http, a visitor of one of several sites comes to that site's public URL,
// or stays on a host that shares the session.
func TestPlainHTTPSeveralSites(t *testing.T) {
	t.Parallel()
	a := siteAt(t, "a", "https://a.example.com", "www.a.example.com")
	b := siteAt(t, "b", "https://b.example.com:8443")
	plain := siteAt(t, "c", "http://c.example.com")
	shared := siteAt(t, "d", "https://d.example.com", "m.d.example.com", "d.internal")
	shared.CookieDomain, shared.CookieName = "d.example.com", "shared"
	shared.ReturnHosts = []string{"m.d.example.com", "d.internal"}
	for _, s := range []*gateway.Site{&a, &b, &plain, &shared} {
		s.APIPaths = []string{"/api/"}
	}
	r := newSites(t, a, b, plain, shared)
	for _, tt := range []struct{ host, target, want string }{
		{"a.example.com", "/cart?id=7", "https://a.example.com/cart?id=7"},
		{"A.example.com:80", "/cart?id=7", "https://a.example.com/cart?id=7"},
		{"www.a.example.com", "//cart", "https://a.example.com//cart"},
		{"www.a.example.com", "/_wx/login?return_to=/cart", "https://a.example.com/_wx/login?return_to=/cart"},
		{"www.a.example.com", "/_wx/config", "https://a.example.com/_wx/config"},
		{"b.example.com", "/cart", "https://b.example.com:8443/cart"},
		{"m.d.example.com", "/cart?id=7", "https://m.d.example.com/cart?id=7"},
		{"m.d.example.com", "/_wx/login", "https://d.example.com/_wx/login"},
		{"d.internal", "/cart", "https://d.example.com/cart"},
		{"c.example.com", "/cart", weChatAuthorize},
		{"a.example.com", "/api/cart", ""},
		{"e.example.com", "/cart", ""},
	} {
		got := r.at(t, tt.host, "GET", tt.target, join(asPage, byHTTP)...)
		if got.location() != tt.want && (tt.want != weChatAuthorize || !strings.HasPrefix(got.location(), tt.want)) {
			t.Errorf("%s%s: answer %d to %q, want %q", tt.host, tt.target, got.StatusCode, got.location(), tt.want)
		}
	}
	// The session and the login of one site show nothing to another.
	other := []string{"Cookie", "shared_login_probe=1"}
	got := r.at(t, "a.example.com", "GET", "/cart", join(asPage, byHTTP, other)...)
	if got.location() != "https://a.example.com/cart" {
		t.Errorf("with another site's probe: redirect to %q, want https", got.location())
	}
	got = r.at(t, "m.d.example.com", "GET", "/cart", join(byHTTP, []string{"Cookie", cookieOf(t, shared)})...)
	if !strings.HasPrefix(got.body, "d: owxd") {
		t.Errorf("with the session: answer %d %q, want the site", got.StatusCode, got.body)
	}
}
