package deploy_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

// The tests do not run Envoy, and Traefik only on a machine that has it. They send
// the auth request that the documentation of the proxy describes, as the shipped
// files configure it, and apply the response as it describes.

// A verdict is what such a proxy does with a visitor's request.
type verdict struct {
	status  int         // 200: forwarded
	request http.Header // as forwarded
	answer  http.Header // that the visitor gets, without those of the site
}

// testSimulated tests wxgate's promises at a proxy. The function ask does what the
// proxy does with a request for the host of origin, which is wxgate's public URL.
func testSimulated(t *testing.T, origin string, ask func(t *testing.T, method, target string, h http.Header) verdict) {
	v := newVisitor(t)
	v.client.CheckRedirect = nil
	v.get(t, origin+"/_wx/login", pageLoad) // ends at the site's address, where wxgate answers 404
	session := http.Header{"Cookie": {v.cookies(t, origin)}}
	forged := http.Header{}
	for _, name := range claimedHeaders {
		forged[http.CanonicalHeaderKey(name)] = []string{"forged"}
	}
	claims := http.Header{
		"X-Original-Uri": {"/static/a.css"}, "X-Original-Url": {"/static/a.css"},
		"X-Forwarded-Uri": {"/static/a.css"}, "X-Rewrite-Url": {"/static/a.css"},
		"X-Forwarded-Method": {"GET"}, "X-Original-Method": {"GET"}, "X-Forwarded-Host": {"forged.example.com"},
	}

	tests := []struct {
		name    string
		method  string
		target  string
		headers []http.Header
		status  int
		openID  bool
	}{
		{"signed in", "GET", "/orders?a=%E4%BD%A0", []http.Header{pageLoad, session}, 200, true},
		{"signed in, POST", "POST", "/orders", []http.Header{script, session}, 200, true},
		{"signed in, public", "GET", "/static/a.css", []http.Header{script, session}, 200, true},
		{"signed in, forged", "GET", "/orders", []http.Header{script, session, forged}, 200, true},
		{"signed in, claims", "GET", "/orders", []http.Header{script, session, claims}, 200, true},
		{"public", "GET", "/static/a.css", []http.Header{pageLoad}, 200, false},
		{"public, forged", "GET", "/static/a.css", []http.Header{script, forged}, 200, false},
		{"public, claims", "GET", "/static/a.css", []http.Header{script, claims}, 200, false},
		{"fetch", "GET", "/orders", []http.Header{script}, 401, false},
		{"fetch, forged", "GET", "/orders", []http.Header{script, forged}, 401, false},
		{"fetch, claims", "GET", "/orders", []http.Header{script, claims}, 401, false},
		{"POST to a page public for GET", "POST", "/news/7", []http.Header{script}, 401, false},
		{"path that reads two ways", "GET", "/static/..%2forders", []http.Header{script}, 401, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"User-Agent": {userAgent}}
			for _, more := range tt.headers {
				maps.Copy(h, more)
			}
			got := ask(t, tt.method, tt.target, h)
			if got.status != tt.status {
				t.Fatalf("%s %s = %d, want %d", tt.method, tt.target, got.status, tt.status)
			}
			if tt.status != 200 {
				if !strings.HasPrefix(got.answer.Get("X-Wx-Login-Url"), origin+"/_wx/login") || !isJSON(got.answer) {
					t.Errorf("visitor gets %q, want JSON and X-WX-Login-URL", got.answer)
				}
				return
			}
			if openID := got.request.Get("X-Wx-Openid"); (openID != "") != tt.openID {
				t.Errorf("site gets openid %q, want one %t", openID, tt.openID)
			}
			if _, source := got.request["X-Wx-Source"]; source != tt.openID {
				t.Errorf("site gets X-WX-Source %q, want one %t", got.request["X-Wx-Source"], tt.openID)
			}
			for name, values := range got.request {
				if strings.Contains(strings.Join(values, " "), "forged") {
					t.Errorf("site gets %s %q", name, values)
				}
			}
		})
	}
}

// startBare starts wxgate without a proxy. It listens at the address of its public
// URL.
func startBare(t *testing.T, changes ...string) (origin, address string) {
	t.Helper()
	address = freeAddress(t)
	origin = "http://" + address
	changes = append([]string{"WXGATE_LISTEN=" + address, "WXGATE_PUBLIC_URL=" + origin}, changes...)
	startGateway(t, buildGateway(t), changes...)
	return origin, address
}

// A client that is not the proxy may call the auth endpoint about its own session,
// but wxgate ignores the headers in which it describes another request.
func TestOnlyTheProxyIsTrusted(t *testing.T) {
	t.Parallel()
	origin, _ := startBare(t, "WXGATE_TRUSTED_PROXIES=192.0.2.1")
	nobody := newVisitor(t)
	for _, h := range []http.Header{
		{"X-Forwarded-Uri": {"/static/a.css"}, "X-Forwarded-Method": {"GET"}},
		{"X-Original-Uri": {"/static/a.css"}, "X-Original-Method": {"GET"}},
		{"X-Original-Url": {origin + "/static/a.css"}},
		{"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Uri": {"/static/a.css"}},
	} {
		h["Sec-Fetch-Mode"] = []string{"cors"}
		for _, target := range []string{"/_wx/auth", "/_wx/auth/static/a.css"} {
			if res := nobody.get(t, origin+target, h); res.StatusCode != 401 {
				t.Errorf("GET %s with %v = %d, want 401", target, h, res.StatusCode)
			}
		}
	}
}

// asProxy sends an auth request and returns the response. It follows no redirect.
func asProxy(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}
