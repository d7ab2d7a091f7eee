package gateway

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
)

const assertionIssuer = "https://h5.example.com"

var assertedVisitor = Identity{OpenID: "oABC", AppID: "wx0123456789abcdef", UnionID: "uABC", Nickname: "Li Hua"}

// The PEM blocks that openssl makes: genpkey, and ec or ecparam for SEC 1.

func pemBlock(t testing.TB, kind string) func(der []byte, err error) string {
	return func(der []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
}

func pkcs8(t testing.TB, key any) string {
	t.Helper()
	return pemBlock(t, "PRIVATE KEY")(x509.MarshalPKCS8PrivateKey(key))
}

func newEd25519(t testing.TB) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8(t, key)
}

func newECDSA(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// keyIDOf is the ID of the first key in text.
func keyIDOf(t testing.TB, text string) string {
	t.Helper()
	keys, err := parseAssertionKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys.public[0].KeyID
}

// newTestAssertions returns assertions by the keys in text, the path of their
// file, and its log.
func newTestAssertions(t testing.TB, text string) (*assertions, string, *bytes.Buffer) {
	t.Helper()
	path, log := filepath.Join(t.TempDir(), "keys.pem"), new(bytes.Buffer)
	replaceKeys(t, path, text)
	a, err := newBuilder(&shared{logger: zerolog.New(log)}).assertionsOf(path, assertionIssuer)
	if err != nil {
		t.Fatal(err)
	}
	return a, path, log
}

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

// fetchJWKS asks for the published keys.
func fetchJWKS(t testing.TB, a *assertions, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/_wx/jwks.json", nil)
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	if err := a.jwks(w, r); err != nil {
		t.Fatalf("jwks: %v", err)
	}
	return w
}

func publishedIDs(t testing.TB, a *assertions) []string {
	t.Helper()
	var ids []string
	for _, key := range parseJWKS(t, fetchJWKS(t, a).Body.Bytes()).Keys {
		ids = append(ids, key.KeyID)
	}
	return ids
}

func parseJWKS(t testing.TB, body []byte) (set jose.JSONWebKeySet) {
	t.Helper()
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatalf("JWKS %s: %v", body, err)
	}
	return set
}

