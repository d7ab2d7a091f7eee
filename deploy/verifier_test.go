package deploy_test

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// newVerifier returns the verifier of a site's assertions. jwks is where wxgate
// publishes its keys.
func newVerifier(site, jwks string) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(site, &keySet{url: jwks}, &oidc.Config{
		ClientID:             site, // the audience
		SupportedSigningAlgs: []string{oidc.EdDSA, oidc.ES256},
		Now:                  func() time.Time { return time.Now().Add(-10 * time.Second) }, // clocks differ
	})
}

// openID returns the visitor of a request. An error means that nobody vouches for one.
func openID(v *oidc.IDTokenVerifier, r *http.Request) (string, error) {
	assertion, err := v.Verify(r.Context(), r.Header.Get("X-WX-Assertion"))
	if err != nil {
		return "", err
	}
	return assertion.Subject, nil
}

// A keySet keeps the keys for five minutes. An [oidc.RemoteKeySet] alone would trust a
// key that wxgate has withdrawn until it sees a new one.
type keySet struct {
	url string

	mu      sync.Mutex
	keys    *oidc.RemoteKeySet
	fetched time.Time
}

func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	k.mu.Lock()
	if time.Since(k.fetched) > 5*time.Minute {
		client := oidc.ClientContext(context.Background(), &http.Client{Timeout: 5 * time.Second})
		k.keys, k.fetched = oidc.NewRemoteKeySet(client, k.url), time.Now()
	}
	keys := k.keys
	k.mu.Unlock()
	return keys.VerifySignature(ctx, jwt)
}
