package gateway_test

import (
	"crypto/tls"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// probeCookie is the cookie by which the gateway learns that a browser is at https.
const probeCookie = rigCookie + "_login_probe=1"

// byHTTP is what a proxy says about a visitor at plain http.
var byHTTP = []string{"X-Forwarded-Proto", "http"}

// join returns one list of header fields.
func join(headers ...[]string) []string { return slices.Concat(headers...) }

// newHTTPSRig is a site on https that trusts the test's address.
func newHTTPSRig(t *testing.T, change ...func(*testConfig)) *rig {
	t.Helper()
	return newRig(t, new(echo), append([]func(*testConfig){func(c *testConfig) {
		c.TrustedProxies = loopback
		c.PublicPaths, c.APIPaths = []string{"/static/"}, []string{"/api/"}
	}}, change...)...)
}

// wantHTTPS checks that an answer leads to an address at https, with the cookie that
// shows that the browser has arrived there.
func wantHTTPS(t *testing.T, name string, got *answer, location string) {
	t.Helper()
	if got.StatusCode != 302 || got.location() != location {
		t.Errorf("%s: answer %d to %q, want 302 to %q", name, got.StatusCode, got.location(), location)
	}
	if set := setProbe(got); set != probeCookie+"; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("%s: Set-Cookie %q, want the probe", name, got.Header["Set-Cookie"])
	}
	if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%s: header %v, want no-store and no-referrer", name, got.Header)
	}
}

// setProbe is the only Set-Cookie header of an answer, without Expires.
func setProbe(got *answer) string {
	if len(got.Header["Set-Cookie"]) != 1 {
		return ""
	}
	before, after, _ := strings.Cut(got.Header["Set-Cookie"][0], " Expires=")
	_, after, _ = strings.Cut(after, ";")
	return before + after
}

// A page load without a session goes to https before the login if the proxy in front
// says http, and nothing else.
func TestPlainHTTPByForwardedProto(t *testing.T) {
	t.Parallel()
	r := newHTTPSRig(t)
	for _, tt := range []struct {
		protos []string // values of X-Forwarded-Proto
		https  bool     // the page load is redirected to https
	}{
		{[]string{"http"}, true},
		{[]string{"HTTP"}, true},
		{[]string{" Http\t"}, true},
		{[]string{"http, http"}, true},
		{[]string{"http,HTTP ,http"}, true},
		{[]string{"http", "http"}, true},
		{nil, false},
		{[]string{""}, false},
		{[]string{"https"}, false},
		{[]string{"HTTPS"}, false},
		{[]string{"https, http"}, false},
		{[]string{"http, https"}, false},
		{[]string{"http", "https"}, false},
		{[]string{"https", "http"}, false},
		{[]string{"http,"}, false},
		{[]string{",http"}, false},
		{[]string{"http", ""}, false},
		{[]string{"http http"}, false},
		{[]string{"http:"}, false},
		{[]string{"http;https"}, false},
		{[]string{`"http"`}, false},
		{[]string{"ws"}, false},
		{[]string{"wss"}, false},
		{[]string{"h2c"}, false},
	} {
		header := slices.Clone(asPage)
		for _, proto := range tt.protos {
			header = append(header, "X-Forwarded-Proto", proto)
		}
		name := strings.Join(tt.protos, " | ")
		got := r.do(t, "GET", "/cart?id=7", header...)
		if tt.https {
			wantHTTPS(t, name, got, rigOrigin+"/cart?id=7")
		} else if !strings.HasPrefix(got.location(), weChatAuthorize) {
			t.Errorf("%s: answer %d to %q, want 302 to WeChat", name, got.StatusCode, got.location())
		}
	}
}