// verified checks an assertion by the keys that are published now, and returns
// its header and claims.
func verified(t testing.TB, a *assertions, compact string) (header, claims map[string]any) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		t.Fatalf("assertion %q: %v", compact, err)
	}
	set := parseJWKS(t, fetchJWKS(t, a).Body.Bytes())
	keys := set.Key(jws.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d published keys with the ID %q, want 1", len(keys), jws.Signatures[0].Header.KeyID)
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		t.Fatalf("assertion %q: %v", compact, err)
	}
	first, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct {
		text []byte
		into *map[string]any
	}{{raw, &header}, {payload, &claims}} {
		if err := json.Unmarshal(part.text, part.into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// kidOf is the ID of the key that signed the assertion, which is verified.
func kidOf(t testing.TB, a *assertions, compact string) string {
	t.Helper()
	header, _ := verified(t, a, compact)
	return header["kid"].(string)
}

func TestAssertionSays(t *testing.T) {
	t.Parallel()
	p256 := newECDSA(t, elliptic.P256())
	for _, test := range []struct {
		name, keys, alg string
		id              Identity
		unionID         any
	}{
		{"Ed25519", newEd25519(t), "EdDSA", assertedVisitor, "uABC"},
		{"P-256", pkcs8(t, p256), "ES256", assertedVisitor, "uABC"},
		{"P-256 in SEC 1", pemBlock(t, "EC PRIVATE KEY")(x509.MarshalECPrivateKey(p256)), "ES256", assertedVisitor, "uABC"},
		{"the first of several", newEd25519(t) + "\r\n\n" + pkcs8(t, p256), "EdDSA", assertedVisitor, "uABC"},
		{"no unionid", newEd25519(t), "EdDSA", Identity{OpenID: "oABC", AppID: assertedVisitor.AppID}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, _, _ := newTestAssertions(t, test.keys)
				time.Sleep(700 * time.Millisecond)
				header, claims := verified(t, a, a.of(test.id))
				wantHeader := map[string]any{"alg": test.alg, "kid": keyIDOf(t, test.keys), "typ": "JWT"}
				if diff := cmp.Diff(wantHeader, header); diff != "" {
					t.Errorf("header (-want +got):\n%s", diff)
				}
				now := float64(time.Now().Unix())
				want := map[string]any{
					"iss": assertionIssuer, "aud": assertionIssuer,
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

func TestAssertionsWithoutKeys(t *testing.T) {
	t.Parallel()
	a, err := newBuilder(&shared{logger: zerolog.Nop()}).assertionsOf("", assertionIssuer)
	if a != nil || err != nil || a.of(assertedVisitor) != "" {
		t.Errorf("assertionsOf(\"\") = %v, %v, want nil, which vouches for nobody", a, err)
	}
}

// The key of RFC 8037, appendix A, has the thumbprint of its A.3.
func TestAssertionKeyID(t *testing.T) {
	t.Parallel()
	seed, err := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	if err != nil {
		t.Fatal(err)
	}
	const want = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
	if got := keyIDOf(t, pkcs8(t, ed25519.NewKeyFromSeed(seed))); got != want {
		t.Errorf("key ID %q, want %q", got, want)
	}
}

// One assertion serves a visitor for half a minute, and no other visitor.
func TestAssertionReuse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newTestAssertions(t, newEd25519(t))
		first := a.of(assertedVisitor)
		for _, change := range []func(*Identity){
			func(id *Identity) { id.OpenID = "oDEF" },
			func(id *Identity) { id.AppID = "wxfedcba9876543210" },
			func(id *Identity) { id.UnionID = "" },
			func(id *Identity) { id.OpenID, id.UnionID = "oABCu", "ABC" },
		} {
			other := assertedVisitor
			change(&other)
			_, claims := verified(t, a, a.of(other))
			unionID, _ := claims["unionid"].(string)
			if claims["sub"] != other.OpenID || claims["appid"] != other.AppID || unionID != other.UnionID {
				t.Errorf("assertion for %+v says %v", other, claims)
			}
		}
		time.Sleep(29 * time.Second)
		if a.of(assertedVisitor) != first {
			t.Error("after 29 seconds: another assertion, want the same")
		}
		time.Sleep(time.Second)
		second := a.of(assertedVisitor)
		if second == first {
			t.Error("after 30 seconds: the same assertion, want another")
		}
		if _, claims := verified(t, a, second); claims["iat"] != float64(time.Now().Unix()) {
			t.Errorf("iat = %v, want now", claims["iat"])
		}
	})
}

// Requests at once carry one assertion: no two ECDSA signatures are the same.
func TestAssertionsAtOnce(t *testing.T) {
	t.Parallel()
	a, _, _ := newTestAssertions(t, pkcs8(t, newECDSA(t, elliptic.P256())))
	got := make([]string, 50)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = a.of(assertedVisitor) })
	}
	wg.Wait()
	// Two where the half minute ends in between.
	if distinct := slices.Compact(slices.Sorted(slices.Values(got))); len(distinct) > 2 || distinct[0] == "" {
		t.Errorf("%d assertions for one visitor, want 1: %q", len(distinct), distinct)
	}
}

// Assertions of the past are forgotten, or every visitor would leave one.
func TestAssertionsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newTestAssertions(t, newEd25519(t))
		for range 4 {
			for i := range 1000 {
				a.of(Identity{OpenID: fmt.Sprint(i, time.Now().Unix())})
			}
			time.Sleep(30 * time.Second)
		}
		if got := len(a.issued); got > 2*minSweep {
			t.Errorf("%d assertions kept, want at most %d", got, 2*minSweep)
		}
	})
}

