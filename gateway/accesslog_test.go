package gateway_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
)

func TestAccessLines(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		w.Write([]byte("hello"))
	}), func(c *testConfig) {
		c.PublicPaths = []string{"/public/"}
		c.OutsideWeChat = gateway.OutsideDeny
		c.MaxBodyBytes = 3
		c.LoginRate = gateway.Rate{Count: 1, Per: time.Hour}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		down, err := url.Parse("unix:///nonexistent/site.sock")
		if err != nil {
			t.Fatal(err)
		}
		c.Upstreams = append(c.Upstreams, gateway.Upstream{Prefix: "/down", URL: down})
	})
	cookie := signedIn(t)
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   float64
		outcome                  string
		user                     bool
	}{
		{"proxied", "GET", "/a b/中", "", []string{"Cookie", cookie}, 418, "proxied", true},
		{"public with a session", "POST", "/public/a", "", []string{"Cookie", cookie}, 418, "proxied", true},
		{"public", "GET", "/public/a", "", nil, 418, "public", false},
		{"login", "GET", "/a", "", asPage, 302, "login", false},
		{"logins too many", "GET", "/a", "", asPage, 429, "error", false},
		{"unauthorized", "GET", "/a", "", fromScript, 401, "unauthorized", false},
		{"forbidden", "GET", "/a", "", []string{"User-Agent", "Mozilla/5.0", "Accept", "text/html"}, 403, "forbidden", false},
		{"own", "GET", "/_wx/me", "", []string{"Cookie", cookie}, 200, "own", true},
		{"own, unauthorized", "GET", "/_wx/me", "", nil, 401, "own", false},
		{"own, unknown", "GET", "/_wx/nothing", "", nil, 404, "own", false},
		{"body too large", "POST", "/a", "four", []string{"Cookie", cookie}, 413, "error", true},
		{"upstream down", "GET", "/down", "", []string{"Cookie", cookie}, 502, "error", true},
	}
	fields := []string{"bytes", "client_ip", "duration_ms", "host", "level", "message", "method", "outcome", "path", "request_id", "status"}
	users := make(map[any]bool)
	for _, test := range tests {
		header := append(slices.Clone(test.header), "X-Forwarded-For", "203.0.113.9", "X-Request-Id", "id-of-the-proxy")
		target := (&url.URL{Path: test.path}).EscapedPath() + "?query=planted"
		a := rig.send(t, rig.newRequest(t, test.method, target, strings.NewReader(test.body), header...))
		line := rig.lines.next(t)
		raw := line["raw"].(string)
		delete(line, "raw")
		want := fields
		if test.user {
			want = append(slices.Clone(fields), "user")
			users[line["user"]] = true
		}
		if got := slices.Sorted(maps.Keys(line)); !slices.Equal(got, want) {
			t.Errorf("%s: fields %q, want %q", test.name, got, want)
		}
		got := map[string]any{}
		for _, name := range []string{"level", "message", "request_id", "client_ip", "method", "host", "path", "status", "outcome", "bytes"} {
			got[name] = line[name]
		}
		if diff := cmp.Diff(map[string]any{
			"level": "info", "message": "request", "request_id": "id-of-the-proxy", "client_ip": "203.0.113.9", "method": test.method,
			"host": rigHost, "path": test.path, "status": test.status, "outcome": test.outcome, "bytes": float64(len(a.body)),
		}, got); diff != "" {
			t.Errorf("%s: access line (-want +got):\n%s", test.name, diff)
		}
		if d, ok := line["duration_ms"].(float64); !ok || d <= 0 || d > 60_000 {
			t.Errorf("%s: duration_ms = %v", test.name, line["duration_ms"])
		}
		for _, secret := range []string{"planted", rigOpenID, cookie[len(rigCookie)+1:], rigOpenID[5:]} {
			if strings.Contains(raw, secret) {
				t.Errorf("%s: access line holds %q: %s", test.name, secret, raw)
			}
		}
	}
	if len(users) != 1 {
		t.Errorf("one visitor is logged as %d users: %v", len(users), users)
	}
	rig.do(t, "GET", "/", "Cookie", signedIn(t, func(s *session.Session) { s.OpenID = "oSOMEBODYELSE" }))
	if user := rig.lines.next(t)["user"]; users[user] {
		t.Errorf("two visitors are logged as the user %v", user)
	}
}

