package gateway_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session"
)

// newAuthRig starts a gateway without upstreams that trusts the test's address.
func newAuthRig(t testing.TB, change ...func(*testConfig)) *rig {
	t.Helper()
	return newRig(t, nil, append([]func(*testConfig){func(c *testConfig) {
		c.TrustedProxies = loopback
		c.PublicPaths = []string{"/static/", "GET /news/{id}"}
		c.APIPaths = []string{"/api/"}
	}}, change...)...)
}

// forwarded are the headers by which Traefik and Caddy describe a request.
func forwarded(method, target string) []string {
	return []string{"X-Forwarded-Method", method, "X-Forwarded-Proto", "https", "X-Forwarded-Host", rigHost, "X-Forwarded-Uri", target}
}

// Every way to describe a request leads to the same decisions.
func TestForwardAuthSources(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t)
	sources := []struct {
		name     string
		question func(method, target string) (string, string, []string)
	}{
		{"Traefik, Caddy", func(method, target string) (string, string, []string) {
			return "GET", "/_wx/auth", forwarded(method, target)
		}},
		{"nginx, URI", func(method, target string) (string, string, []string) {
			return "GET", "/_wx/auth", []string{"X-Original-Uri", target, "X-Original-Method", method}
		}},
		{"nginx, URL", func(method, target string) (string, string, []string) {
			return "GET", "/_wx/auth", []string{"X-Original-Url", rigOrigin + target, "X-Original-Method", method}
		}},
		{"Envoy", func(method, target string) (string, string, []string) {
			return method, "/_wx/auth" + target, nil
		}},
	}
	for _, source := range sources {
		for _, tt := range []struct {
			method, target string
			cookie         bool
			status         int
		}{
			{"GET", "/orders?id=1", false, 401},
			{"GET", "/orders?id=1", true, 200},
			{"POST", "/orders", false, 401},
			{"POST", "/orders", true, 200},
			{"GET", "/static/a.css", false, 200},
			{"GET", "/news/7", false, 200},
			{"POST", "/news/7", false, 401},
			{"DELETE", "/static/a.css", false, 200},
			{"GET", "/static/../orders", false, 401},
			{"GET", "/static/..%2forders", false, 401},
			{"GET", "/static/%2e%2e/orders", false, 401},
			{"GET", "//static/a.css", false, 401},
			{"GET", "/static//a.css", false, 401},
			{"GET", "/static/a;b", false, 401},
			{"GET", "/orders?/static/", false, 401},
			{"GET", "/", false, 401},
		} {
			t.Run(source.name+" "+tt.method+" "+tt.target, func(t *testing.T) {
				t.Parallel()
				method, target, header := source.question(tt.method, tt.target)
				if tt.cookie {
					header = append(header, "Cookie", signedIn(t))
				}
				a := r.do(t, method, target, header...)
				if a.StatusCode != tt.status {
					t.Fatalf("answer %d %s, want %d", a.StatusCode, a.body, tt.status)
				}
				openID, there := a.Header["X-Wx-Openid"]
				want := []string{""}
				if tt.cookie {
					want[0] = rigOpenID
				}
				if there != (tt.status == 200) || there && !slices.Equal(openID, want) {
					t.Errorf("X-WX-OpenID of the %d is %q, want %q", a.StatusCode, openID, want)
				}
				if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" {
					t.Errorf("header of the %d: %v", a.StatusCode, a.Header)
				}
				if tt.status == 200 && a.body != "" {
					t.Errorf("the 200 has a body: %q", a.body)
				}
				if tt.status == 401 && !strings.HasPrefix(a.Header.Get("X-WX-Login-URL"), rigOrigin+"/_wx/login") {
					t.Errorf("X-WX-Login-URL = %q", a.Header.Get("X-WX-Login-URL"))
				}
			})
		}
	}
}

