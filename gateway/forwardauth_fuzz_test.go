package gateway_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	fieldnames "github.com/wxgate/wxgate/gateway/internal/headers"
)

// FuzzForwardAuth checks that a request about which a proxy asks passes only if the
// same request passes through the gateway itself, and that every answer is 200, 401
// or 403, by every way to describe the request.
func FuzzForwardAuth(f *testing.F) {
	for _, target := range []string{
		"/static/a.css", "/static/../orders", "/static/%2e%2e/x", "/orders#/static/", "//static/a", "/static/a b", "/static/%zz", "*",
		"http://x/static/a", "/news/7?x=/static/", "/_wx/me", "/static/\xff", "/static/;x",
	} {
		for _, method := range []string{"GET", "POST", "", "get", "CONNECT"} {
			f.Add(method, target)
		}
	}
	g, err := gateway.New(gateway.Config{TrustedProxies: loopback, Sites: []gateway.Site{{
		PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys(),
		PublicPaths: []string{"/static/", "GET /news/{id}"},
	}}})
	if err != nil {
		f.Fatal(err)
	}
	reached := false
	site := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	f.Fuzz(func(t *testing.T, method, target string) {
		reached = false
		sendable := false
		text := method + " " + target + " HTTP/1.1\r\nHost: " + rigHost + "\r\n\r\n"
		if r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text))); err == nil && r.RequestURI == target {
			sendable = true
			site.ServeHTTP(httptest.NewRecorder(), r)
		}
		for name, describe := range map[string]func(*http.Request){
			"X-Forwarded": func(r *http.Request) {
				r.Header["X-Forwarded-Method"], r.Header["X-Forwarded-Uri"] = []string{method}, []string{target}
			},
			"X-Original": func(r *http.Request) {
				r.Header["X-Original-Method"], r.Header["X-Original-Uri"] = []string{method}, []string{target}
			},
			"X-Original-Url": func(r *http.Request) {
				r.Header["X-Original-Method"], r.Header["X-Original-Url"] = []string{method}, []string{rigOrigin + target}
			},
			"path": func(r *http.Request) {
				r.Method, r.RequestURI, r.URL.Path = method, "/_wx/auth"+target, "/_wx/auth"+target
			},
		} {
			r := httptest.NewRequest("GET", "/_wx/auth", nil)
			r.RemoteAddr = "127.0.0.1:1"
			describe(r)
			switch {
			case strings.HasPrefix(target, "/") && (name != "path" || sendable):
			case name == "path", name == "X-Original-Url":
				continue // does not reach the endpoint, or names another host
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			switch w.Code {
			case 200, 401, 403:
			case 400, 405:
				odd := w.Code == 400 && !fieldnames.IsToken(method)
				if name != "path" && !odd {
					t.Errorf("%s, %q %q: answer %d", name, method, target, w.Code)
				}
			default:
				t.Errorf("%s, %q %q: answer %d", name, method, target, w.Code)
			}
			if w.Code == 200 && !reached {
				t.Errorf("%s, %q %q: passes, but does not reach the site", name, method, target)
			}
		}
	})
}