// The published keys of a rotation as the README tells it, and of one in a
// hurry: a new key signs at once, and an old one is there as long as it is of
// use.
func TestAssertionRotation(t *testing.T) {
	t.Parallel()
	one, two := newEd25519(t), pkcs8(t, newECDSA(t, elliptic.P256()))
	id1, id2 := keyIDOf(t, one), keyIDOf(t, two)
	type step struct {
		file   string        // "": as it is
		after  time.Duration // from the step before
		signer string
		jwks   []string
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"with care", []step{
			{one, 0, id1, []string{id1}},
			{one + two, 5 * time.Second, id1, []string{id1, id2}},
			{two + one, 5 * time.Second, id2, []string{id2, id1}},
			{"", time.Hour, id2, []string{id2, id1}},
			{two, 5 * time.Second, id2, []string{id2, id1}},
			{"", 60 * time.Second, id2, []string{id2, id1}},
			{"", time.Second, id2, []string{id2}},
		}},
		{"in a hurry", []step{
			{one, 0, id1, []string{id1}},
			{two, 5 * time.Second, id2, []string{id2, id1}},
			{"", 60 * time.Second, id2, []string{id2, id1}},
			{"", time.Second, id2, []string{id2}},
		}},
		{"there and back", []step{
			{one, 0, id1, []string{id1}},
			{two, 5 * time.Second, id2, []string{id2, id1}},
			{one, 5 * time.Second, id1, []string{id1, id2}},
			{"", 60 * time.Second, id1, []string{id1, id2}},
			{"", time.Second, id1, []string{id1}},
			{two, 5 * time.Second, id2, []string{id2, id1}},
			{"", 61 * time.Second, id2, []string{id2}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, path, _ := newTestAssertions(t, test.steps[0].file)
				for i, step := range test.steps {
					if i > 0 && step.file != "" {
						replaceKeys(t, path, step.file)
					}
					time.Sleep(step.after)
					if got := kidOf(t, a, a.of(assertedVisitor)); got != step.signer {
						t.Errorf("step %d: signed by %s, want %s", i, got, step.signer)
					}
					if got := publishedIDs(t, a); !slices.Equal(got, step.jwks) {
						t.Errorf("step %d: published %q, want %q", i, got, step.jwks)
					}
				}
			})
		})
	}
}

// Whatever happens to the file meanwhile: the keys published after an assertion
// was given out verify it, until it expires.
func TestAssertionsWhileRotating(t *testing.T) {
	t.Parallel()
	keys := make([]string, 4)
	for i := range keys {
		keys[i] = newEd25519(t)
		if i%2 == 1 {
			keys[i] = pkcs8(t, newECDSA(t, elliptic.P256()))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		a, path, _ := newTestAssertions(t, keys[0])
		const end = 3 * time.Minute
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 1; time.Since(start) < end; i++ {
				text := keys[i%4]
				if i%3 == 0 {
					text = keys[(i+1)%4] + text
				}
				if i%2 == 0 {
					replaceKeys(t, path, text)
				} else if err := os.WriteFile(path, []byte(text), 0o600); err != nil { // may be read half written
					t.Error(err)
				}
				time.Sleep(3 * time.Second)
			}
		})
		var signers sync.Map
		for worker := range 4 {
			wg.Go(func() {
				for i := 0; time.Since(start) < end; i++ {
					id := Identity{OpenID: fmt.Sprint(worker%2, i%7), AppID: assertedVisitor.AppID}
					compact := a.of(id)
					signers.Store(kidOf(t, a, compact), true)
					wg.Go(func() {
						time.Sleep(30 * time.Second) // it was half a minute old at most
						kidOf(t, a, compact)
					})
					time.Sleep(time.Second)
				}
			})
		}
		wg.Wait()
		n := 0
		for range signers.Range {
			n++
		}
		if n < len(keys) {
			t.Errorf("%d keys signed, want %d: the file was not rotated", n, len(keys))
		}
	})
}

