package assertion

import (
	"crypto/elliptic"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/sweep"
)

const testIssuer = "https://h5.example.com"

var testVisitor = Visitor{OpenID: "oABC", AppID: "wx0123456789abcdef", UnionID: "uABC"}

// newTestIssuer returns an issuer with the keys in text, the path of their file,
// and its log.
func newTestIssuer(t testing.TB, text string) (*Issuer, string, *logBuffer) {
	t.Helper()
	path, log := filepath.Join(t.TempDir(), "keys.pem"), new(logBuffer)
	replaceKeys(t, path, text)
	keys, err := OpenKeys(path, zerolog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	go keys.Run(t.Context())
	return New(keys, testIssuer, zerolog.New(log)), path, log
}

// logBuffer collects log lines. It is safe for concurrent use.
type logBuffer struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(line)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.String()
}

// Len returns the length of all lines.
func (b *logBuffer) Len() int { return len(b.String()) }

// replaceKeys puts another file at path, at once.
func replaceKeys(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestTokenClaims(t *testing.T) {
	t.Parallel()
	p256 := newECDSA(t, elliptic.P256())
	for _, test := range []struct {
		name, keys, alg string
		id              Visitor
		unionID         any
	}{
		{"Ed25519", newEd25519(t), "EdDSA", testVisitor, "uABC"},
		{"P-256", pkcs8(t, p256), "ES256", testVisitor, "uABC"},
		{"P-256 in SEC 1", pemBlock(t, "EC PRIVATE KEY")(x509.MarshalECPrivateKey(p256)), "ES256", testVisitor, "uABC"},
		{"the first of several", newEd25519(t) + "\r\n\n" + pkcs8(t, p256), "EdDSA", testVisitor, "uABC"},
		{"no unionid", newEd25519(t), "EdDSA", Visitor{OpenID: "oABC", AppID: testVisitor.AppID}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				issuer, _, _ := newTestIssuer(t, test.keys)
				time.Sleep(700 * time.Millisecond)
				header, claims := verified(t, issuer, issuer.Token(test.id))
				wantHeader := map[string]any{"alg": test.alg, "kid": keyIDOf(t, test.keys), "typ": "JWT"}
				if diff := cmp.Diff(wantHeader, header); diff != "" {
					t.Errorf("header (-want +got):\n%s", diff)
				}
				now := float64(time.Now().Unix())
				want := map[string]any{
					"iss": testIssuer, "aud": testIssuer,
					"sub": "oABC", "appid": "wx0123456789abcdef",
					"iat": now, "exp": now + 60,
				}
				if test.unionID != nil {
					want["unionid"] = test.unionID
				}
				if diff := cmp.Diff(want, claims); diff != "" {
					t.Errorf("claims (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTokenOfNoIssuer(t *testing.T) {
	t.Parallel()
	var none *Issuer
	if got := none.Token(testVisitor); got != "" {
		t.Errorf("token of no issuer = %q, want none", got)
	}
}

// A visitor has one token for half a minute, and no other visitor has it.
func TestTokenReuse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer, _, _ := newTestIssuer(t, newEd25519(t))
		first := issuer.Token(testVisitor)
		for _, change := range []func(*Visitor){
			func(id *Visitor) { id.OpenID = "oDEF" },
			func(id *Visitor) { id.AppID = "wxfedcba9876543210" },
			func(id *Visitor) { id.UnionID = "" },
			func(id *Visitor) { id.OpenID, id.UnionID = "oABCu", "ABC" },
		} {
			other := testVisitor
			change(&other)
			_, claims := verified(t, issuer, issuer.Token(other))
			unionID, _ := claims["unionid"].(string)
			if claims["sub"] != other.OpenID || claims["appid"] != other.AppID || unionID != other.UnionID {
				t.Errorf("token for %+v says %v", other, claims)
			}
		}
		time.Sleep(29 * time.Second)
		if issuer.Token(testVisitor) != first {
			t.Error("after 29 seconds: another token, want the same")
		}
		time.Sleep(time.Second)
		second := issuer.Token(testVisitor)
		if second == first {
			t.Error("after 30 seconds: the same token, want another")
		}
		if _, claims := verified(t, issuer, second); claims["iat"] != float64(time.Now().Unix()) {
			t.Errorf("iat = %v, want now", claims["iat"])
		}
	})
}

// Concurrent requests carry one token: no two ECDSA signatures are equal.
func TestTokensAtOnce(t *testing.T) {
	t.Parallel()
	issuer, _, _ := newTestIssuer(t, pkcs8(t, newECDSA(t, elliptic.P256())))
	got := make([]string, 50)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = issuer.Token(testVisitor) })
	}
	wg.Wait()
	// Two if the half minute ends in between.
	if distinct := slices.Compact(slices.Sorted(slices.Values(got))); len(distinct) > 2 || distinct[0] == "" {
		t.Errorf("%d tokens for one visitor, want 1: %q", len(distinct), distinct)
	}
}

// Old tokens are forgotten, or every visitor would leave one.
func TestTokensForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer, _, _ := newTestIssuer(t, newEd25519(t))
		for range 4 {
			for i := range 1000 {
				issuer.Token(Visitor{OpenID: fmt.Sprint(i, time.Now().Unix())})
			}
			time.Sleep(30 * time.Second)
		}
		if got := issuer.tokens.Len(); got > 2*sweep.Min {
			t.Errorf("%d tokens kept, want at most %d", got, 2*sweep.Min)
		}
	})
}

// The next request of a visitor allocates nothing.
func TestTokenAllocations(t *testing.T) {
	issuer, _, _ := newTestIssuer(t, newEd25519(t))
	if got := testing.AllocsPerRun(100, func() { issuer.Token(testVisitor) }); got != 0 {
		t.Errorf("%v allocations for an token that is there, want 0", got)
	}
}

func BenchmarkToken(b *testing.B) {
	for _, kind := range []struct{ name, keys string }{
		{"EdDSA", newEd25519(b)},
		{"ES256", pkcs8(b, newECDSA(b, elliptic.P256()))},
	} {
		issuer, _, _ := newTestIssuer(b, kind.keys)
		b.Run("cached/"+kind.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				issuer.Token(testVisitor)
			}
		})
		b.Run("sign/"+kind.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				issuer.tokens = newTokens()
				issuer.Token(testVisitor)
			}
		})
	}
}
