package session

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding"
	"fmt"
)

// deriveKeys returns, for each configured key in turn, the signing key and the
// encryption key (AES-256) for one purpose at one site and account. A cookie
// sealed for another purpose, site or account fails its signature check.
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

// compact is the serializer that hands gorilla's codecs a value's own binary
// form.
type compact struct{}

func (compact) Serialize(src any) ([]byte, error) {
	return src.(encoding.BinaryMarshaler).MarshalBinary()
}

func (compact) Deserialize(src []byte, dst any) error {
	return dst.(encoding.BinaryUnmarshaler).UnmarshalBinary(src)
}
