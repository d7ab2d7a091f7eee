package gateway_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
)

// balancer is the address from which all requests of these tests come.
const balancer = "192.0.2.10"

// newLoggedGateway returns a gateway that trusts nobody, and its log.
func newLoggedGateway(t *testing.T, change ...func(*testConfig)) (*gateway.Gateway, *logBuffer) {
	t.Helper()
	log := new(logBuffer)
	g, _ := newGateway(t, nil, append(change, func(c *testConfig) {
		c.Logger, c.AccessLog = zerolog.New(log), false
	})...)
	return g, log
}

// serveFrom answers a request of the balancer and returns the status.
func serveFrom(t *testing.T, h http.HandlerFunc, method, target string, header http.Header) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, rigOrigin+target, nil)
	r.RemoteAddr = balancer + ":40000"
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	h(w, r)
	return w.Code
}

// warnings returns the lines at level warn, without their level.
func warnings(t *testing.T, log *logBuffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, text := range log.level("warn") {
		line := make(map[string]any)
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		delete(line, "level")
		all = append(all, line)
	}
	return all
}

// The first request of an address that is not trusted, with a header that is read
// from trusted ones, is logged with the peer, the header's name and the variable.
func TestUntrustedPeerIsLogged(t *testing.T) {
	t.Parallel()
	const planted = "planted-value"
	for _, tt := range []struct {
		name   string
		header http.Header
		want   []any // names of headers in the warning; nil: there is none
	}{
		{"X-Forwarded-For", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, []any{"X-Forwarded-For"}},
		{"no address", http.Header{"X-Forwarded-For": {planted}}, []any{"X-Forwarded-For"}},
		{"empty", http.Header{"X-Forwarded-For": {""}}, []any{"X-Forwarded-For"}},
		{"X-Forwarded-Proto", http.Header{"X-Forwarded-Proto": {planted}}, []any{"X-Forwarded-Proto"}},
		{"X-Forwarded-Host", http.Header{"X-Forwarded-Host": {planted}}, []any{"X-Forwarded-Host"}},
		{"X-Forwarded-Uri", http.Header{"X-Forwarded-Uri": {planted}}, []any{"X-Forwarded-Uri"}},
		{"X-Forwarded-Method", http.Header{"X-Forwarded-Method": {planted}}, []any{"X-Forwarded-Method"}},
		{"X-Original-Url", http.Header{"X-Original-Url": {planted}}, []any{"X-Original-Url"}},
		{"X-Original-Uri", http.Header{"X-Original-Uri": {planted}}, []any{"X-Original-Uri"}},
		{"X-Original-Method", http.Header{"X-Original-Method": {planted}}, []any{"X-Original-Method"}},
		{
			"several", http.Header{"X-Forwarded-Proto": {"https", planted}, "X-Forwarded-For": {planted}},
			[]any{"X-Forwarded-For", "X-Forwarded-Proto"},
		},
		{"none", nil, nil},
		{"headers that programs send", http.Header{"X-Request-Id": {planted}, "X-Forwarded-Port": {"1"}}, nil},
		{"headers that are never read", http.Header{"Forwarded": {planted}, "X-Real-Ip": {planted}}, nil},
	} {
		for _, trusted := range []bool{false, true} {
			g, log := newLoggedGateway(t, func(c *testConfig) {
				if trusted {
					c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(balancer + "/32")}
				}
			})
			for _, h := range []http.HandlerFunc{g.ServeHTTP, g.Wrap(http.NotFoundHandler()).ServeHTTP, g.Authorize} {
				serveFrom(t, h, "GET", "/shop", tt.header)
			}
			got, want := warnings(t, log), 0
			if tt.want != nil && !trusted {
				want = 1
			}
			if len(got) != want || strings.Contains(log.String(), planted) {
				t.Errorf("%s, trusted %t: log %s, want %d warnings and no value", tt.name, trusted, log, want)
			}
			if want == 0 || len(got) == 0 {
				continue
			}
			if hint, _ := got[0]["hint"].(string); !strings.Contains(hint, "WXGATE_TRUSTED_PROXIES") {
				t.Errorf("%s: hint %q, want the variable's name", tt.name, hint)
			}
			delete(got[0], "hint")
			line := map[string]any{
				"client_ip": balancer, "peer": balancer + ":40000", "headers": tt.want,
				"message": "ignoring forwarded headers from untrusted address",
			}
			if diff := cmp.Diff(line, got[0]); diff != "" {
				t.Errorf("%s: warning (-want +got):\n%s", tt.name, diff)
			}
		}
	}
}

