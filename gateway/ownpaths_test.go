package gateway_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestVerificationFiles(t *testing.T) {
	t.Parallel()
	site := new(echo)
	rig := newRig(t, site, func(c *testConfig) { c.VerifyFiles = []string{"abc123", "Def456"} })
	tests := []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/MP_verify_abc123.txt", 200, "abc123"},
		{"GET", "/MP_verify_abc123.txt?x=1", 200, "abc123"},
		{"GET", "/MP_verify_Def456.txt", 200, "Def456"},
		{"HEAD", "/MP_verify_abc123.txt", 200, ""},
		{"POST", "/MP_verify_abc123.txt", 405, ""},
		{"GET", "/MP_verify_abc123.txt/", 401, ""},
		{"GET", "/MP_verify_abc124.txt", 401, ""},
		{"GET", "/MP_verify_ABC123.txt", 401, ""},
		{"GET", "/mp_verify_abc123.txt", 401, ""},
		{"GET", "/a/MP_verify_abc123.txt", 401, ""},
	}
	for _, test := range tests {
		a := rig.do(t, test.method, test.path, fromScript...)
		if a.StatusCode != test.status || test.status == 200 && a.body != test.body {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, a.StatusCode, a.body, test.status, test.body)
		}
		if test.status == 200 && !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s %s: Content-Type %q, want text/plain", test.method, test.path, a.Header.Get("Content-Type"))
		}
	}
	if n := site.hits.Load(); n != 0 {
		t.Errorf("%d requests reached the site, want none", n)
	}
}

func TestOwnPathsAreNeverForwarded(t *testing.T) {
	t.Parallel()
	site := new(echo)
	rig := newRig(t, site, func(c *testConfig) { c.PublicPaths = []string{"/{page}", "/{folder}/"} })
	tests := []struct {
		method, target string
		statuses       []int
	}{
		{"GET", "/_wx", []int{404}},
		{"GET", "/_wx/", []int{404}},
		{"GET", "/_wx/nothing", []int{404}},
		{"POST", "/_wx/nothing", []int{404}},
		{"GET", "/_wx/me/", []int{404}},
		{"GET", "/_wx/login/", []int{404}},
		{"POST", "/_wx/login", []int{405}},
		{"POST", "/_wx/callback", []int{405}},
		{"DELETE", "/_wx/logout", []int{405}},
		{"PUT", "/_wx/me", []int{405}},
		{"OPTIONS", "/_wx/me", []int{405}},
		{"GET", "/_wx/../_wx/me", []int{404}},
		{"GET", "//_wx/login", []int{404}},
		{"GET", "/_wx//login", []int{404}},
		{"GET", "/_wx/./me", []int{404}},
		{"GET", "/a/../_wx/me", []int{404}},
		{"GET", "/a/..//_wx/me", []int{404}},
		{"GET", "/%5fwx/me", []int{200, 404}}, // may be read as /_wx/me
		{"GET", "/%5Fwx/nothing", []int{404}},
		{"GET", "/_wx%2Fme", []int{200, 404}},
		{"GET", "/_wx/%2e%2e/_wx/me", []int{404}},
		{"GET", "/%2e/_wx/me", []int{404}},
		{"GET", "/a/%2e%2e/_wx/me", []int{404}},
		{"GET", "/%2F_wx/me", []int{404}},
		{"GET", "/a/..%2f_wx/me", []int{404}},
	}
	for _, test := range tests {
		for _, header := range [][]string{asPage, fromScript} {
			header = append(header, "Cookie", signedIn(t), "Content-Length", "0")
			q := rig.newRequest(t, test.method, "/", nil, header...)
			q.URL.Opaque = test.target
			var a *answer
			if strings.HasPrefix(test.target, "//") { // Opaque would name a host
				a = rig.ask(t, test.method+" "+test.target+" HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t))
			} else {
				a = rig.send(t, q)
			}
			if !slices.Contains(test.statuses, a.StatusCode) {
				t.Errorf("%s %s: status %d, want one of %d", test.method, test.target, a.StatusCode, test.statuses)
			}
			if a.StatusCode == 405 && a.Header.Get("Allow") == "" {
				t.Errorf("%s %s: no Allow header", test.method, test.target)
			}
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s %s: header %v, want no-store and no-referrer", test.method, test.target, a.Header)
			}
		}
	}
	if n := site.hits.Load(); n != 0 {
		t.Errorf("%d requests reached the site, want none", n)
	}
	// Similar paths are the site's.
	for _, path := range []string{"/_wxx/me", "/_WX/me", "/a/_wx/me", "/_w/x", "/_wx.html"} {
		if a := rig.do(t, "GET", path); a.StatusCode != 200 {
			t.Errorf("%s: status %d, want the site's 200", path, a.StatusCode)
		}
	}
}

func TestAnotherPrefix(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo), func(c *testConfig) { c.Prefix = "/auth/wx" })
	if a := rig.do(t, "GET", "/auth/wx/me", "Cookie", signedIn(t)); !strings.Contains(a.body, rigOpenID) || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("/auth/wx/me: %d %q, want the visitor", a.StatusCode, a.body)
	}
	if e := echoOf(t, rig.do(t, "GET", "/_wx/me", "Cookie", signedIn(t))); e.Target != "/_wx/me" {
		t.Errorf("/_wx/me: the site saw %q", e.Target)
	}
}

// A browser would store a permanent redirect together with one visitor's state.
// One that keeps the method would send a form to WeChat.
func TestNoRedirectIsPermanent(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "site") }))
	for _, path := range []string{
		"/", "//", "/a/..", "/_wx", "/_wx/", "/_wx/login", "/_wx/login/", "/_wx//login", "/_wx/logout", "/_wx/callback?code=a&state=b",
		"/_wx/../x", "/./",
	} {
		for _, cookie := range []string{"", signedIn(t)} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
				conn := rig.dial(t)
				conn.say(t, method+" "+path+" HTTP/1.1", "Host: "+rigHost, "Accept: text/html", "Cookie: "+cookie, "Content-Length: 0", "")
				if res := conn.hear(t, method); res.StatusCode == 301 || res.StatusCode == 307 || res.StatusCode == 308 {
					t.Errorf("%s %s: status %d", method, path, res.StatusCode)
				}
				conn.Close()
			}
		}
	}
}
