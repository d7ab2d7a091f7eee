package gateway_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

func TestScriptsWithoutASessionGet401(t *testing.T) {
	t.Parallel()
	site := new(echo)
	rig := newRig(t, site, func(c *testConfig) { c.ReturnHosts = []string{"m.example.com"} })
	tests := []struct{ referer, login string }{
		{"", rigOrigin + "/_wx/login"},
		{rigOrigin + "/shop?item=1&b=%20", rigOrigin + "/_wx/login?return_to=https%3A%2F%2Fh5.example.com%2Fshop%3Fitem%3D1%26b%3D%2520"},
		{"https://m.example.com/a", rigOrigin + "/_wx/login?return_to=https%3A%2F%2Fm.example.com%2Fa"},
		{"https://evil.example/shop", rigOrigin + "/_wx/login"},
		{"http://h5.example.com/shop", rigOrigin + "/_wx/login"},
		{"https://h5.example.com.evil.example/", rigOrigin + "/_wx/login"},
		{"https://h5.example.com@evil.example/", rigOrigin + "/_wx/login"},
		{"/shop", rigOrigin + "/_wx/login"},
	}
	for _, test := range tests {
		header := fromScript
		if test.referer != "" {
			header = append(header, "Referer", test.referer)
		}
		a := rig.do(t, "GET", "/api/orders", header...)
		if a.StatusCode != 401 || a.Header.Get("Location") != "" {
			t.Errorf("from %q: %d %v, want 401 and no redirect", test.referer, a.StatusCode, a.Header)
		}
		f := refusalOf(t, a)
		if f.Error != "unauthorized" || f.Message == "" || f.LoginURL != test.login {
			t.Errorf("from %q: %+v, want unauthorized, a message, and login_url %s", test.referer, f, test.login)
		}
		if line := rig.lines.next(t); f.RequestID == "" || line["request_id"] != f.RequestID {
			t.Errorf("from %q: request_id %q, in the access line %q", test.referer, f.RequestID, line["request_id"])
		}
	}
	if n := site.hits.Load(); n != 0 {
		t.Errorf("%d requests reached the site, want none", n)
	}
}

func TestPageLoadsWithoutASessionGoToWeChat(t *testing.T) {
	t.Parallel()
	site := new(echo)
	rig := newRig(t, site)
	location := regexp.MustCompile(`^https://open\.weixin\.qq\.com/connect/oauth2/authorize\?appid=` + rigAppID +
		`&redirect_uri=https%3A%2F%2Fh5\.example\.com%2F_wx%2Fcallback&response_type=code&scope=snsapi_base&state=[0-9a-f]{32}&connect_redirect=1#wechat_redirect$`)
	for _, target := range []string{"/", "/shop?item=1;2&%zz", "//x", "/中文"} {
		for _, method := range []string{"GET", "HEAD"} {
			a := rig.do(t, method, target, asPage...)
			if a.StatusCode != http.StatusFound || !location.MatchString(a.Header.Get("Location")) {
				t.Errorf("%s %s: %d %q, want 302 to the authorize page", method, target, a.StatusCode, a.Header.Get("Location"))
			}
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s %s: header %v, want no-store and no-referrer", method, target, a.Header)
			}
			if len(a.Cookies()) != 1 || !strings.HasPrefix(a.Cookies()[0].Name, rigCookie+"_login_") {
				t.Errorf("%s %s: cookies %v, want one for the login", method, target, a.Cookies())
			}
		}
	}
	if n := site.hits.Load(); n != 0 {
		t.Errorf("%d requests reached the site, want none", n)
	}
}

