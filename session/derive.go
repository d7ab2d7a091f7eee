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
	pairs := make([][]byte, 0, 2*len(c.Keys))
	for _, key := range c.Keys {
		derived, err := hkdf.Key(sha256.New, key, nil, c.purpose(purpose), 64)
		if err != nil {
			return nil, fmt.Errorf("derive cookie keys: %w", err)
		}
		pairs = append(pairs, derived[:32], derived[32:])
	}
	return pairs, nil
}

// purpose names what a key is derived for at the site and account of c.
func (c Config) purpose(purpose string) string {
	return fmt.Sprintf("wxgate v1 %s %q %q", purpose, c.Site, c.AppID)
}

// SecretKeys returns a key of 32 bytes for each of c.Keys in turn, made of it and of
// secret. They differ for each purpose, site and account. Who has only secret, or
// only c.Keys, cannot make them.
func (c Config) SecretKeys(purpose, secret string) ([][]byte, error) {
	keys := make([][]byte, 0, len(c.Keys))
	for _, key := range c.Keys {
		derived, err := hkdf.Key(sha256.New, key, []byte(secret), c.purpose(purpose), 32)
		if err != nil {
			return nil, fmt.Errorf("derive keys: %w", err)
		}
		keys = append(keys, derived)
	}
	return keys, nil
}
