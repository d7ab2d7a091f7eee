package redisstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"

	"github.com/wxgate/wxgate/session"
)

const (
	idBytes     = 32
	secretBytes = 32
)

// A reference is what the cookie of a session holds: the id that names the record in
// Redis, and a secret that is nowhere else. The record is encrypted under a key made
// of that secret and the cookie keys, so that neither Redis nor the cookie keys alone
// open it.
type reference string

// newReference returns a random reference.
func newReference() reference {
	b := make([]byte, idBytes+secretBytes)
	rand.Read(b)
	return reference(b)
}

// valid reports whether r has the length of a reference.
func (r reference) valid() bool { return len(r) == idBytes+secretBytes }

func (r reference) id() string     { return string(r[:idBytes]) }
func (r reference) secret() string { return string(r[idBytes:]) }

// name returns the name of the session in Redis, which is its id as text.
func (r reference) name() string { return base64.RawURLEncoding.EncodeToString([]byte(r.id())) }

// key returns the name of the record.
func (r reference) key() string { return keyPrefix + "session:" + r.name() }

// records encrypt and decrypt the sessions of one site.
type records struct{ config session.Config }

var errSealed = errors.New("cannot be opened")

// seal returns the record of s at ref.
func (c records) seal(ref reference, s *session.Session) (string, error) {
	plain, err := s.MarshalBinary()
	if err != nil {
		return "", err
	}
	ciphers, err := c.ciphers(ref)
	if err != nil {
		return "", err
	}
	return string(ciphers[0].Seal(nil, nil, plain, []byte(ref.id()))), nil
}

// open returns the session in the record at ref.
func (c records) open(ref reference, record string) (*session.Session, error) {
	ciphers, err := c.ciphers(ref)
	if err != nil {
		return nil, err
	}
	plain, err := unseal(ciphers, record, ref.id())
	if err != nil {
		return nil, err
	}
	s := new(session.Session)
	return s, s.UnmarshalBinary(plain)
}

// ciphers returns the ciphers of the record at ref, one for each cookie key.
func (c records) ciphers(ref reference) ([]cipher.AEAD, error) {
	keys, err := c.config.SecretKeys("session-record", ref.secret())
	if err != nil {
		return nil, err
	}
	return aeads(keys)
}

// aeads returns AES-256-GCM with random nonces for each of the keys.
func aeads(keys [][]byte) ([]cipher.AEAD, error) {
	var all []cipher.AEAD
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		gcm, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		all = append(all, gcm)
	}
	return all, nil
}

// unseal decrypts a record that one of the ciphers has sealed and bound to a text.
func unseal(ciphers []cipher.AEAD, record, bound string) ([]byte, error) {
	for _, gcm := range ciphers {
		if plain, err := gcm.Open(nil, nil, []byte(record), []byte(bound)); err == nil {
			return plain, nil
		}
	}
	return nil, errSealed
}