// The first login that is refused because of the rate is logged with the address
// that is counted, the peer, the limit and the variables.
func TestLoginRateIsLogged(t *testing.T) {
	t.Parallel()
	behind := http.Header{"X-Forwarded-For": {"203.0.113.7"}}
	for _, tt := range []struct {
		name, method, target string
		header               http.Header
		trusted              bool
		client               string
	}{
		{"page load", "GET", "/shop", nil, false, balancer},
		{"login", "GET", "/_wx/login", nil, false, balancer},
		{"callback", "GET", "/_wx/callback?code=planted&state=planted", nil, false, balancer},
		{"page-driven login", "GET", "/_wx/config", nil, false, balancer},
		{"its end", "POST", "/_wx/session", nil, false, balancer},
		{"behind an untrusted balancer", "GET", "/_wx/login", behind, false, balancer},
		{"behind a trusted one", "GET", "/_wx/login", behind, true, "203.0.113.7"},
	} {
		g, log := newLoggedGateway(t, func(c *testConfig) {
			c.LoginRate = gateway.Rate{Count: 3, Per: time.Minute}
			c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, "http://127.0.0.1:1")}}
			if tt.trusted {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(balancer + "/32")}
			}
		})
		var statuses []int
		for range 6 {
			statuses = append(statuses, serveFrom(t, g.ServeHTTP, tt.method, tt.target, tt.header))
		}
		if statuses[2] == 429 || statuses[3] != 429 || statuses[5] != 429 {
			t.Errorf("%s: statuses %v, want 429 from the fourth on", tt.name, statuses)
		}
		var got []map[string]any
		for _, line := range warnings(t, log) {
			if line["message"] == "login rate exceeded" {
				got = append(got, line)
			}
		}
		if len(got) != 1 || strings.Contains(log.String(), "planted") {
			t.Errorf("%s: log %s, want one warning about the rate", tt.name, log)
			continue
		}
		hint, _ := got[0]["hint"].(string)
		if !strings.Contains(hint, "WXGATE_TRUSTED_PROXIES") || !strings.Contains(hint, "WXGATE_LOGIN_RATE") {
			t.Errorf("%s: hint %q, want the names of the variables", tt.name, hint)
		}
		delete(got[0], "hint")
		line := map[string]any{
			"client_ip": tt.client, "peer": balancer + ":40000", "limit": "3/1m0s", "message": "login rate exceeded",
		}
		if diff := cmp.Diff(line, got[0]); diff != "" {
			t.Errorf("%s: warning (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A client can trigger each warning once a minute.
func TestPeerWarningsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, log := newLoggedGateway(t, func(c *testConfig) { c.LoginRate = gateway.Rate{Count: 1, Per: time.Hour} })
		header := http.Header{"X-Forwarded-For": {"203.0.113.9"}}
		for range 3 * 60 {
			serveFrom(t, g.ServeHTTP, "GET", "/_wx/login", header)
			time.Sleep(time.Second)
		}
		count := make(map[any]int)
		for _, line := range warnings(t, log) {
			count[line["message"]]++
		}
		// The first login is not refused, so the warnings about the rate begin a second later.
		want := map[any]int{"ignoring forwarded headers from untrusted address": 3, "login rate exceeded": 3}
		delete(count, "login started under another host than the public URL's")
		if diff := cmp.Diff(want, count); diff != "" {
			t.Errorf("warnings of three minutes (-want +got):\n%s", diff)
		}
	})
}
