package session

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// deriveKeys returns a signing key and an encryption key (AES-256) for each
// configured key in turn. They differ for each purpose, site and account, so
// that a cookie of one does not pass the signature check of another.
func (c Config) deriveKeys(purpose string) ([][]byte, error) {
	info := fmt.Sprintf("wxgate v1 %s %q %q", purpose, c.Site, c.AppID)
	pairs := make([][]byte, 0, 2*len(c.Keys))
	for _, key := range c.Keys {
		derived, err := hkdf.Key(sha256.New, key, nil, info, 64)
		if err != nil {
			return nil, fmt.Errorf("derive cookie keys: %w", err)
		}
		pairs = append(pairs, derived[:32], derived[32:])
	}
	return pairs, nil
}
