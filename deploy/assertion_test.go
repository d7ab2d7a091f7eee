package deploy_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

const (
	assertingSite  = "https://h5.example.com"
	assertedOpenID = "oABC-123_xyz456789012345678"
)

// gateway/README.md shows the verifier that these tests run.
func TestVerifierOfREADME(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("verifier_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../gateway/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(source), "\n// newVerifier")
	if !strings.Contains(string(readme), "```go\n// newVerifier"+code+"```") {
		t.Error("the verifier in gateway/README.md differs from the one in verifier_test.go")
	}
}

// The verifier takes the visitor from an assertion of the gateway, and from nothing else.
func TestVerifier(t *testing.T) {
	t.Parallel()
	gate := newAssertingGate(t)
	assertion := gate.assertion()
	header, rest, _ := strings.Cut(assertion, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	forged := encode(strings.Replace(decoded(t, payload), "oABC", "oXYZ", 1))
	for _, tt := range []struct {
		name, site, assertion string
		valid                 bool
	}{
		{"as the gateway made it", assertingSite, assertion, true},
		{"of another site", "https://shop.example.com", assertion, false},
		{"none", assertingSite, "", false},
		{"another visitor", assertingSite, header + "." + forged + "." + signature, false},
		{"without a signature", assertingSite, encode(`{"alg":"none"}`) + "." + payload + ".", false},
		{"another algorithm", assertingSite, encode(`{"alg":"HS256"}`) + "." + payload + "." + signature, false},
		{"of another gateway", assertingSite, newAssertingGate(t).assertion(), false},
	} {
		// Not parallel: an assertion is valid for a minute, and a parallel test may wait for longer.
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("X-WX-Assertion", tt.assertion)
			got, err := openID(newVerifier(tt.site, gate.jwks), r)
			if tt.valid && (err != nil || got != assertedOpenID) || !tt.valid && (err == nil || got != "") {
				t.Errorf("openID = %q, %v; valid %v", got, err, tt.valid)
			}
		})
	}
}

// A verifier that has seen a key stops trusting it five minutes later if the gateway has
// withdrawn it, without seeing a new one before.
func TestVerifierForgetsKeys(t *testing.T) {
	t.Parallel()
	gate := newAssertingGate(t)
	keys := &keySet{url: gate.jwks}
	v := oidc.NewVerifier(assertingSite, keys, &oidc.Config{
		ClientID: assertingSite, SupportedSigningAlgs: []string{oidc.EdDSA},
	})
	assertion := gate.assertion()
	if _, err := v.Verify(t.Context(), assertion); err != nil {
		t.Fatal(err)
	}
	keys.url = newAssertingGate(t).jwks // as the same gateway with another key alone
	if _, err := v.Verify(t.Context(), assertion); err != nil {
		t.Errorf("within five minutes: %v", err)
	}
	keys.fetched = time.Now().Add(-6 * time.Minute)
	if _, err := v.Verify(t.Context(), assertion); err == nil {
		t.Error("a withdrawn key is trusted after six minutes")
	}
}

// decoded returns what a part of a JWT holds.
func decoded(t *testing.T, part string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An assertingGate is a gateway with a key of its own, and a visitor who is signed in.
type assertingGate struct {
	*gateway.Gateway
	cookie string
	jwks   string // address of its key set
}

func newAssertingGate(t *testing.T) assertingGate {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	account := &wechat.Client{AppID: "wx0123456789abcdef", AppSecret: "not used here"}
	keys := session.Keys{[]byte("0123456789abcdef0123456789abcdef")}
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{{
		PublicURL: assertingSite, Account: account, CookieKeys: keys, AssertionKeysFile: path,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	store, err := session.NewCookieStore(session.Config{
		Keys: keys, Site: assertingSite, AppID: account.AppID, Secure: true,
		Lifetime: session.Lifetime{TTL: time.Hour, MaxTTL: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	now, h := time.Now(), make(http.Header)
	visitor := &session.Session{
		AppID: account.AppID, OpenID: assertedOpenID, Scope: "snsapi_base", IssuedAt: now, RenewedAt: now,
	}
	if err := store.Save(nil, h, visitor); err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return assertingGate{g, cookie, server.URL + "/_wx/jwks.json"}
}

// assertion returns what the site gets with a request of the visitor.
func (g assertingGate) assertion() (assertion string) {
	site := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assertion = r.Header.Get("X-WX-Assertion")
	})
	r := httptest.NewRequest(http.MethodGet, assertingSite+"/shop", nil)
	r.Header.Set("Cookie", g.cookie)
	g.Wrap(site).ServeHTTP(httptest.NewRecorder(), r)
	return assertion
}
