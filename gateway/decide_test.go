package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

func (d decision) String() string {
	names := [...]string{"refuse", "forwardVisitor", "forwardNobody", "login", "openInWeChat", "askToFollow", "tryLater", "forbid"}
	if d < 0 || int(d) >= len(names) {
		return fmt.Sprintf("decision(%d)", int(d))
	}
	return names[d]
}

func testPolicy(t testing.TB, outside OutsideWeChat) policy {
	t.Helper()
	p, err := newPolicy([]string{"/static/", "/api/public/"}, []string{"/api/"}, outside)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDecide is the whole decision for visitors without a session. Those with
// one are forwarded in every row.
func TestDecide(t *testing.T) {
	t.Parallel()
	const ( // the paths
		private   = "/shop"
		public    = "/static/app.js"
		api       = "/api/users"
		publicAPI = "/api/public/news"
		disguised = "/static/../shop"
	)
	const ( // the askers
		weChat  = "page load in WeChat"
		outside = "page load outside"
		script  = "script in WeChat"
		program = "script outside"
	)
	tests := []struct {
		setting OutsideWeChat
		path    string
		asker   string
		want    decision
	}{
		{OutsideRedirect, private, weChat, login},
		{OutsideRedirect, private, outside, login},
		{OutsideRedirect, private, script, refuse},
		{OutsideRedirect, private, program, refuse},
		{OutsidePage, private, weChat, login},
		{OutsidePage, private, outside, openInWeChat},
		{OutsidePage, private, script, refuse},
		{OutsidePage, private, program, refuse},
		{OutsideDeny, private, weChat, login},
		{OutsideDeny, private, outside, forbid},
		{OutsideDeny, private, script, refuse},
		{OutsideDeny, private, program, refuse},

		{OutsideQRConnect, private, weChat, login},
		{OutsideQRConnect, private, outside, login},
		{OutsideQRConnect, private, script, refuse},
		{OutsideQRConnect, private, program, refuse},
		{OutsideQRConnect, public, outside, forwardNobody},
		{OutsideQRConnect, api, outside, refuse},

		{OutsideRedirect, public, weChat, forwardNobody},
		{OutsideRedirect, public, outside, forwardNobody},
		{OutsideRedirect, public, script, forwardNobody},
		{OutsideRedirect, public, program, forwardNobody},
		{OutsidePage, public, weChat, forwardNobody},
		{OutsidePage, public, outside, forwardNobody},
		{OutsidePage, public, script, forwardNobody},
		{OutsidePage, public, program, forwardNobody},
		{OutsideDeny, public, weChat, forwardNobody},
		{OutsideDeny, public, outside, forwardNobody},
		{OutsideDeny, public, script, forwardNobody},
		{OutsideDeny, public, program, forwardNobody},

		{OutsideRedirect, api, weChat, refuse},
		{OutsideRedirect, api, outside, refuse},
		{OutsideRedirect, api, script, refuse},
		{OutsideRedirect, api, program, refuse},
		{OutsidePage, api, weChat, refuse},
		{OutsidePage, api, outside, refuse},
		{OutsidePage, api, script, refuse},
		{OutsidePage, api, program, refuse},
		{OutsideDeny, api, weChat, refuse},
		{OutsideDeny, api, outside, refuse},
		{OutsideDeny, api, script, refuse},
		{OutsideDeny, api, program, refuse},

		{OutsideRedirect, publicAPI, weChat, forwardNobody},
		{OutsideRedirect, publicAPI, outside, forwardNobody},
		{OutsideRedirect, publicAPI, script, forwardNobody},
		{OutsideRedirect, publicAPI, program, forwardNobody},
		{OutsidePage, publicAPI, outside, forwardNobody},
		{OutsideDeny, publicAPI, outside, forwardNobody},

		{OutsideRedirect, disguised, weChat, login},
		{OutsideRedirect, disguised, script, refuse},
		{OutsidePage, disguised, outside, openInWeChat},
		{OutsideDeny, disguised, outside, forbid},
		{OutsideRedirect, "/api/a%2Fb", weChat, refuse},
		{OutsideRedirect, "", weChat, login},
		{OutsideRedirect, "*", script, refuse},

		// A setting that nobody knows lets nobody in.
		{"other", private, weChat, login},
		{"other", private, outside, refuse},
		{"", private, outside, refuse},
	}
	for _, test := range tests {
		p := testPolicy(t, OutsideRedirect)
		p.outside = test.setting
		userAgent := "Mozilla/5.0 wxwork/4.1.22 MicroMessenger/7.0.1" // WeCom's is not WeChat's
		if test.asker == weChat || test.asker == script {
			userAgent = "Mozilla/5.0 MicroMessenger/8.0.42"
		}
		a := asked{
			method:     http.MethodGet,
			path:       test.path,
			navigation: test.asker == weChat || test.asker == outside,
			userAgent:  userAgent,
		}
		if got := p.decide(a, nobody); got != test.want {
			t.Errorf("outside %q, %q, %s: decide = %v, want %v", test.setting, test.path, test.asker, got, test.want)
		}
		// Who has a session and may not enter is told so, whatever she asks with;
		// what is open to everybody is open to her.
		for stands, want := range map[standing]decision{barred: forbid, notFollowing: askToFollow, unasked: tryLater} {
			if test.want == forwardNobody {
				want = forwardNobody
			}
			if got := p.decide(a, stands); got != want {
				t.Errorf("outside %q, %q, %s, standing %d: decide = %v, want %v", test.setting, test.path, test.asker, stands, got, want)
			}
		}
		if got := p.decide(a, admitted); got != forwardVisitor {
			t.Errorf("outside %q, %q, %s, signed in: decide = %v, want %v", test.setting, test.path, test.asker, got, forwardVisitor)
		}
	}
}

// What no rule speaks of is refused.
func TestDecideDefault(t *testing.T) {
	t.Parallel()
	if got := (policy{}).decide(asked{}, nobody); got != refuse {
		t.Errorf("the zero policy on the zero question: decide = %v, want %v", got, refuse)
	}
	if got := decision(0); got != refuse {
		t.Errorf("the zero decision is %v, want %v", got, refuse)
	}
	if got := (policy{}).decide(asked{method: "GET", path: "/", navigation: true}, nobody); got != refuse {
		t.Errorf("the zero policy on a page load: decide = %v, want %v", got, refuse)
	}
}

func TestAskedBy(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/a%2Fb?c=/static/", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 MicroMessenger/8.0.42")
	got := askedBy(r, &visit{navigation: true})
	if want := (asked{method: "POST", path: "/a%2Fb", navigation: true, userAgent: r.UserAgent()}); got != want {
		t.Errorf("askedBy = %+v, want %+v", got, want)
	}
}

