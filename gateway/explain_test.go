package gateway_test

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpguts"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
)

// deniedOpenID is on the deny list of explainedGateway.
const deniedOpenID = "oDenied-123_xyz4567890123456"

// explainedGateway returns a gateway before a site that puts the header of each request
// that reaches it into the channel.
func explainedGateway(t testing.TB, change ...func(*testConfig)) (*gateway.Gateway, <-chan http.Header) {
	reached := make(chan http.Header, 1)
	list := filepath.Join(t.TempDir(), "deny")
	if err := os.WriteFile(list, []byte(deniedOpenID+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	site := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.Header })
	g, _ := newGateway(t, site, append([]func(*testConfig){func(c *testConfig) {
		c.PublicPaths, c.APIPaths = []string{"/static/", "GET /news/{id}"}, []string{"/api/"}
		c.TrustedProxies = loopback
		c.DenyOpenIDsFile = list
		c.MaxBodyBytes = 100
		c.VerifyFiles = []string{"abc123"}
		c.AccessLog = false
	}}, change...)...)
	return g, reached
}

// requestOf returns the request with some lines of headers, as a server reads it.
func requestOf(method, target, lines string) (*http.Request, error) {
	var text strings.Builder
	text.WriteString(method + " " + target + " HTTP/1.1\r\nHost: " + rigHost + "\r\n")
	for line := range strings.Lines(lines) {
		text.WriteString(strings.Trim(line, "\r\n") + "\r\n")
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text.String() + "\r\n")))
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header { // which http.Server looks at itself, and answers 400
		if !httpguts.ValidHeaderFieldName(name) || slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return nil, fmt.Errorf("header %q is invalid", name)
		}
	}
	r.RemoteAddr = "127.0.0.1:1024"
	return r, nil
}

// states differ between two answers to one request.
var states = regexp.MustCompile(`\bstate=[0-9a-f]{32}`)

// FuzzExplain: Explain says what ServeHTTP does, for every request.
func FuzzExplain(f *testing.F) {
	for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "PROPFIND", "TRACE", "get", "C@T"} {
		for _, target := range []string{
			"/", "/cart?a=b", "/static/app.js", "/static/..%2fx", "/api/users", "/news/1", "//evil", "*", "/_wx/login",
			"/_wx/logout", "/_wx/me", "/_wx/nope", "/x/../_wx/me", "/MP_verify_abc123.txt", "/_wx/auth", "/_wx/auth/cart",
		} {
			f.Add(method, target, "Sec-Fetch-Mode: navigate\nAccept: text/html", byte(0))
		}
	}
	for _, lines := range []string{
		"Accept: */*", "User-Agent: Mozilla/5.0\nAccept: */*", "Sec-Fetch-Mode: cors", "X-Requested-With: XMLHttpRequest",
		"Connection: Upgrade\nUpgrade: websocket", "X-Forwarded-Proto: http\nAccept: text/html", "Content-Length: 5000",
		"X-WX-OpenID: evil\nX_wx_openid: evil", "Connection: X-WX-OpenID", "x 00: a", "A: \x01",
		"Connection: Upgrade\nUpgrade: \x84",
		"X-Forwarded-Uri: /cart\nX-Forwarded-Method: GET\nX-Forwarded-Host: h5.example.com", "X-Original-URI: /static/a",
	} {
		for visitor := range byte(3) {
			f.Add("GET", "/cart", lines, visitor)
			f.Add("POST", "/static/x", lines, visitor)
			f.Add("GET", "/_wx/auth?redirect=true", lines, visitor)
		}
	}
	g, reached := explainedGateway(f)
	f.Fuzz(func(t *testing.T, method, target, lines string, visitor byte) {
		if strings.ContainsAny(method+target, " \r\n") || strings.Contains(strings.ToLower(lines), "expect") {
			return
		}
		as := &session.Session{OpenID: [...]string{"", rigOpenID, deniedOpenID}[visitor%3], IssuedAt: time.Now(), RenewedAt: time.Now()}
		r, err := requestOf(method, target, lines)
		if err != nil || r.Header.Get("Cookie") != "" || r.Host != rigHost ||
			r.ContentLength < 0 || r.ContentLength > 0 && r.ContentLength <= 100 { // its body would be missing
			return
		}
		if as.OpenID != "" {
			r.Header.Set("Cookie", signedIn(t, func(s *session.Session) { s.OpenID = as.OpenID }))
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r.Clone(t.Context()))
		explained := httptest.NewRecorder()
		x := g.Explain(explained, r.Clone(t.Context()), as)
		checkExplained(t, w, reached, explained, x)
	})
}

