package assertion

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ServeKeys answers with the public keys as a JWKS. All clients get the same
// and may cache it for five minutes, so that a site does not ask for it with
// each request.
func (i *Issuer) ServeKeys(w http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(i.published())
	if err != nil {
		i.logger.Error().Err(err).Msg("assertion keys not published")
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(body)
	h := w.Header()
	// Not application/jwk-set+json: some JSON clients reject any other type than
	// application/json, and no JWKS client does.
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Etag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// published returns the keys that verify all valid tokens.
func (i *Issuer) published() jose.JSONWebKeySet {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now().Unix()
	i.adoptKeys(now)
	set := jose.JSONWebKeySet{Keys: slices.Clone(i.keys.public)}
	for _, r := range i.retired {
		if now <= r.until {
			set.Keys = append(set.Keys, r.JSONWebKey)
		}
	}
	return set
}