// badKeys are files that are refused, with what the error says.
func badKeys(t testing.TB) []badKey {
	good := newEd25519(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384 := newECDSA(t, elliptic.P384())
	public := pemBlock(t, "PUBLIC KEY")(x509.MarshalPKIXPublicKey(p384.Public()))
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(good, "\n")
	block := func(kind, content string) string { return pemBlock(t, kind)([]byte(content), nil) }
	return []badKey{
		{"empty", "", "no key in it"},
		{"blank", " \n\n", "no key in it"},
		{"RSA", pkcs8(t, rsaKey), "block 1 is a key of another kind"},
		{"X25519", pkcs8(t, x25519), "block 1 is a key of another kind"},
		{"RSA in PKCS #1", block("RSA PRIVATE KEY", string(x509.MarshalPKCS1PrivateKey(rsaKey))), "block 1 is an RSA key"},
		{"P-384", good + pkcs8(t, p384), "block 2 is a key on the curve P-384"},
		{"P-384 in SEC 1", pemBlock(t, "EC PRIVATE KEY")(x509.MarshalECPrivateKey(p384)), "block 1 is a key on the curve P-384"},
		{"a public key", good + public, "block 2 is a public key"},
		{"a certificate", block("CERTIFICATE", "MII"), "block 1 is a certificate"},
		{"with a passphrase", block("ENCRYPTED PRIVATE KEY", "MII"), "block 1 is a key with a passphrase"},
		{"of another program", block("OPENSSH PRIVATE KEY", "openssh-key-v1"), "block 1 is something else"},
		{"damaged inside", good + block("PRIVATE KEY", "0.\x02\x01\x00"), "block 2 is a damaged key"},
		{"damaged SEC 1", block("EC PRIVATE KEY", "0.\x02\x01\x00"), "block 1 is a damaged key"},
		{"the same key twice", good + newEd25519(t) + good, "block 3 is the same key as block 1"},
		{"text before", "my key\n" + good, "block 1 is no PEM block"},
		{"text between", good + "# old:\n" + newEd25519(t), "block 2 is no PEM block"},
		{"text after", good + "bWFkZSB1cA==", "block 2 is no PEM block"},
		{"one that was cut off", good + strings.Join(lines[:2], "\n"), "block 2 is no PEM block"},
		{"a first one without its end", strings.Join(lines[:2], "\n") + "\n" + newEd25519(t), "block 1 is no PEM block"},
		{"a first one with a wrong letter", strings.Replace(good, lines[1], "*"+lines[1][1:], 1) + newEd25519(t), "block 1 is no PEM block"},
		{"on one line", strings.Join(lines, ""), "block 1 is no PEM block"},
		{"too long", strings.Repeat(good, 1000), "at most 65536 bytes"},
	}
}

type badKey struct{ name, text, want string }

// leaks reports whether a message has a piece of a key file in it.
func leaks(message, text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for i := 0; i+12 <= len(line); i++ {
			if !strings.HasPrefix(line, pemBegin) && !strings.HasPrefix(line, "-----END ") && strings.Contains(message, line[i:i+12]) {
				return true
			}
		}
	}
	return false
}

func TestAssertionKeysRefused(t *testing.T) {
	t.Parallel()
	for _, test := range badKeys(t) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.pem")
			replaceKeys(t, path, test.text)
			a, err := newBuilder(&shared{logger: zerolog.Nop()}).assertionsOf(path, assertionIssuer)
			if a != nil || err == nil {
				t.Fatalf("newAssertions = %v, %v, want an error", a, err)
			}
			for _, want := range []string{"set of assertion keys: " + path, test.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if leaks(err.Error(), test.text) {
				t.Errorf("error %q shows the key", err)
			}
		})
	}
	if _, err := newBuilder(&shared{logger: zerolog.Nop()}).assertionsOf(filepath.Join(t.TempDir(), "none"), assertionIssuer); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v, want that there is none", err)
	}
}