// What a request by plain http gets, by what is asked for and by the cookies.
func TestPlainHTTPRequests(t *testing.T) {
	t.Parallel()
	const toHTTPS, toWeChat = "https", "WeChat"
	r := newHTTPSRig(t)
	pending := r.do(t, "GET", "/cart", asPage...).cookies(rigCookie + "_login_")[0]
	expired := signedIn(t, renewedAgo(25*time.Hour))
	cookies := map[string]string{
		"none": "", "another": "theme=dark; wxgate_login_probe=1; x__Host-wxgate=1", "probe": "a=b; " + probeCookie,
		"pending": pending.Name + "=" + pending.Value, "session": signedIn(t), "expired": expired,
	}
	anyway := func(want string) map[string]string {
		return map[string]string{
			"none": want, "another": want, "probe": want, "pending": want, "expired": want, "session": want,
		}
	}
	login := map[string]string{
		"none": toHTTPS, "another": toHTTPS,
		"probe": toWeChat, "pending": toWeChat, "expired": toWeChat, "session": "200",
	}
	endpoint := func(want string) map[string]string {
		return map[string]string{
			"none": toHTTPS, "another": toHTTPS, "probe": want, "pending": want, "expired": want, "session": want,
		}
	}
	script := func(want string) map[string]string {
		m := anyway(want)
		m["session"] = "200"
		return m
	}
	for _, tt := range []struct {
		name, method, target string
		header               []string
		want                 map[string]string // by cookies
	}{
		{"page", "GET", "/cart?id=7", asPage, login},
		{"page by HEAD", "HEAD", "/cart?id=7", asPage, login},
		{"program", "GET", "/cart?id=7", []string{"User-Agent", "curl/8"}, login},
		{"login", "GET", "/_wx/login?return_to=%2Fcart%3Fid=7&x", asPage, endpoint(toWeChat)},
		{"login with a scope", "GET", "/_wx/login?scope=snsapi_userinfo", asPage, endpoint(toWeChat)},
		{"login of a script", "GET", "/_wx/login", fromScript, endpoint(toWeChat)},
		{"config", "GET", "/_wx/config?redirect_uri=https%3A%2F%2Fh5.example.com%2Fcart", fromScript, endpoint("200")},
		{"logout page", "GET", "/_wx/logout?return_to=/cart", asPage, endpoint("200")},
		{"public path", "GET", "/static/a.css", asPage, anyway("200")},
		{"API path", "GET", "/api/cart", asPage, script("401")},
		{"script", "GET", "/cart", fromScript, script("401")},
		{"form", "POST", "/cart", asPage, script("401")},
		{"callback", "GET", "/_wx/callback?code=c&state=s", asPage, func() map[string]string {
			m := anyway("400")
			m["session"] = "302"
			return m
		}()},
		{"me", "GET", "/_wx/me", fromScript, script("401")},
		{"session", "POST", "/_wx/session", fromScript, anyway("400")},
		{"forward auth that describes nothing", "GET", "/_wx/auth", asPage, script("401")},
		{"no endpoint", "GET", "/_wx/x", asPage, anyway("404")},
	} {
		for name, want := range tt.want {
			header := join(tt.header, byHTTP)
			if cookies[name] != "" {
				header = append(header, "Cookie", cookies[name])
			}
			name = tt.name + ", " + name
			got := r.do(t, tt.method, tt.target, header...)
			switch {
			case want == toHTTPS:
				wantHTTPS(t, name, got, rigOrigin+tt.target)
			case strings.Contains(got.Header.Get("Set-Cookie"), "_probe"):
				t.Errorf("%s: Set-Cookie %q, want no probe", name, got.Header["Set-Cookie"])
			case want == toWeChat && !strings.HasPrefix(got.location(), weChatAuthorize):
				t.Errorf("%s: answer %d to %q, want WeChat", name, got.StatusCode, got.location())
			case want != toWeChat && got.Status[:3] != want:
				t.Errorf("%s: answer %d to %q, want %s", name, got.StatusCode, got.location(), want)
			}
		}
	}
}

