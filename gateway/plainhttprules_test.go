package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
)

// A page that a visitor in another browser would see is at https too. One who may not
// sign in there is refused where they are.
func TestPlainHTTPOutsideWeChat(t *testing.T) {
	t.Parallel()
	elsewhere := join([]string{"User-Agent", "Mozilla/5.0 Chrome/120", "Accept", "text/html"}, byHTTP)
	page := newHTTPSRig(t, func(c *testConfig) { c.OutsideWeChat = gateway.OutsidePage })
	wantHTTPS(t, "page", page.do(t, "GET", "/cart?id=7", elsewhere...), rigOrigin+"/cart?id=7")
	wantHTTPS(t, "page, login", page.do(t, "GET", "/_wx/login", elsewhere...), rigOrigin+"/_wx/login")
	if got := page.do(t, "GET", "/cart", append(elsewhere, "Cookie", probeCookie)...); got.StatusCode != 200 {
		t.Errorf("page, at https: answer %d to %q, want the page", got.StatusCode, got.location())
	}
	deny := newHTTPSRig(t, func(c *testConfig) { c.OutsideWeChat = gateway.OutsideDeny })
	if got := deny.do(t, "GET", "/cart", elsewhere...); got.StatusCode != 403 {
		t.Errorf("deny: answer %d to %q, want 403", got.StatusCode, got.location())
	}
	keeps := newHTTPSRig(t, func(c *testConfig) { c.KeepFragment = true })
	wantHTTPS(t, "fragment", keeps.do(t, "GET", "/cart", join(asPage, byHTTP)...), rigOrigin+"/cart")
}

// The redirects to https are no logins, for the rate as for the metrics.
func TestPlainHTTPCostsNoLogin(t *testing.T) {
	t.Parallel()
	r := newHTTPSRig(t, func(c *testConfig) { c.LoginRate = gateway.Rate{Count: 1, Per: time.Hour} })
	for range 3 {
		for _, target := range []string{"/cart", "/_wx/login", "/_wx/config"} {
			wantHTTPS(t, target, r.do(t, "GET", target, join(asPage, byHTTP)...), rigOrigin+target)
		}
	}
	if got := r.do(t, "GET", "/cart", asPage...); !strings.HasPrefix(got.location(), weChatAuthorize) {
		t.Errorf("the first login: answer %d, want 302 to WeChat", got.StatusCode)
	}
	if got := r.do(t, "GET", "/cart", asPage...); got.StatusCode != 429 {
		t.Errorf("the second login: answer %d, want 429", got.StatusCode)
	}
}

// The site neither gets nor sets the gateway's probe. With a cookie domain, it has no
// prefix, and a session's cookie that does not open shows nothing: it may be one from
// plain http.
func TestPlainHTTPProbeIsTheGateways(t *testing.T) {
	t.Parallel()
	site := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Add("Set-Cookie", probeCookie+"; Path=/; Secure")
		w.Header().Add("Set-Cookie", "a=b")
		new(echo).ServeHTTP(w, q)
	})
	r := newRig(t, site, func(c *testConfig) { c.TrustedProxies, c.PublicPaths = loopback, []string{"/{$}"} })
	got := r.do(t, "GET", "/", "X-Forwarded-Proto", "http", "Cookie", "a=1; "+probeCookie+"; b=2")
	if sent := echoOf(t, got).Header["Cookie"]; !slices.Equal(sent, []string{"a=1; b=2"}) {
		t.Errorf("the site got %q, want a=1; b=2", sent)
	}
	if set := got.Header["Set-Cookie"]; !slices.Equal(set, []string{"a=b"}) {
		t.Errorf("the visitor got %q, want a=b", set)
	}

	shared := newHTTPSRig(t, func(c *testConfig) { c.CookieDomain = "example.com" })
	got = shared.do(t, "GET", "/cart", join(asPage, byHTTP, []string{"Cookie", "wxgate=old"})...)
	want := "wxgate_login_probe=1; Path=/; Domain=example.com; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
	if got.location() != rigOrigin+"/cart" || setProbe(got) != want {
		t.Errorf("cookie domain: redirect to %q with %q, want https and %s", got.location(), setProbe(got), want)
	}
	got = shared.do(t, "GET", "/cart", join(asPage, byHTTP, []string{"Cookie", "wxgate_login_probe=1"})...)
	if !strings.HasPrefix(got.location(), weChatAuthorize) {
		t.Errorf("cookie domain, probe: redirect to %q, want WeChat", got.location())
	}
}

// A sign-out by plain http would end no session. It leads to the page at https that
// asks.
func TestPlainHTTPSignOut(t *testing.T) {
	t.Parallel()
	r := newHTTPSRig(t)
	got := r.do(t, "POST", "/_wx/logout?return_to=/cart%3Fa%26b", join(asPage, byHTTP)...)
	want := rigOrigin + "/_wx/logout?return_to=%2Fcart%3Fa%26b"
	if got.StatusCode != 303 || got.location() != want {
		t.Errorf("by plain http: answer %d to %q, want 303 to %q", got.StatusCode, got.location(), want)
	}
	got = r.do(t, "POST", "/_wx/logout", join(asPage, byHTTP, []string{"Cookie", signedIn(t)})...)
	if !strings.HasPrefix(got.location(), "/") || got.sessionCookie() != "" || got.Header["Set-Cookie"] == nil {
		t.Errorf("at https: redirect to %q with %q, want the home page and no session",
			got.location(), got.Header["Set-Cookie"])
	}
}

// A proxy that says http although the browser is at https is named once a minute.
func TestPlainHTTPWarning(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		header []string
		want   int
	}{
		{"session", join(byHTTP, []string{"Cookie", signedIn(t)}), 1},
		{"probe", join(byHTTP, []string{"Cookie", probeCookie}), 1},
		{"no cookie", byHTTP, 0},
		{"https", []string{"X-Forwarded-Proto", "https", "Cookie", signedIn(t)}, 0},
		{"no header", []string{"Cookie", signedIn(t)}, 0},
	} {
		log := new(logBuffer)
		r := newHTTPSRig(t, func(c *testConfig) { c.Logger = zerolog.New(log) })
		for range 2 {
			r.do(t, "GET", "/cart", join(asPage, tt.header)...)
		}
		lines := log.level("warn")
		if len(lines) != tt.want {
			t.Errorf("%s: warnings %q, want %d", tt.name, lines, tt.want)
		}
		for _, line := range lines {
			if !strings.Contains(line, `"peer":"127.0.0.1:`) || !strings.Contains(line, "X-Forwarded-Proto") {
				t.Errorf("%s: warning %s, want peer and header", tt.name, line)
			}
			if value := strings.TrimPrefix(signedIn(t), rigCookie+"="); strings.Contains(line, value[:20]) {
				t.Errorf("%s: warning %s holds a cookie", tt.name, line)
			}
		}
	}
}

// snapshotVisitor makes a session one of a snapshot page.
func snapshotVisitor(s *session.Session) { s.SnapshotUser = true }

// A session that the rules no longer allow shows https too.
func TestPlainHTTPWithASessionThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	r := newHTTPSRig(t, func(c *testConfig) { c.DenySnapshotUsers = true })
	got := r.do(t, "GET", "/cart", join(asPage, byHTTP, []string{"Cookie", signedIn(t, snapshotVisitor)})...)
	if !strings.HasPrefix(got.location(), weChatAuthorize) {
		t.Errorf("answer %d to %q, want 302 to WeChat", got.StatusCode, got.location())
	}
}