// checkExplained compares an answer of the gateway with an explanation of it.
func checkExplained(
	t *testing.T, w *httptest.ResponseRecorder, reached <-chan http.Header, explained *httptest.ResponseRecorder,
	x *gateway.Explanation,
) {
	t.Helper()
	forwarded := x.Upstream.URL != nil
	select {
	case header := <-reached:
		if !forwarded {
			t.Fatalf("the site was reached, but Explain says %+v", x)
		}
		identity := maps.Clone(header)
		maps.DeleteFunc(identity, func(name string, _ []string) bool { return !strings.HasPrefix(name, "X-Wx-") })
		if !maps.EqualFunc(identity, x.Identity, slices.Equal) {
			t.Errorf("identity headers %v, Explain says %v", identity, x.Identity)
		}
		for _, name := range x.Removed {
			if len(header[name]) > 0 && name != "Connection" && name != "Upgrade" && name != "Content-Length" {
				t.Errorf("the site got %s, which Explain says is removed", name)
			}
		}
		return
	default:
	}
	if forwarded && x.Outcome != "error" { // which is ReverseProxy's own refusal, of an Upgrade it cannot pass on
		t.Fatalf("the site was not reached (%d), but Explain says %+v", w.Code, x)
	}
	if explained.Code != w.Code {
		t.Errorf("status %d, Explain answers %d: %+v", w.Code, explained.Code, x)
	}
	got := states.ReplaceAllString(explained.Header().Get("Location"), "")
	if want := states.ReplaceAllString(w.Header().Get("Location"), ""); got != want {
		t.Errorf("location %q, Explain answers %q", want, got)
	}
}

// The rules of an explanation name the field and its item.
func TestExplainRules(t *testing.T) {
	t.Parallel()
	g, _ := explainedGateway(t)
	page := "User-Agent: " + browserUA + "\nSec-Fetch-Mode: navigate"
	for _, tt := range []struct {
		name, method, target, header, as string
		want                             gateway.Rule
	}{
		{"public", "GET", "/static/a", page, "", gateway.Rule{Name: "public", Field: "PublicPaths", Value: "/static/"}},
		{"public with a method", "GET", "/news/1", page, "", gateway.Rule{Name: "public", Field: "PublicPaths", Value: "GET /news/{id}"}},
		{"two ways", "GET", "/static/%2e%2e/x", page, "", gateway.Rule{Name: "not public", Field: "PublicPaths", Text: "opens no path that can be read in two ways"}},
		{"api", "GET", "/api/x", page, "", gateway.Rule{Name: "401", Field: "APIPaths", Value: "/api/"}},
		{"api by a script", "GET", "/api/x", "Sec-Fetch-Mode: cors", "", gateway.Rule{Name: "401", Field: "APIPaths", Value: "/api/"}},
		{"login", "GET", "/cart", page, "", gateway.Rule{Name: "login", Text: "a page load without a session"}},
		{"script", "GET", "/cart", "Sec-Fetch-Mode: cors", "", gateway.Rule{Name: "not a page load", Text: "Sec-Fetch-Mode is not navigate"}},
		{"form", "POST", "/cart", page, "", gateway.Rule{Name: "401", Text: "a form without a session; its page has a button to sign in"}},
		{"passes", "GET", "/cart", page, rigOpenID, gateway.Rule{Name: "list", Field: "DenyOpenIDsFile", Text: "does not hold the visitor"}},
		{"denied", "GET", "/cart", page, deniedOpenID, gateway.Rule{Name: "403", Field: "DenyOpenIDsFile", Text: "holds the visitor"}},
		{"body", "POST", "/cart", "Content-Length: 101", rigOpenID, gateway.Rule{Name: "413", Field: "MaxBodyBytes", Text: "the body is longer, as its Content-Length says"}},
		{"own, not there", "GET", "/_wx/x", page, "", gateway.Rule{Name: "404", Field: "Prefix", Value: "/_wx", Text: "no endpoint has this path"}},
		{"plain http", "GET", "/cart", page + "\nX-Forwarded-Proto: http", "", gateway.Rule{Name: "https", Field: "PublicURL", Text: "cookies set by plain http would be lost"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := requestOf(tt.method, tt.target, tt.header)
			if err != nil {
				t.Fatal(err)
			}
			x := g.Explain(httptest.NewRecorder(), r, &session.Session{OpenID: tt.as})
			if !slices.Contains(x.Rules, tt.want) {
				t.Errorf("Explain(%s %s) lacks a rule (-want +got):\n%s", tt.method, tt.target, cmp.Diff([]gateway.Rule{tt.want}, x.Rules))
			}
		})
	}
}

// A session that nobody gives is that of the request's cookie, and a host of no site
// has none.
func TestExplainVisitor(t *testing.T) {
	t.Parallel()
	g, _ := explainedGateway(t, func(c *testConfig) { c.Hosts = []string{"shop.example.com"} })
	r, err := requestOf("GET", "/cart", "Cookie: "+signedIn(t))
	if err != nil {
		t.Fatal(err)
	}
	if x := g.Explain(httptest.NewRecorder(), r, nil); x.Action != gateway.ActionPassVisitor || x.Outcome != "proxied" {
		t.Errorf("with the visitor's cookie: %+v, want the visitor", x)
	}
	if x := g.Explain(httptest.NewRecorder(), r, new(session.Session)); x.Action == gateway.ActionPassVisitor {
		t.Errorf("nobody passes: %+v", x)
	}
	r.RemoteAddr, r.Host = netip.MustParseAddrPort("203.0.113.7:1").String(), "elsewhere.example.com"
	w := httptest.NewRecorder()
	if x := g.Explain(w, r, nil); x.Site != -1 || w.Code != http.StatusMisdirectedRequest {
		t.Errorf("a host of no site: %d, %+v", w.Code, x)
	}
}