func TestUserHashIsKeyed(t *testing.T) {
	t.Parallel()
	user := func(change ...func(*testConfig)) any {
		rig := newRig(t, new(echo), change...)
		rig.do(t, "GET", "/", "Cookie", signedIn(t))
		return rig.lines.next(t)["user"]
	}
	if a, b := user(), user(); a != b {
		t.Errorf("two replicas log %v and %v for one visitor, want the same", a, b)
	}
	other := func(c *testConfig) {
		c.CookieKeys = append(session.Keys{[]byte("another key of at least 32 bytes")}, c.CookieKeys...)
	}
	if a, b := user(), user(other); a == b {
		t.Errorf("both keys give %v, want two hashes", a)
	}
}

func TestAccessLogOff(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo), func(c *testConfig) { c.AccessLog = false })
	rig.do(t, "GET", "/", "Cookie", signedIn(t))
	rig.Close() // waits for the request to end
	if n := len(rig.lines); n != 0 {
		t.Errorf("%d access lines, want none", n)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
	}), func(c *testConfig) { c.PublicPaths = []string{"/public/"} })
	cookie := signedIn(t)
	for _, request := range []struct {
		path   string
		header []string
	}{
		{"/", []string{"Cookie", cookie}}, {"/a", []string{"Cookie", cookie}}, {"/missing", []string{"Cookie", cookie}},
		{"/public/", nil}, {"/", fromScript}, {"/", asPage}, {"/_wx/me", nil},
	} {
		rig.do(t, "GET", request.path, request.header...)
		rig.lines.next(t) // the metrics are counted before the line is written
	}
	tests := []struct {
		name   string
		labels []string
		want   float64
	}{
		{"wxgate_http_requests_total", []string{"outcome", "proxied", "code", "200"}, 2},
		{"wxgate_http_requests_total", []string{"outcome", "proxied", "code", "404"}, 1},
		{"wxgate_http_requests_total", []string{"outcome", "public", "code", "200"}, 1},
		{"wxgate_http_requests_total", []string{"outcome", "unauthorized", "code", "401"}, 1},
		{"wxgate_http_requests_total", []string{"outcome", "login", "code", "302"}, 1},
		{"wxgate_http_requests_total", []string{"outcome", "own", "code", "401"}, 1},
		{"wxgate_http_request_duration_seconds", []string{"outcome", "proxied"}, 3},
		{"wxgate_upstream_request_duration_seconds", []string{"upstream", "/"}, 4},
	}
	for _, test := range tests {
		if got := rig.count(t, test.name, test.labels...); got != test.want {
			t.Errorf("%s%q = %v, want %v", test.name, test.labels, got, test.want)
		}
	}
}

// No label takes a value that a client chooses: requests of any kind add no
// series.
func TestMetricsDoNotGrowWithRequests(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	series := func() (n int) {
		families, err := rig.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			n += len(family.GetMetric())
		}
		return n
	}
	send := func(method, target, host string) {
		rig.ask(t, method+" "+target+" HTTP/1.1", "Host: "+host, "User-Agent: "+host, "Cookie: "+signedIn(t))
		rig.lines.next(t)
	}
	send("GET", "/", rigHost)
	before := series()
	for _, odd := range []string{"A", "B", "C"} {
		send(odd, "/"+odd+"?"+odd, odd+".example")
	}
	if after := series(); after != before {
		t.Errorf("%d series, want the %d of before", after, before)
	}
}

// The length of an access line does not grow with the request.
func TestAccessLinesAreBounded(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	g, _ := newGateway(t, http.NotFoundHandler(), func(c *testConfig) { c.Logger = c.Logger.Output(&log) })
	r := httptest.NewRequest("GET", rigOrigin+"/"+strings.Repeat("%FF", 20000), nil)
	g.ServeHTTP(httptest.NewRecorder(), r)
	if n := log.Len(); n == 0 || n > 10<<10 {
		t.Errorf("the lines have %d bytes", n)
	}
}
