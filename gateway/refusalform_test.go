package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
)

// On an API path no refusal is a page, no matter what makes it: the gateway's rules, a
// limit, or a missing upstream.
func TestAPIPathIsRefusedInJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, func(c *testConfig) {
		c.APIPaths, c.MaxBodyBytes = []string{"/api/"}, 4
		c.Upstreams = []gateway.Upstream{{Prefix: "/shop/", URL: mustURL(t, "http://127.0.0.1:1")}}
	})
	visitor := signedIn(t)
	for _, test := range []struct {
		path, body string
		status     int
		word       string // empty: a page
	}{
		{"/api/none", "", 404, "not_found"},
		{"/%61pi/none", "", 404, "not_found"},
		{"/api/none", "too long", 413, "body_too_large"},
		{"/none", "", 404, ""},
		{"/none", "too long", 413, ""},
		{"/shop/x", "", 502, ""},
	} {
		q := r.newRequest(t, "GET", test.path, strings.NewReader(test.body), "Accept", "text/html", "Cookie", visitor)
		a := r.send(t, q)
		if a.StatusCode != test.status {
			t.Errorf("GET %s with %q: status %d, want %d", test.path, test.body, a.StatusCode, test.status)
		}
		if test.word == "" && !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("GET %s with %q: %s, want a page", test.path, test.body, a.Header.Get("Content-Type"))
		}
		if test.word != "" && refusalOf(t, a).Error != test.word {
			t.Errorf("GET %s with %q: %s, want %s", test.path, test.body, a.body, test.word)
		}
	}
}

// A host of no site is 421 also for requests that no site could read.
func TestUnknownSiteComesFirst(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil, func(c *testConfig) { c.Hosts = []string{rigHost} })
	for _, test := range []struct {
		method, host string
		want         int
	}{
		{"CONNECT", "other.example.com", 421},
		{"TRACE", "other.example.com", 421},
		{"TRACE", rigHost, 405},
	} {
		r := httptest.NewRequest(test.method, "/", nil)
		r.Host = test.host
		w := httptest.NewRecorder()
		if g.ServeHTTP(w, r); w.Code != test.want {
			t.Errorf("%s at %s: answer %d, want %d", test.method, test.host, w.Code, test.want)
		}
	}
}

// The caller's request stays as it is, for a handler around the gateway.
func TestCallersRequestStays(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil, func(c *testConfig) { c.MaxBodyBytes = 100 })
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, path := range []string{"/", "/_wx/logout", "/_wx/session"} {
		body := http.NoBody
		r := httptest.NewRequest("POST", path, body)
		r.Host, r.ContentLength = rigHost, 10
		r.Header.Set("Cookie", signedIn(t))
		r.Header.Set("X-WX-OpenID", "sent")
		before := fmt.Sprint(r.Header)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if r.Body != body {
			t.Errorf("POST %s: the body is a %T afterwards, want the caller's", path, r.Body)
		}
		if after := fmt.Sprint(r.Header); after != before {
			t.Errorf("POST %s: the header is %s afterwards, want %s", path, after, before)
		}
	}
}

// What a proxy forwards from an answer of Authorize has no length of a body.
func TestAuthorizeOwnPathWithHeadersOfNginx(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil)
	r := httptest.NewRequest("GET", "/_wx/auth", nil)
	r.Host = rigHost
	r.Header.Set("X-Original-URI", "/orders")
	w := httptest.NewRecorder()
	if g.Authorize(w, r); w.Code != 200 || w.Header().Get("Content-Length") != "" {
		t.Errorf("answer %d with header %v, want 200 without Content-Length", w.Code, w.Header())
	}
}

// A configuration may be printed: no verb shows a secret in it.
func TestConfigHidesSecrets(t *testing.T) {
	t.Parallel()
	c := gateway.Config{Sites: []gateway.Site{{
		PublicURL: rigOrigin, CookieKeys: rigKeys(),
		Account: &wechat.Client{AppID: rigAppID, AppSecret: "planted-secret"},
	}}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text := fmt.Sprintf(verb, c)
		for _, secret := range []string{"planted-secret", fmt.Sprintf("%x", "planted-secret"), "kkkk", "107 107", "6b6b"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q", verb, secret)
			}
		}
	}
}