// The address at https has path and query as they were sent. It stays on the site
// for every reader.
func TestPlainHTTPKeepsTheAddress(t *testing.T) {
	t.Parallel()
	r := newHTTPSRig(t)
	for sent, want := range map[string]string{
		"/":                                     "/",
		"/?":                                    "/?",
		"//evil.example/x":                      "//evil.example/x",
		"///x//":                                "///x//",
		`/\evil.example`:                        `/\evil.example`,
		"/a/../%2e%2e//b/./c":                   "/a/../%2e%2e//b/./c",
		"/%E5%9B%BE?q=%e5+%20&q=&x":             "/%E5%9B%BE?q=%e5+%20&q=&x",
		"/a;b=c|d^{e}`\"'<>?a|{}":               "/a;b=c|d^{e}`\"'<>?a|{}",
		"/@evil.example:80":                     "/@evil.example:80",
		"/图?图":                                  "/%E5%9B%BE?%E5%9B%BE", // no byte beyond ASCII in a header
		"/a#b":                                  "/a%23b",               // else a fragment
		"/a?moved=1":                            "/a?moved=1",
		"/%":                                    "", // 400 by net/http
		"/" + strings.Repeat("a", 9<<10) + "?b": "/" + strings.Repeat("a", 9<<10) + "?b",
	} {
		got := r.ask(t, "GET "+sent+" HTTP/1.1", "Host: "+rigHost, "Accept: text/html", "X-Forwarded-Proto: http")
		if want == "" {
			if got.StatusCode != 400 {
				t.Errorf("%s: answer %d, want 400", sent, got.StatusCode)
			}
			continue
		}
		wantHTTPS(t, sent[:min(len(sent), 40)], got, rigOrigin+want)
	}
}

// Only the header of a trusted proxy, at a site on https, makes a request one by plain
// http, with or without TLS at the gateway.
func TestPlainHTTPOnlyWhereAProxySaysSo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*testConfig)
		header []string
		tls    bool
		https  bool // the page load is redirected to https
	}{
		{"trusted proxy", nil, byHTTP, false, true},
		{"trusted proxy that asks by TLS", nil, byHTTP, true, true},
		{"trusted proxy, https", nil, []string{"X-Forwarded-Proto", "https"}, false, false},
		{"trusted proxy without the header", nil, nil, false, false},
		{"TLS ends here", func(c *testConfig) { c.TrustedProxies = nil }, nil, true, false},
		{"TLS ends here, forged header", func(c *testConfig) { c.TrustedProxies = nil }, byHTTP, true, false},
		{"untrusted address", func(c *testConfig) { c.TrustedProxies = nil }, byHTTP, false, false},
		{"another spelling", nil, []string{"X_Forwarded_Proto", "http"}, false, false},
		{"another header", nil, []string{"X-Forwarded-Scheme", "http", "Forwarded", "proto=http"}, false, false},
		{"site on plain http", func(c *testConfig) { c.PublicURL = "http://h5.example.com" }, byHTTP, false, false},
	} {
		change := tt.change
		if change == nil {
			change = func(*testConfig) {}
		}
		g, _ := newGateway(t, nil, func(c *testConfig) { c.TrustedProxies = loopback }, change)
		q := httptest.NewRequestWithContext(t.Context(), "GET", "/cart", nil)
		q.Host, q.RemoteAddr = rigHost, "127.0.0.1:4711"
		if tt.tls {
			q.TLS = new(tls.ConnectionState)
		}
		for pair := range slices.Chunk(join(asPage, tt.header), 2) {
			q.Header[pair[0]] = []string{pair[1]}
		}
		w := httptest.NewRecorder()
		g.Wrap(new(echo)).ServeHTTP(w, q)
		location := w.Header().Get("Location")
		if tt.https && location != rigOrigin+"/cart" || !tt.https && !strings.HasPrefix(location, weChatAuthorize) {
			t.Errorf("%s: answer %d to %q, want https: %t", tt.name, w.Code, location, tt.https)
		}
	}
}
