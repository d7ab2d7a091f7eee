package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

// {prefix}/auth gives the assertion and the access token to a trusted proxy that asks
// about a request. It gives none to a page's script, whether that reaches the gateway directly or through a
// trusted proxy that forwards the script's request.
func TestForwardAuthAssertion(t *testing.T) {
	t.Parallel()
	key, upstream, sessions := newAssertionKey(t), serveFront(t, new(echo)), newMemorySessions()
	modes := map[string]func(*testConfig){
		"proxy mode": func(c *testConfig) {
			c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}}
		},
		"forward-auth mode": func(*testConfig) {},
	}
	type fields = []string
	tests := []struct {
		name    string
		trusted bool
		target  string
		header  fields
		want    bool
	}{
		{"script", false, "/_wx/auth", fromScript, false},
		{"script, below auth", false, "/_wx/auth/orders", fromScript, false},
		{"script that poses as a proxy", false, "/_wx/auth", forwarded("GET", "/orders"), false},
		{"script that poses as nginx", false, "/_wx/auth", fields{"X-Original-Uri", "/orders"}, false},
		{"page", false, "/_wx/auth?redirect=true", asPage, false},
		{"script through a trusted proxy", true, "/_wx/auth", fields{"X-Forwarded-For", "203.0.113.7"}, false},
		{"script through a proxy that names its target", true, "/_wx/auth", forwarded("GET", "/_wx/auth"), false},
		{"the same with a query", true, "/_wx/auth", fields{"X-Original-Uri", "/_wx/auth?a"}, false},
		{"the same below auth", true, "/_wx/auth", forwarded("GET", "/_wx/auth/orders"), false},
		{"script by an encoded letter", true, "/_wx/%61uth", forwarded("GET", "/orders"), false},
		{"script by an encoded slash", true, "/_wx/auth%2Forders", forwarded("GET", "/orders"), false},
		{"script by an encoded prefix", true, "/%5Fwx/auth/orders", fields{"X-Original-Uri", "/orders"}, false},
		{"script by an encoded dot", true, "/_wx/auth%2f%2e", fields{"X-Original-Url", rigOrigin + "/orders"}, false},
		{"Traefik or Caddy", true, "/_wx/auth", forwarded("GET", "/orders"), true},
		{"nginx", true, "/_wx/auth", fields{"X-Original-Uri", "/orders", "X-Original-Method", "GET"}, true},
		{"nginx, whole address", true, "/_wx/auth", fields{"X-Original-Url", rigOrigin + "/orders"}, true},
		{"Envoy", true, "/_wx/auth/orders", nil, true},
		{"redirecting proxy", true, "/_wx/auth?redirect=true", forwarded("GET", "/orders"), true},
	}
	for mode, configure := range modes {
		for _, tt := range tests {
			t.Run(mode+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				rig := newRig(t, nil, func(c *testConfig) {
					configure(c)
					c.AssertionKeysFile = key
					c.Sessions, c.PassAccessToken = sessions.open, true
					if tt.trusted {
						c.TrustedProxies = loopback
					}
				})
				a := rig.do(t, "GET", tt.target, append(slices.Clone(tt.header), "Cookie", sessions.signedIn(t, freshWebToken()))...)
				if a.StatusCode != http.StatusOK {
					t.Fatalf("status %d, want 200", a.StatusCode)
				}
				assertion, token := a.Header.Get("X-Wx-Assertion"), a.Header.Get("X-Wx-Access-Token")
				a.Header.Del("X-Wx-Assertion")
				a.Header.Del("X-Wx-Access-Token")
				if identity := hasPrefixFold(a.Header, "x-wx-"); !slices.Equal(identity, identityOfRig) {
					t.Errorf("identity headers = %q, want %q", identity, identityOfRig)
				}
				if got := strings.Count(assertion, ".") == 2; got != tt.want {
					t.Errorf("assertion %q, want one: %t", assertion, tt.want)
				}
				if want := map[bool]string{true: rigToken}[tt.want && mode == "forward-auth mode"]; token != want {
					t.Errorf("access token %q, want %q", token, want)
				}
			})
		}
	}
}
