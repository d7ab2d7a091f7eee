package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
)

// Requests for a path in AccessLogSkip have no access line, unless the path can be
// read two ways. They are counted, and their errors are logged.
func TestAccessLogSkip(t *testing.T) {
	t.Parallel()
	const untrusted = "203.0.113.7:1234"
	described := func(header ...string) []string { return append(header, "Sec-Fetch-Mode", "cors") }
	for _, test := range []struct {
		name, method, target string
		header               []string
		skipped              bool
	}{
		{"exact", "GET", "/healthz", fromScript, true},
		{"query", "GET", "/healthz?verbose=1", fromScript, true},
		{"folder", "GET", "/probe/a/b", fromScript, true},
		{"HEAD of GET", "HEAD", "/ping", fromScript, true},
		{"wildcard", "GET", "/pods/7/live", fromScript, true},
		{"encoded letter", "GET", "/%68ealthz", fromScript, true},
		{"page load", "GET", "/healthz", asPage, true},
		{"public", "GET", "/probe/open", fromScript, true},
		{"own endpoint", "GET", "/_wx/me", fromScript, true},
		{"error of the upstream", "GET", "/down/healthz", []string{"Cookie", signedIn(t)}, true},

		{"another path", "GET", "/healthz2", fromScript, false},
		{"below", "GET", "/healthz/", fromScript, false},
		{"another method", "POST", "/ping", fromScript, false},
		{"two slashes", "GET", "//healthz", fromScript, false},
		{"dots", "GET", "/probe/../orders", fromScript, false},
		{"encoded dots", "GET", "/probe/%2e%2e/orders", fromScript, false},
		{"encoded slash", "GET", "/probe/..%2Forders", fromScript, false},
		{"backslash", "GET", `/probe/..\orders`, fromScript, false},
		{"semicolon", "GET", "/probe/a;b", fromScript, false},
		{"percent sign", "GET", "/probe/%2541", fromScript, false},
		{"invalid UTF-8", "GET", "/probe/%ff", fromScript, false},

		{"forward auth", "GET", "/_wx/auth", described("X-Forwarded-Uri", "/healthz", "X-Forwarded-Method", "GET"), true},
		{"forward auth, nginx", "GET", "/_wx/auth", described("X-Original-Uri", "/ping", "X-Original-Method", "GET"), true},
		{"forward auth, Envoy", "GET", "/_wx/auth/healthz", described(), true},
		{"forward auth, another path", "GET", "/_wx/auth", described("X-Forwarded-Uri", "/orders"), false},
		{"forward auth, another method", "GET", "/_wx/auth",
			described("X-Forwarded-Uri", "/ping", "X-Forwarded-Method", "POST"), false},
		{"forward auth, dots", "GET", "/_wx/auth", described("X-Forwarded-Uri", "/probe/../orders"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			log := new(logBuffer)
			g, r := newGateway(t, new(echo), func(c *testConfig) {
				c.Site.AccessLogSkip = []string{"/healthz", "/probe/", "GET /ping", "/pods/{id}/live", "/_wx/me", "/down/healthz"}
				c.PublicPaths = []string{"/probe/open"}
				c.TrustedProxies, c.Logger = loopback, zerolog.New(log)
				down := mustURL(t, "unix:///nonexistent/site.sock")
				c.Upstreams = append(c.Upstreams, gateway.Upstream{Prefix: "/down", URL: down})
			})
			q := httptest.NewRequestWithContext(t.Context(), test.method, "/", nil)
			q.RequestURI = test.target
			q.URL = mustURL(t, "http://h5.example.com"+strings.ReplaceAll(test.target, `\`, "%5C"))
			q.RemoteAddr = untrusted
			if strings.HasPrefix(test.target, "/_wx/auth") {
				q.RemoteAddr = "127.0.0.1:1234"
			}
			for pair := range slices.Chunk(test.header, 2) {
				q.Header.Set(pair[0], pair[1])
			}
			g.ServeHTTP(httptest.NewRecorder(), q)
			if got := !strings.Contains(log.String(), `"message":"request"`); got != test.skipped {
				t.Errorf("access line skipped: %t, want %t; log %s", got, test.skipped, log)
			}
			failed := strings.Contains(log.String(), `"message":"request failed"`)
			if failed != strings.HasPrefix(test.target, "/down") {
				t.Errorf("error logged: %t; log %s", failed, log)
			}
			requests := 0.0
			for name, value := range counted(t, r.registry) {
				if strings.HasPrefix(name, "wxgate_http_requests_total{") {
					requests += value
				}
			}
			if requests != 1 {
				t.Errorf("%v requests counted, want 1", requests)
			}
		})
	}
}

// The other doors, and hosts of no site, skip the same paths.
func TestAccessLogSkipAtEachDoor(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com"), siteAt(t, "b", "https://b.example.com")
	a.AccessLogSkip = []string{"/healthz"}
	unused := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, test := range []struct {
		name, host, target string
		door               func(*gateway.Gateway) http.Handler
		skipped            bool
	}{
		{"Wrap", "a.example.com", "/healthz", func(g *gateway.Gateway) http.Handler { return g.Wrap(unused) }, true},
		{"ext_authz", "a.example.com", "/healthz",
			func(g *gateway.Gateway) http.Handler { return http.HandlerFunc(g.Authorize) }, true},
		{"another site", "b.example.com", "/healthz", func(g *gateway.Gateway) http.Handler { return g }, false},
		{"no site", "10.0.0.7:8080", "/livez", func(g *gateway.Gateway) http.Handler { return g }, true},
		{"no site, another path", "10.0.0.7:8080", "/healthz", func(g *gateway.Gateway) http.Handler { return g }, false},
	} {
		g, r := newGateway(t, nil, func(c *testConfig) {
			c.Sites, c.Config.AccessLogSkip = []gateway.Site{a, b}, []string{"/livez"}
		})
		q := httptest.NewRequestWithContext(t.Context(), "GET", test.target, nil)
		q.Host = test.host
		test.door(g).ServeHTTP(httptest.NewRecorder(), q)
		if skipped := len(r.lines) == 0; skipped != test.skipped {
			t.Errorf("%s: access line skipped: %t, want %t", test.name, skipped, test.skipped)
		}
	}
}

func TestAccessLogSkipRefusesPatterns(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"/static/*":          `a * matches`,
		"a.example.com/ping": `expected`,
		"":                   `expected`,
		"/":                  "",
	} {
		c := testConfig{Site: gateway.Site{PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys()}}
		c.Site.AccessLogSkip = []string{pattern}
		_, err := gateway.New(c.whole())
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "Sites[0].AccessLogSkip: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("pattern %q: New = %v, want an error of AccessLogSkip with %q", pattern, err, want)
		}
	}
}
