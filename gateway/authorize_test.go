package gateway_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

// An Envoy that asks about the gateway's own pages too lets them pass unchanged:
// the gateway needs their cookies.
func TestAuthorizeOwnPages(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t, nil, func(c *testConfig) { c.VerifyFiles = []string{"abc"} })
	client := newExtAuthz(t, g)
	for _, tt := range []struct {
		method, target string
		passes         bool
	}{
		{"GET", "/_wx/login?return_to=/x", true},
		{"GET", "/_wx/callback?code=1&state=2", true},
		{"POST", "/_wx/logout", true},
		{"GET", "/MP_verify_abc.txt", true},
		{"GET", "/MP_verify_abd.txt", false},
		{"GET", "/_wx/../orders", false},
		{"GET", "/_wx/%2e%2e/orders", false},
		{"GET", "/%5fwx/login", false},
		{"GET", "/_wx/%6cogin", false},
		{"GET", "/_wx//orders", false},
		{"GET", "/_wxx/login", false},
	} {
		cookie := "__Host-wxgate_login_0123456789abcdef=x; a=b"
		if tt.passes {
			cookie += "; " + signedIn(t)
		}
		q := doorRequest{tt.method, tt.target, []string{"Sec-Fetch-Mode", "cors", "Cookie", cookie, "X-WX-OpenID", "forged"}}
		answer, err := client.Check(t.Context(), checkOf(q))
		if err != nil {
			t.Fatal(err)
		}
		ok := answer.GetOkResponse()
		if (ok != nil) != tt.passes {
			t.Errorf("%s %s: passes %t, want %t", tt.method, tt.target, ok != nil, tt.passes)
		}
		for _, h := range ok.GetHeaders() {
			t.Errorf("%s %s: sets %s", tt.method, tt.target, h.GetHeader().GetKey())
		}
		for _, name := range ok.GetHeadersToRemove() {
			if name == "cookie" {
				t.Errorf("%s %s: removes the cookies", tt.method, tt.target)
			}
		}
		line, outcome := r.lines.next(t), "unauthorized"
		if tt.passes {
			outcome = "own"
		}
		if _, named := line["user"]; line["outcome"] != outcome || named {
			t.Errorf("%s %s: access line %v, want outcome %s and no user", tt.method, tt.target, line, outcome)
		}
	}
}

// Envoy gets the same answer for the visitor as a proxy that uses forward auth.
func TestAuthorizeDeniesAsForwardAuth(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil, func(c *testConfig) {
		c.APIPaths, c.TrustedProxies = []string{"/api/"}, loopback
	})
	client := newExtAuthz(t, g)
	requestID := regexp.MustCompile(`"request_id":"[^"]+"`)
	for _, q := range []doorRequest{
		{"GET", "/orders", asPage},
		{"GET", "/orders", []string{"Sec-Fetch-Mode", "cors", "Referer", rigOrigin + "/shop"}},
		{"POST", "/api/orders", nil},
	} {
		check, err := client.Check(t.Context(), checkOf(q))
		if err != nil {
			t.Fatal(err)
		}
		denied := check.GetDeniedResponse()
		got := http.Header{}
		for _, h := range denied.GetHeaders() {
			got.Add(h.GetHeader().GetKey(), headerValue(h.GetHeader()))
		}
		header := append(forwarded(q.method, q.target), q.header...)
		want := serveDoor(t, g, "/_wx/auth?redirect=true", doorRequest{"GET", q.target, header})
		for _, name := range []string{"Location", "X-WX-Login-URL", "Content-Type", "Cache-Control", "Referrer-Policy"} {
			if got.Get(name) != want.Header().Get(name) {
				t.Errorf("%s %s: %s %q, want %q", q.method, q.target, name, got.Get(name), want.Header().Get(name))
			}
		}
		if status := int(denied.GetStatus().GetCode()); status != want.Code || status == 200 {
			t.Errorf("%s %s: denied with %d, want %d", q.method, q.target, status, want.Code)
		}
		if got, want := requestID.ReplaceAllString(denied.GetBody(), ""), requestID.ReplaceAllString(want.Body.String(), ""); got != want {
			t.Errorf("%s %s: body %s, want %s", q.method, q.target, got, want)
		}
	}
}

// The answer to a request that may pass holds the Cookie header without the
// gateway's cookies, and is not stored. A denial holds no Cookie header.
func TestAuthorizeCookies(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil)
	for _, tt := range []struct {
		name, cookie string
		status       int
		want         []string // Cookie header of the answer
	}{
		{"session alone", signedIn(t), 200, []string{""}},
		{"session and others", "a=1; " + signedIn(t) + "; b=2", 200, []string{"a=1; b=2"}},
		{"invalid session", "a=1; " + rigCookie + "=x", 401, nil},
	} {
		w := serveDoor(t, http.HandlerFunc(g.Authorize), "/orders", doorRequest{"GET", "/orders", []string{"Sec-Fetch-Mode", "cors", "Cookie", tt.cookie}})
		if got := w.Header()["Cookie"]; w.Code != tt.status || !slices.Equal(got, tt.want) {
			t.Errorf("%s: answer %d with Cookie %q, want %d with %q", tt.name, w.Code, got, tt.status, tt.want)
		}
		wantOwnHeaders(t, tt.name, w.Header())
	}
}

// A request whose host is no site's is denied.
func TestAuthorizeElsewhere(t *testing.T) {
	t.Parallel()
	g, err := gateway.New(gateway.Config{
		TrustedProxies: loopback, Sites: []gateway.Site{siteAt(t, "a", "https://a.example.com", "a.example.com")},
	})
	if err != nil {
		t.Fatal(err)
	}
	// The visitor's headers do not choose the site, not even on the path of forward
	// auth.
	for _, target := range []string{"/orders", "/_wx/auth", "/_wx/%61uth"} {
		w := serveDoor(t, http.HandlerFunc(g.Authorize), target, doorRequest{"GET", target, []string{"X-Forwarded-Host", "a.example.com", "X-Forwarded-Uri", "/"}})
		if w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: answer %d, want 421", target, w.Code)
		}
	}
	client := newExtAuthz(t, g)
	for host, want := range map[string]int{"a.example.com": http.StatusFound, "b.example.com": http.StatusMisdirectedRequest} {
		q := checkOf(doorRequest{"GET", "/orders", []string{"X-Forwarded-Host", "a.example.com"}})
		q.Attributes.Request.Http.Host = host
		answer, err := client.Check(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if got := int(answer.GetDeniedResponse().GetStatus().GetCode()); got != want {
			t.Errorf("host %s: denied with %d, want %d", host, got, want)
		}
	}
}