// Headers that contradict each other or cannot be read are refused with a 403, a
// method that is no token with a 400 where the proxy passes that on. What they do not
// say is not known: the answer is a 401.
func TestForwardAuthRefuses(t *testing.T) {
	t.Parallel()
	const uri = "X-Forwarded-Uri"
	for _, tt := range []struct {
		name   string
		target string
		header []string
		status int
		says   string
	}{
		{"two sources that differ", "/_wx/auth", []string{uri, "/orders", "X-Original-Uri", "/static/a"}, 403, ""},
		{"two sources that differ, Envoy", "/_wx/auth/orders", []string{uri, "/static/a"}, 403, "the path behind /auth and X-Forwarded-Uri describe different requests"},
		{"URL and URI differ", "/_wx/auth", []string{"X-Original-Url", rigOrigin + "/orders", "X-Original-Uri", "/static/a"}, 403, ""},
		{"URL and host differ", "/_wx/auth", []string{"X-Original-Url", rigOrigin + "/static/a", "X-Forwarded-Host", "other.example.com"}, 403, ""},
		{"twice", "/_wx/auth", []string{uri, "/static/a", uri, "/static/a"}, 403, "X-Forwarded-Uri is empty, or there twice"},
		{"empty", "/_wx/auth", []string{uri, ""}, 403, "X-Forwarded-Uri is empty"},
		{"no slash", "/_wx/auth", []string{uri, "static/a"}, 403, "X-Forwarded-Uri cannot be read"},
		{"absolute", "/_wx/auth", []string{uri, rigOrigin + "/static/a"}, 403, ""},
		{"fragment", "/_wx/auth", []string{uri, "/orders#/static/a"}, 403, ""},
		{"fragment behind a public path", "/_wx/auth", []string{uri, "/static/#/../orders"}, 403, ""},
		{"space", "/_wx/auth", []string{uri, "/static/a b"}, 403, ""},
		{"bad escape", "/_wx/auth", []string{uri, "/static/%zz"}, 403, ""},
		{"asterisk", "/_wx/auth", []string{uri, "*"}, 403, ""},
		{"URL of another scheme", "/_wx/auth", []string{"X-Original-Url", "ftp://h5.example.com/static/a"}, 403, ""},
		{"method of a tunnel", "/_wx/auth", []string{uri, "/static/a", "X-Forwarded-Method", "CONNECT"}, 403, ""},
		{"no method", "/_wx/auth", []string{uri, "/static/a", "X-Forwarded-Method", "G ET"}, 400, ""},
		{"method that is no token", "/_wx/auth", []string{uri, "/static/a", "X-Forwarded-Method", "G(T"}, 400, "X-Forwarded-Method cannot be read"},
		{"nginx's method that is no token", "/_wx/auth", []string{"X-Original-Uri", "/static/a", "X-Original-Method", "G(T"}, 403, ""},
		{"methods differ", "/_wx/auth/news/7", []string{"X-Forwarded-Method", "POST"}, 403, ""},
		{"question mark in the host", "/_wx/auth", []string{"X-Original-Url", "https://h5.example.com?/static/a"}, 403, ""},
		{"question mark in the host, no path", "/_wx/auth", []string{"X-Original-Url", "https://h5.example.com?"}, 403, ""},
		{"client's method beside nginx's target", "/_wx/auth", []string{"X-Original-Uri", "/news/7", "X-Forwarded-Method", "GET", uri, "/news/7"}, 401, ""},
		{"client's method beside Caddy's", "/_wx/auth", []string{uri, "/news/7", "X-Forwarded-Method", "POST", "X-Original-Method", "GET"}, 403, ""},
		{"hosts that differ in the port", "/_wx/auth", []string{"X-Original-Url", rigOrigin + "/orders", "X-Forwarded-Host", "H5.example.com:443"}, 401, ""},
		{"host list", "/_wx/auth", []string{uri, "/static/a", "X-Forwarded-Host", "a.example.com, b.example.com"}, 403, ""},
		{"encoded endpoint", "/_wx/%61uth/static/a", nil, 401, ""},
		{"no method given", "/_wx/auth", []string{uri, "/news/7"}, 401, ""},
		{"no headers", "/_wx/auth", nil, 401, ""},
		{"dots behind", "/_wx/auth/../me", nil, 401, ""},
		{"health checker", "/_wx/auth", []string{uri, "/orders", "User-Agent", "kube-probe/1.30"}, 401, ""},
		{"only other headers", "/_wx/auth", []string{"X-Rewrite-Url", "/static/a", "X_Forwarded_Uri", "/static/a", "Forwarded", "for=1"}, 401, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newAuthRig(t)
			for _, cookie := range []string{"", signedIn(t)} {
				if cookie != "" && tt.status != 403 {
					continue // a session may pass anywhere
				}
				a := r.do(t, "GET", tt.target, append(slices.Clone(tt.header), "Cookie", cookie)...)
				if a.StatusCode != tt.status || !strings.Contains(a.body, tt.says) || a.Header.Get("X-WX-OpenID") != "" {
					t.Errorf("answer %d %q, want %d and %q", a.StatusCode, a.body, tt.status, tt.says)
				}
			}
		})
	}
}

// The headers of an untrusted address are ignored.
func TestForwardAuthUntrusted(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t, func(c *testConfig) { c.TrustedProxies = nil })
	for _, tt := range []struct {
		target string
		header []string
	}{
		{"/_wx/auth", forwarded("GET", "/static/a")},
		{"/_wx/auth", []string{"X-Original-Uri", "/static/a", "X-Original-Method", "GET"}},
		{"/_wx/auth", []string{"X-Original-Url", rigOrigin + "/static/a"}},
		{"/_wx/auth/static/a", nil},
		{"/_wx/auth/static/a", []string{"X-Forwarded-For", "127.0.0.1"}},
	} {
		if a := r.do(t, "GET", tt.target, tt.header...); a.StatusCode != 401 {
			t.Errorf("%s %q: answer %d, want 401", tt.target, tt.header, a.StatusCode)
		}
		if a := r.do(t, "GET", tt.target, append(tt.header, "Cookie", signedIn(t))...); a.StatusCode != 200 || a.Header.Get("X-WX-OpenID") != rigOpenID {
			t.Errorf("%s %q with a session: answer %d %q, want 200", tt.target, tt.header, a.StatusCode, a.Header)
		}
	}
}