// Requests that no server would hand on, and forms that few clients use: none
// passes, none panics.
func TestOddRequests(t *testing.T) {
	t.Parallel()
	g, err := New(Config{
		PublicURL:   "https://h5.example.com",
		Account:     &wechat.Client{AppID: "wx0123456789abcdef"},
		CookieKeys:  session.Keys{[]byte(strings.Repeat("k", 32))},
		PublicPaths: []string{"/static/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	headers := http.Header{
		"":                  {""},
		"-":                 nil,
		"_":                 {"_"},
		"X-":                {"x"},
		"X-Wx-":             {"x"},
		"X-Wx-Openid":       nil,
		"Cookie":            {"", ";", "=", "=;=", "__Host-wxgate", "__Host-wxgate=", "; ;__Host-wxgate=x;"},
		"Accept":            {"", ";", ",;,=", ";q"},
		"Upgrade":           {},
		"User-Agent":        {},
		"Referer":           {"::"},
		"X-Forwarded-For":   {"", ",", "[", "]", "[]:"},
		"X-Forwarded-Proto": {},
	}
	tests := []struct {
		name        string
		method, uri string
		url         url.URL
		host        string
		remoteAddr  string
		want        int
	}{
		{name: "nothing at all", want: http.StatusBadRequest},
		{name: "empty path", method: "GET", want: http.StatusBadRequest},
		{name: "asterisk", method: "OPTIONS", uri: "*", url: url.URL{Path: "*"}, want: http.StatusBadRequest},
		{name: "asterisk by GET", method: "GET", uri: "*", url: url.URL{Path: "*"}, want: http.StatusBadRequest},
		{name: "relative path", method: "GET", uri: "static/x", url: url.URL{Path: "static/x"}, want: http.StatusBadRequest},
		{name: "opaque", method: "GET", uri: "a:b", url: url.URL{Scheme: "a", Opaque: "b"}, want: http.StatusBadRequest},
		{name: "CONNECT", method: "CONNECT", uri: "h5.example.com:443", url: url.URL{Host: "h5.example.com:443"}, want: http.StatusMethodNotAllowed},
		{name: "CONNECT to a public path", method: "CONNECT", uri: "/static/x", url: url.URL{Path: "/static/x"}, want: http.StatusMethodNotAllowed},
		{name: "TRACE", method: "TRACE", uri: "/static/x", url: url.URL{Path: "/static/x"}, want: http.StatusMethodNotAllowed},
		{name: "absolute form", method: "POST", uri: "http://evil.example/shop", url: url.URL{Scheme: "http", Host: "evil.example", Path: "/shop"}, want: http.StatusUnauthorized},
		{name: "absolute form, public by its host", method: "POST", uri: "http://static/x", url: url.URL{Scheme: "http", Host: "static", Path: "/x"}, want: http.StatusUnauthorized},
		{name: "public address, private path", method: "POST", uri: "/static/x", url: url.URL{Path: "/shop"}, want: http.StatusUnauthorized},
		{name: "no method", uri: "/shop", url: url.URL{Path: "/shop"}, want: http.StatusUnauthorized},
		{name: "odd host", method: "POST", uri: "/shop", url: url.URL{Path: "/shop"}, host: "[", want: http.StatusUnauthorized},
		{name: "Unix socket", method: "POST", uri: "/shop", url: url.URL{Path: "/shop"}, remoteAddr: "@", want: http.StatusUnauthorized},
		{name: "odd peer", method: "POST", uri: "/shop", url: url.URL{Path: "/shop"}, remoteAddr: "[::1%]:x", want: http.StatusUnauthorized},
		{name: "bad encoding", method: "POST", uri: "/static/%", url: url.URL{Path: "/static/%"}, want: http.StatusUnauthorized},
		{name: "NUL", method: "POST", uri: "/static/\x00", url: url.URL{Path: "/static/\x00"}, want: http.StatusUnauthorized},
	}
	for _, test := range tests {
		for _, h := range []http.Header{nil, headers} {
			t.Run(fmt.Sprintf("%s, %d headers", test.name, len(h)), func(t *testing.T) {
				t.Parallel()
				r := &http.Request{Method: test.method, RequestURI: test.uri, URL: &test.url, Host: test.host, RemoteAddr: test.remoteAddr, Header: h.Clone()}
				w := httptest.NewRecorder()
				g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it passed") })).ServeHTTP(w, r)
				if w.Code != test.want {
					t.Errorf("status %d, want %d", w.Code, test.want)
				}
			})
		}
	}
}

// A public path with the oddest headers passes, without them.
func TestOddHeadersPass(t *testing.T) {
	t.Parallel()
	g := &guard{shared: new(shared), publicURL: &url.URL{Scheme: "https", Host: "h5.example.com"}, cookies: session.Config{Secure: true}, withheld: map[string]bool{"__Host-wxgate": true}}
	h := http.Header{"": {""}, "-": nil, "X_Wx_": {"x"}, "X-Wx-Openid": nil, "Cookie": {"", ";", "=", "__Host-wxgate"}, "Forwarded": nil, "X-Real-Ip": nil}
	g.prepare(h, &http.Request{Header: h.Clone()}, new(visit))
	for name := range h {
		switch name {
		case "", "-", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id":
		default:
			t.Errorf("header %q is still there", name)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p := testPolicy(b, OutsideRedirect)
	for _, bench := range []struct {
		name     string
		path     string
		standing standing
	}{
		{"signed in", "/shop", admitted},
		{"public", "/static/app.js", nobody},
		{"api", "/api/users", nobody},
		{"login", "/shop", nobody},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			a := asked{method: http.MethodGet, path: bench.path, navigation: true, userAgent: "Mozilla/5.0 MicroMessenger/8.0.42"}
			for b.Loop() {
				p.decide(a, bench.standing)
			}
		})
	}
}
