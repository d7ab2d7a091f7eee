package assertion

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// fetchJWKS requests the published keys.
func fetchJWKS(t testing.TB, issuer *Issuer, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/_wx/jwks.json", nil)
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	issuer.ServeKeys(w, r)
	return w
}

func publishedIDs(t testing.TB, issuer *Issuer) []string {
	t.Helper()
	var ids []string
	for _, key := range parseJWKS(t, fetchJWKS(t, issuer).Body.Bytes()).Keys {
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

// verified checks a token with the keys that are published now, and returns its
// header and claims.
func verified(t testing.TB, issuer *Issuer, compact string) (header, claims map[string]any) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		t.Fatalf("token %q: %v", compact, err)
	}
	set := parseJWKS(t, fetchJWKS(t, issuer).Body.Bytes())
	keys := set.Key(jws.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d published keys with the ID %q, want 1", len(keys), jws.Signatures[0].Header.KeyID)
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		t.Fatalf("token %q: %v", compact, err)
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

// kidOf verifies a token and returns the ID of the key that signed it.
func kidOf(t testing.TB, issuer *Issuer, compact string) string {
	t.Helper()
	header, _ := verified(t, issuer, compact)
	return header["kid"].(string)
}

func TestServeKeys(t *testing.T) {
	t.Parallel()
	issuer, _, _ := newTestIssuer(t, newEd25519(t)+pkcs8(t, newECDSA(t, elliptic.P256())))
	w := fetchJWKS(t, issuer)
	h := w.Header()
	if w.Code != http.StatusOK || h.Get("Content-Type") != "application/json" ||
		h.Get("Cache-Control") != "public, max-age=300" {
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
	again := fetchJWKS(t, issuer, "If-None-Match", h.Get("Etag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("the same keys again: %d %q, want 304", again.Code, again.Body)
	}
}