func TestForwardAuthRedirects(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t)
	const login = rigOrigin + "/_wx/login"
	for _, tt := range []struct {
		name     string
		query    string
		method   string
		target   string
		header   []string
		status   int
		location string
	}{
		{"page load", "?redirect=true", "GET", "/orders?id=1", asPage, 302, login + "?return_to=" + url.QueryEscape("/orders?id=1")},
		{"page load, without redirect", "", "GET", "/orders?id=1", asPage, 401, login + "?return_to=" + url.QueryEscape("/orders?id=1")},
		{"page load, another value", "?redirect=1", "GET", "/orders", asPage, 401, login + "?return_to=%2Forders"},
		{"home page", "?redirect=true", "HEAD", "/", asPage, 302, login},
		{"script", "?redirect=true", "GET", "/orders", append(slices.Clone(fromScript), "Referer", rigOrigin+"/shop"), 401, login + "?return_to=" + url.QueryEscape(rigOrigin+"/shop")},
		{"form", "?redirect=true", "POST", "/orders", asPage, 401, login},
		{"form on a page", "", "POST", "/orders", append(slices.Clone(asPage), "Referer", rigOrigin+"/shop"), 401, login + "?return_to=" + url.QueryEscape(rigOrigin+"/shop")},
		{"API path", "?redirect=true", "GET", "/api/orders", asPage, 401, login},
		{"return to the login", "?redirect=true", "GET", "/_wx/login?return_to=/x", asPage, 302, login},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := r.do(t, "GET", "/_wx/auth"+tt.query, append(forwarded(tt.method, tt.target), tt.header...)...)
			header := "Location"
			if tt.status == 401 {
				header = "X-WX-Login-URL"
			}
			if a.StatusCode != tt.status || a.Header.Get(header) != tt.location {
				t.Errorf("answer %d, %s %q; want %d, %q", a.StatusCode, header, a.Header.Get(header), tt.status, tt.location)
			}
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" || len(a.Cookies()) > 0 {
				t.Errorf("header %v", a.Header)
			}
			if tt.method == "POST" {
				wantPage(t, a, 401, headingFormUnauthorized)
				if got := button(t, a.body); got != tt.location {
					t.Errorf("button leads to %q, want %q", got, tt.location)
				}
			}
		})
	}
}

// The session is renewed by page loads, not by files and scripts: the gateway does
// not see whether caches may keep the site's answer.
func TestForwardAuthRenews(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t)
	old := signedIn(t, renewedAgo(13*time.Hour))
	for _, tt := range []struct {
		name, target string
		header       []string
		renewed      bool
	}{
		{"page load", "/shop", asPage, true},
		{"page load of an API path", "/api/shop", asPage, false},
		{"file", "/a.js", []string{"Sec-Fetch-Mode", "no-cors"}, false},
		{"script", "/shop", fromScript, false},
	} {
		a := r.do(t, "GET", "/_wx/auth", append(append(forwarded("GET", tt.target), tt.header...), "Cookie", old)...)
		if renewed := a.sessionCookie() != ""; a.StatusCode != 200 || renewed != tt.renewed {
			t.Errorf("%s: answer %d, renewed %t, want 200 and %t", tt.name, a.StatusCode, renewed, tt.renewed)
		}
	}
}

func TestForwardAuthIdentityHeaders(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t)
	cookie := signedIn(t, func(s *session.Session) { s.Nickname, s.UnionID = "小明 1", "oUNION" })
	a := r.do(t, "PATCH", "/_wx/auth/orders", "Cookie", cookie, "X-WX-OpenID", "forged", "x_wx_openid", "forged")
	want := map[string]string{
		"X-Wx-Openid": rigOpenID, "X-Wx-Appid": rigAppID, "X-Wx-Source": "wx_client", "X-Wx-Scope": "snsapi_base",
		"X-Wx-Unionid": "oUNION", "X-Wx-Nickname": "%E5%B0%8F%E6%98%8E%201",
	}
	for name, value := range want {
		if got := a.Header[name]; len(got) != 1 || got[0] != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	for name := range a.Header {
		if strings.HasPrefix(name, "X-Wx-") && want[name] == "" {
			t.Errorf("%s: %q, want none", name, a.Header[name])
		}
	}
}

// Without upstreams the gateway answers only its own endpoints.
func TestForwardAuthAlone(t *testing.T) {
	t.Parallel()
	r := newAuthRig(t, func(c *testConfig) { c.VerifyFiles = []string{"abc"} })
	for target, status := range map[string]int{
		"/": 404, "/orders": 404, "/static/a.css": 404, "/_wx/nothing": 404, "/_wx/me": 401, "/_wx/login": 302, "/_wx/authx": 404, "/MP_verify_abc.txt": 200,
	} {
		if a := r.do(t, "GET", target, asPage...); a.StatusCode != status {
			t.Errorf("GET %s: answer %d, want %d", target, a.StatusCode, status)
		}
	}
}
