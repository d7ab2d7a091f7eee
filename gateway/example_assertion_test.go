package gateway_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// A verifier checks assertions by the gateway's public keys, which it asks for
// once in five minutes.
type verifier struct {
	site string // its public URL: "https://h5.example.com"
	jwks string // where the keys are: "http://wxgate:8080/_wx/jwks.json"

	mu      sync.Mutex
	keys    jose.JSONWebKeySet
	fetched time.Time
}

// openID returns the visitor for whom the assertion vouches.
func (v *verifier) openID(assertion string) (string, error) {
	token, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		return "", err
	}
	keys, err := v.published()
	if err != nil {
		return "", err
	}
	var claims jwt.Claims
	if err := token.Claims(keys, &claims); err != nil { // by the key that the token names
		return "", err
	}
	expected := jwt.Expected{Issuer: v.site, AnyAudience: jwt.Audience{v.site}}
	if err := claims.ValidateWithLeeway(expected, 10*time.Second); err != nil {
		return "", err
	}
	return claims.Subject, nil
}

// published returns the gateway's public keys.
func (v *verifier) published() (jose.JSONWebKeySet, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.fetched) < 5*time.Minute {
		return v.keys, nil
	}
	var keys jose.JSONWebKeySet
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(v.jwks)
	if err != nil {
		return keys, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return keys, fmt.Errorf("%s: %s", v.jwks, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(&keys); err != nil {
		return keys, err
	}
	v.keys, v.fetched = keys, time.Now()
	return keys, nil
}

// A site that does not trust its network verifies who the visitor is.
func Example_assertion() {
	gate, cookie, err := gateWithAssertions()
	if err != nil {
		log.Fatal(err)
	}
	v := &verifier{site: "https://h5.example.com"}
	site := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assertion := r.Header.Get("X-WX-Assertion")
		fmt.Println(v.openID(assertion))

		forged := strings.Replace(assertion, ".", ".A", 1)
		_, err := v.openID(forged)
		fmt.Println("forged:", err != nil)
	})
	own := httptest.NewServer(gate)
	defer own.Close()
	v.jwks = own.URL + "/_wx/jwks.json"

	r := httptest.NewRequest("GET", "https://h5.example.com/shop", nil)
	r.Header.Set("Cookie", cookie)
	gate.Wrap(site).ServeHTTP(httptest.NewRecorder(), r)
	// Output:
	// oABC-123_xyz456789012345678 <nil>
	// forged: true
}

// The README shows the verifier as it stands here.
func TestReadmeShowsTheVerifier(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_assertion_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(readme), "```go\n// A verifier")
	shown, _, _ = strings.Cut(shown, "```")
	if shown == "" || !strings.Contains(string(source), "// A verifier"+shown) {
		t.Error("the README's verifier differs from the one in example_assertion_test.go")
	}
}

// gateWithAssertions returns a gateway that has a key, and the cookie of a
// visitor who has signed in.
func gateWithAssertions() (*gateway.Gateway, string, error) {
	dir, err := os.MkdirTemp("", "assertion")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "keys.pem")
	if err := writeAssertionKey(path); err != nil {
		return nil, "", err
	}
	gate, err := gateway.New(gateway.Config{Sites: []gateway.Site{{
		PublicURL:         rigOrigin,
		Account:           &wechat.Client{AppID: rigAppID, AppSecret: "not used here"},
		CookieKeys:        rigKeys(),
		AssertionKeysFile: path,
	}}})
	if err != nil {
		return nil, "", err
	}
	store, err := session.NewCookieStore(session.Config{
		Keys: rigKeys(), Site: rigOrigin, AppID: rigAppID, Secure: true,
		Lifetime: session.Lifetime{TTL: time.Hour, MaxTTL: time.Hour},
	})
	if err != nil {
		return nil, "", err
	}
	now, h := time.Now(), make(http.Header)
	err = store.Save(nil, h, &session.Session{AppID: rigAppID, OpenID: rigOpenID, Scope: "snsapi_base", IssuedAt: now, RenewedAt: now})
	cookie, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	return gate, cookie, err
}

// writeAssertionKey writes a new key to a file.
func writeAssertionKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
