package gateway_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
)

// Every door passes an assertion for visitors with a session, and only for them.
// None passes the client's.
func TestAssertionThroughEveryDoor(t *testing.T) {
	t.Parallel()
	site := new(echo)
	upstream := httptest.NewServer(site)
	t.Cleanup(upstream.Close)
	g, _ := newGateway(t, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}}
		c.PublicPaths = []string{"/static/"}
		c.TrustedProxies = loopback
		c.AssertionKeysFile = newAssertionKey(t)
	})
	client := newExtAuthz(t, g)
	doors := map[string]func(q doorRequest) string{
		"proxy": func(q doorRequest) string { return assertionSeen(t, g, q) },
		"Wrap":  func(q doorRequest) string { return assertionSeen(t, g.Wrap(site), q) },
		"forward auth": func(q doorRequest) string {
			w := serveDoor(t, g, "/_wx/auth"+q.target, q)
			return w.Header().Get("X-WX-Assertion")
		},
		"ext_authz": func(q doorRequest) string {
			answer, err := client.Check(t.Context(), checkOf(q))
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range answer.GetOkResponse().GetHeaders() {
				if h.GetHeader().GetKey() == "x-wx-assertion" {
					return headerValue(h.GetHeader())
				}
			}
			return ""
		},
	}
	cookie := signedIn(t)
	for name, through := range doors {
		for _, header := range [][]string{nil, {"X-WX-Assertion", "forged"}} {
			if got := through(doorRequest{"GET", "/orders", append([]string{"Cookie", cookie}, header...)}); strings.Count(got, ".") != 2 {
				t.Errorf("%s, header %q: assertion %q, want a JWT", name, header, got)
			}
			if got := through(doorRequest{"GET", "/static/a", header}); got != "" {
				t.Errorf("%s, header %q, no session: assertion %q, want none", name, header, got)
			}
		}
	}
}

// Forward auth and ext_authz log no openid, cookie, assertion or query, also about
// questions that they refuse.
func TestAuthDoorsLogNoSecrets(t *testing.T) {
	t.Parallel()
	log := new(logBuffer)
	cookie := signedIn(t)
	secrets := []string{rigOpenID, cookie, "planted"}
	for _, target := range []string{"/orders?planted", "/orders#planted"} {
		// A gateway for each: refused questions are logged once a minute.
		g, _ := newGateway(t, nil, func(c *testConfig) {
			c.TrustedProxies, c.AssertionKeysFile = loopback, newAssertionKey(t)
			c.Logger = zerolog.New(log).Level(zerolog.DebugLevel)
		})
		client := newExtAuthz(t, g)
		q := doorRequest{"GET", target, []string{"Cookie", cookie}}
		if _, err := client.Check(t.Context(), checkOf(q)); err != nil {
			t.Fatal(err)
		}
		for _, header := range [][]string{
			forwarded("GET", target), {"X-Original-Uri", target}, {"X-Original-Url", rigOrigin + target, "X-Forwarded-Uri", "/planted"},
		} {
			w := serveDoor(t, g, "/_wx/auth", doorRequest{"GET", "", append(header, q.header...)})
			if assertion := w.Header().Get("X-WX-Assertion"); assertion != "" {
				secrets = append(secrets, assertion)
			}
		}
	}
	if len(secrets) < 4 {
		t.Error("no answer had an assertion: the test checks nothing")
	}
	for _, secret := range secrets {
		if text := log.String(); strings.Contains(text, secret) {
			t.Errorf("the log holds %s:\n%s", secret, text)
		}
	}
}

func TestJWKSEndpoint(t *testing.T) {
	t.Parallel()
	with := newRig(t, nil, func(c *testConfig) { c.AssertionKeysFile = newAssertionKey(t) })
	a := with.do(t, "GET", "/_wx/jwks.json")
	if a.StatusCode != 200 || a.Header.Get("Cache-Control") != "public, max-age=300" ||
		a.Header.Get("Referrer-Policy") != "no-referrer" || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") ||
		!strings.Contains(a.body, `"kid"`) || strings.Contains(a.body, `"d"`) || len(a.Cookies()) > 0 {
		t.Errorf("answer %d %v %s", a.StatusCode, a.Header, a.body)
	}
	if a := with.do(t, "POST", "/_wx/jwks.json"); a.StatusCode != 405 {
		t.Errorf("POST: answer %d, want 405", a.StatusCode)
	}
	if a := newRig(t, nil).do(t, "GET", "/_wx/jwks.json"); a.StatusCode != 404 || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("without keys: answer %d %v, want 404", a.StatusCode, a.Header)
	}
}

// newAssertionKey writes a new key and returns its path.
func newAssertionKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.pem")
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// assertionSeen is the assertion that reaches the echoing site behind h.
func assertionSeen(t *testing.T, h http.Handler, q doorRequest) string {
	t.Helper()
	w := serveDoor(t, h, q.target, q)
	return echoOf(t, &answer{w.Result(), w.Body.String()}).Header.Get("X-WX-Assertion")
}

// serveDoor returns the answer of h to a request for target, with the method and
// headers of q, from a trusted address.
func serveDoor(t *testing.T, h http.Handler, target string, q doorRequest) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), q.method, rigOrigin+target, nil)
	r.RequestURI, r.RemoteAddr = target, "127.0.0.1:40000"
	for i := 0; i < len(q.header); i += 2 {
		r.Header.Add(q.header[i], q.header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
