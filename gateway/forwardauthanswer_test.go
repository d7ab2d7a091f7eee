package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// nginx closes the connection over a body, and accepts only 2xx, 401 and 403.
func TestForwardAuthOfNginxHasNoBody(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t, func(c *testConfig) {
		c.DenyOpenIDsFile = openIDList(t, rigOpenID)
	})
	for _, tt := range []struct {
		target string
		header []string
		status int
	}{
		{"/orders", nil, 401},
		{"/orders", asPage, 401},
		{"/orders", []string{"Cookie", signedIn(t)}, 403},
		{"/orders", append([]string{"Cookie", signedIn(t)}, asPage...), 403},
		{"/static/a", nil, 200},
		{"static", nil, 403},
		{"/static/%zz", asPage, 403},
	} {
		conn := r.dial(t)
		lines := []string{"GET /_wx/auth HTTP/1.0", "Host: " + rigHost, "X-Original-URI: " + tt.target, "X-Original-Method: GET", "Connection: keep-alive"}
		for pair := range slices.Chunk(tt.header, 2) {
			lines = append(lines, pair[0]+": "+pair[1])
		}
		conn.say(t, append(lines, "")...)
		a := readAnswer(t, conn.hear(t, "GET"))
		if a.StatusCode != tt.status || a.body != "" || a.ContentLength != 0 || a.Header.Get("Content-Type") != "" {
			t.Errorf("%s %q: answer %d with %q, want %d without a body", tt.target, tt.header, a.StatusCode, a.body, tt.status)
		}
	}
}

// Each of nginx's headers marks a question of nginx, whose answer may be a redirect
// if nginx asks for one.
func TestForwardAuthByNginx(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t)
	for _, tt := range []struct {
		query  string
		header []string
		status int
	}{
		{"", []string{"X-Original-Uri", "/orders"}, 401},
		{"", []string{"X-Original-Url", rigOrigin + "/orders"}, 401},
		{"", []string{"X-Original-Method", "GET", "X-Forwarded-Uri", "/orders"}, 401},
		{"?redirect=true", []string{"X-Original-Uri", "/orders"}, 302},
	} {
		a := r.do(t, "GET", "/_wx/auth"+tt.query, append(tt.header, asPage...)...)
		if a.StatusCode != tt.status || a.body != "" || a.Header.Get("Content-Type") != "" || a.Header.Get("Content-Language") != "" {
			t.Errorf("%q: answer %d %v with %q, want %d without a body", tt.header, a.StatusCode, a.Header, a.body, tt.status)
		}
		if a.StatusCode == 302 && a.location() != rigOrigin+"/_wx/login?return_to=%2Forders" {
			t.Errorf("%q: redirect to %q, want the login", tt.header, a.location())
		}
	}
}

// The answer to nginx has no body for any server, not only for net/http, which
// drops one that exceeds the Content-Length.
func TestForwardAuthWritesNginxNoBody(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil, func(c *testConfig) { c.TrustedProxies = loopback })
	w := serveDoor(t, g, "/_wx/auth", doorRequest{"GET", "", append([]string{"X-Original-Uri", "/orders"}, asPage...)})
	if w.Code != http.StatusUnauthorized || w.Body.Len() > 0 {
		t.Errorf("answer %d %q, want 401 without a body", w.Code, w.Body)
	}
}

// A page load that has to sign in gets a page if it is not redirected, with any
// method of the proxy's question. Contradictory headers are the operator's to fix
// and get JSON.
func TestForwardAuthForms(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t)
	for _, method := range []string{"GET", "POST"} {
		a := r.do(t, method, "/_wx/auth", append(forwarded("GET", "/orders"), asPage...)...)
		wantPage(t, a, http.StatusUnauthorized, headingUnauthorized)
		if got, want := button(t, a.body), rigOrigin+"/_wx/login?return_to=%2Forders"; got != want {
			t.Errorf("button leads to %q, want %q", got, want)
		}
		a = r.do(t, method, "/_wx/auth", append(append(forwarded("GET", "/orders"), "X-Forwarded-Uri", "/static/a"), asPage...)...)
		wantRefusal(t, a, http.StatusForbidden, "invalid_request")
	}
}