func TestWhoGetsIn(t *testing.T) {
	t.Parallel()
	down, err := url.Parse("unix:///nonexistent/site.sock")
	if err != nil {
		t.Fatal(err)
	}
	site := new(echo)
	rules := func(c *testConfig) {
		c.PublicPaths = []string{"/static/", "GET /news/{id}", "/favicon.ico"}
		c.APIPaths = []string{"/api/"}
		if len(c.Upstreams) > 0 {
			c.Upstreams = append(c.Upstreams, gateway.Upstream{Prefix: "/api/down", URL: down})
		}
	}
	rig := newRig(t, site, rules)
	cookie := signedIn(t)
	tests := []struct {
		name, method, target string
		header               []string
		status               int
		json                 bool // a refusal in JSON
		reached              bool // the request reaches the site
	}{
		{"page", "GET", "/", asPage, 302, false, false},
		{"page with a session", "GET", "/", append(asPage, "Cookie", cookie), 200, false, true},
		{"page with a tampered session", "GET", "/", append(asPage, "Cookie", cookie[:len(cookie)-2]+"AA"), 302, false, false},
		{"script", "GET", "/", fromScript, 401, true, false},
		{"script with a session", "DELETE", "/", append(fromScript, "Cookie", cookie), 200, false, true},
		{"form", "POST", "/", asPage, 401, false, false},
		{"upgrade", "GET", "/ws", append(asPage, "Upgrade", "websocket", "Connection", "Upgrade"), 401, true, false},
		{"XMLHttpRequest", "GET", "/", append(asPage, "X-Requested-With", "XMLHttpRequest"), 401, true, false},
		{"public", "GET", "/static/a.js", fromScript, 200, false, true},
		{"public, any method", "POST", "/static/a.js", fromScript, 200, false, true},
		{"public with a method", "GET", "/news/7", asPage, 200, false, true},
		{"HEAD goes with GET", "HEAD", "/news/7", asPage, 200, false, true},
		{"public with another method", "POST", "/news/7", fromScript, 401, true, false},
		{"public, one segment", "GET", "/news/7/edit", fromScript, 401, true, false},
		{"public by its query", "GET", "/secret?/static/", fromScript, 401, true, false},
		{"public left by dots", "GET", "/static/../secret", fromScript, 401, true, false},
		{"public left by encoded dots", "GET", "/static/%2e%2e/secret", fromScript, 401, true, false},
		{"public left by encoded slashes", "GET", "/static/..%2fsecret", fromScript, 401, true, false},
		{"public entered by dots", "GET", "/secret/../static/a.js", fromScript, 401, true, false},
		{"public with parameters", "GET", "/static/;/../secret", fromScript, 401, true, false},
		{"API", "GET", "/api/a", asPage, 401, true, false},
		{"API with an encoded slash", "GET", "/api/a%2Fb", asPage, 401, true, false},
		{"API with a session", "GET", "/api/a", append(asPage, "Cookie", cookie), 200, false, true},
		{"API whose upstream is down", "GET", "/api/down", append(asPage, "Cookie", cookie), 502, true, false},
		{"beside the API", "GET", "/apis", asPage, 302, false, false},
	}
	for _, test := range tests {
		before := site.hits.Load()
		q := rig.newRequest(t, test.method, "/", nil, test.header...)
		q.URL.Opaque = test.target
		a := rig.send(t, q)
		if a.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.name, a.StatusCode, test.status)
		} else if test.json {
			refusalOf(t, a)
		}
		if reached := site.hits.Load() > before; reached != test.reached {
			t.Errorf("%s: reached the site: %t, want %t", test.name, reached, test.reached)
		}
	}
}

func TestOutsideWeChat(t *testing.T) {
	t.Parallel()
	const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	tests := []struct {
		outside gateway.OutsideWeChat
		ua      string
		status  int
		body    string // part of it
	}{
		{"", chrome, 302, ""},
		{gateway.OutsideRedirect, chrome, 302, ""},
		{gateway.OutsidePage, chrome, 200, rigOrigin + "/shop?item=1"},
		{gateway.OutsidePage, browserUA, 302, ""},
		{gateway.OutsidePage, browserUA + " wxwork/4.1", 200, "<svg"},
		{gateway.OutsideDeny, chrome, 403, "<h1>请在微信中打开</h1>"},
		{gateway.OutsideDeny, browserUA, 302, ""},
	}
	for _, test := range tests {
		site := new(echo)
		rig := newRig(t, site, func(c *testConfig) { c.OutsideWeChat = test.outside })
		for _, path := range []string{"/shop?item=1", "/_wx/login?return_to=/shop"} {
			a := rig.do(t, "GET", path, "User-Agent", test.ua, "Accept", "text/html")
			if a.StatusCode != test.status {
				t.Errorf("%q, %s, %.30s…: status %d, want %d", test.outside, path, test.ua, a.StatusCode, test.status)
			}
			if path == "/shop?item=1" && !strings.Contains(a.body, test.body) {
				t.Errorf("%q: page without %q:\n%s", test.outside, test.body, a.body)
			}
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%q, %s: header %v, want no-store and no-referrer", test.outside, path, a.Header)
			}
		}
		// A session and a request of a script get the same answer under every setting.
		if a := rig.do(t, "GET", "/shop", "User-Agent", test.ua, "Accept", "text/html", "Cookie", signedIn(t)); a.StatusCode != 200 {
			t.Errorf("%q: with a session: status %d, want 200", test.outside, a.StatusCode)
		}
		if a := rig.do(t, "GET", "/shop", "User-Agent", test.ua, "Sec-Fetch-Mode", "cors"); a.StatusCode != 401 {
			t.Errorf("%q: script: status %d, want 401", test.outside, a.StatusCode)
		}
		if n := site.hits.Load(); n != 1 {
			t.Errorf("%q: %d requests reached the site, want the one with a session", test.outside, n)
		}
	}
}