// A file that is spoilt later is told of once, and the former keys hold.
func TestAssertionKeysSpoiltLater(t *testing.T) {
	t.Parallel()
	for _, test := range badKeys(t) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				text := newEd25519(t)
				a, path, log := newTestAssertions(t, text)
				replaceKeys(t, path, test.text)
				for range 20 {
					time.Sleep(5 * time.Second)
					if got := kidOf(t, a, a.of(assertedVisitor)); got != keyIDOf(t, text) {
						t.Fatalf("signed by %s, want the former key", got)
					}
				}
				const want = `"message":"set of assertion keys not read: the former one holds"`
				if strings.Count(log.String(), want) != 1 || strings.Count(log.String(), "\n") != 1 || leaks(log.String(), test.text) {
					t.Errorf("log %q, want one line with %s and nothing of the keys", log, want)
				}
				mended := newEd25519(t)
				replaceKeys(t, path, mended)
				time.Sleep(5 * time.Second)
				if got := kidOf(t, a, a.of(assertedVisitor)); got != keyIDOf(t, mended) || !strings.Contains(log.String(), "set of assertion keys read again") {
					t.Errorf("mended: signed by %s, want the new key; log %q", got, log)
				}
			})
		})
	}
}

// Whatever a file holds: it is refused, without showing it, or each of its
// blocks is a key, the first signs, and a second look finds the same.
func FuzzParseAssertionKeys(f *testing.F) {
	good := newEd25519(f)
	f.Add(good)
	f.Add(good + pkcs8(f, newECDSA(f, elliptic.P256())))
	for _, test := range badKeys(f) {
		f.Add(test.text[:min(len(test.text), 2000)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseAssertionKeys(text)
		if err != nil {
			if len(err.Error()) > 300 {
				t.Errorf("parseAssertionKeys(%q): a long error: %v", text, err)
			}
			return
		}
		if got, want := len(keys.public), strings.Count(text, pemBegin); got != want {
			t.Errorf("parseAssertionKeys(%q): %d keys, want %d", text, got, want)
		}
		jws, err := keys.signer.Sign([]byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jws.Verify(keys.public[0]); err != nil {
			t.Errorf("parseAssertionKeys(%q): the first key does not verify: %v", text, err)
		}
		for _, key := range keys.public {
			if !key.IsPublic() || !key.Valid() {
				t.Errorf("parseAssertionKeys(%q): a key that is not public or not valid", text)
			}
		}
	})
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	a, _, _ := newTestAssertions(t, newEd25519(t)+pkcs8(t, newECDSA(t, elliptic.P256())))
	w := fetchJWKS(t, a)
	h := w.Header()
	if w.Code != http.StatusOK || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%d, %v, want 200, JSON that may be kept for five minutes", w.Code, h)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	// Names of RFC 7517 and RFC 8037: no "d" among them, the private part.
	want := [][]string{{"alg", "crv", "kid", "kty", "use", "x"}, {"alg", "crv", "kid", "kty", "use", "x", "y"}}
	var got [][]string
	for _, key := range set.Keys {
		var names []string
		for name := range key {
			names = append(names, name)
		}
		slices.Sort(names)
		got = append(got, names)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members of the keys (-want +got):\n%s", diff)
	}
	if algs := []string{set.Keys[0]["alg"], set.Keys[1]["alg"]}; !slices.Equal(algs, []string{"EdDSA", "ES256"}) {
		t.Errorf("algorithms %q, want EdDSA and ES256", algs)
	}
	again := fetchJWKS(t, a, "If-None-Match", h.Get("Etag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("the same keys again: %d %q, want 304", again.Code, again.Body)
	}
}

// A visitor's next request costs no memory.
func TestAssertionAllocations(t *testing.T) {
	a, _, _ := newTestAssertions(t, newEd25519(t))
	if got := testing.AllocsPerRun(100, func() { a.of(assertedVisitor) }); got != 0 {
		t.Errorf("%v allocations for an assertion that is there, want 0", got)
	}
}

func BenchmarkAssertion(b *testing.B) {
	for _, kind := range []struct{ name, keys string }{
		{"EdDSA", newEd25519(b)},
		{"ES256", pkcs8(b, newECDSA(b, elliptic.P256()))},
	} {
		a, _, _ := newTestAssertions(b, kind.keys)
		b.Run("cached/"+kind.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a.of(assertedVisitor)
			}
		})
		b.Run("sign/"+kind.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clear(a.issued)
				a.of(assertedVisitor)
			}
		})
	}
}