// The first question of an untrusted address, and the first with contradictory
// headers, is logged with a hint; further ones within a minute are not.
func TestForwardAuthWarnings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, target string
		trusted      bool
		header       []string
		want         string // in the warning; empty: there is none
	}{
		{"untrusted, Traefik", "/_wx/auth", false, forwarded("GET", "/orders"), `"ignoring forwarded headers from untrusted address"`},
		{"untrusted, nginx", "/_wx/auth", false, []string{"X-Original-Uri", "/orders"}, "WXGATE_TRUSTED_PROXIES"},
		{"untrusted, Envoy", "/_wx/auth/orders", false, nil, `"client_ip":"127.0.0.1"`},
		{"untrusted, no headers", "/_wx/auth", false, nil, ""},
		{"contradiction", "/_wx/auth/orders", true, forwarded("GET", "/static/a"), "X-Forwarded-Uri describe different requests"},
		{"trusted", "/_wx/auth", true, forwarded("GET", "/orders"), ""},
	} {
		log := new(logBuffer)
		r := newAuthRig(t, func(c *testConfig) {
			c.Logger = zerolog.New(log)
			if !tt.trusted {
				c.TrustedProxies = nil
			}
		})
		for range 2 {
			r.do(t, "GET", tt.target, tt.header...)
		}
		lines, want := log.level("warn"), 1
		if tt.want == "" {
			want = 0
		}
		if len(lines) != want || want == 1 && !(strings.Contains(lines[0], tt.want) && strings.Contains(lines[0], `"hint":"`)) {
			t.Errorf("%s: warnings %q, want %d with %q", tt.name, lines, want, tt.want)
		}
	}
}

// The access line describes the visitor's request, not the proxy's.
func TestForwardAuthAccessLine(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t)
	r.do(t, "GET", "/_wx/auth", append(forwarded("DELETE", "/orders/7?secret"), "X-Forwarded-For", "203.0.113.9", "Cookie", signedIn(t))...)
	line := r.lines.next(t)
	for name, want := range map[string]any{"method": "DELETE", "path": "/orders/7", "host": rigHost, "outcome": "proxied", "client_ip": "203.0.113.9"} {
		if line[name] != want {
			t.Errorf("%s = %v, want %v", name, line[name], want)
		}
	}
	if _, ok := line["user"]; !ok || strings.Contains(line["raw"].(string), "secret") {
		t.Errorf("line %s", line["raw"])
	}
	r.do(t, "GET", "/_wx/auth")
	if line := r.lines.next(t); line["path"] != "/_wx/auth" {
		t.Errorf("without headers: path %v, want that of the question", line["path"])
	}
	r.do(t, "GET", "/_wx/auth", forwarded("GET", "/orders")...)
	if line := r.lines.next(t); line["outcome"] != "unauthorized" {
		t.Errorf("outcome %v, want unauthorized", line["outcome"])
	}
}

func TestForwardAuthKeepsTheFragment(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t, func(c *testConfig) { c.KeepFragment = true })
	a := r.do(t, "GET", "/_wx/auth?redirect=true", append(forwarded("GET", "/app?x"), asPage...)...)
	found := fragmentLogin.FindStringSubmatch(a.body)
	if a.StatusCode != http.StatusUnauthorized || found == nil || found[1] != rigOrigin+"/_wx/login?return_to=%2Fapp%3Fx" {
		t.Errorf("answer %d, the script leads to %q", a.StatusCode, found)
	}
	if got, want := a.Header.Get("X-WX-Login-URL"), rigOrigin+"/_wx/login?return_to=%2Fapp%3Fx"; got != want {
		t.Errorf("X-WX-Login-URL = %q, want %q", got, want)
	}
	if a := r.do(t, "GET", "/_wx/auth?redirect=true", append(forwarded("GET", "/api/x"), asPage...)...); a.StatusCode != 401 || fragmentLogin.MatchString(a.body) {
		t.Errorf("API path: answer %d %s", a.StatusCode, a.body)
	}
}
