package gateway

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"

	"github.com/wxgate/wxgate/session"
)

// userHash stands for a visitor in log lines: the same for the same openid on
// every replica, and of no use to whoever reads the log without the key.
type userHash struct {
	states *sync.Pool // of hash.Hash: setting up an HMAC costs more than using one
}

// newUserHash returns the hash under a key derived from the first cookie key.
func newUserHash(keys session.Keys) (userHash, error) {
	var secret []byte
	if len(keys) > 0 {
		secret = keys[0]
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "wxgate v1 user hash", sha256.Size)
	if err != nil {
		return userHash{}, err
	}
	return userHash{&sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}, nil
}

// of returns the sixteen hexadecimal digits that stand for openID.
func (u userHash) of(openID string) string {
	state := u.states.Get().(hash.Hash)
	defer u.states.Put(state)
	state.Reset()
	state.Write([]byte(openID))
	var sum [sha256.Size]byte
	return hex.EncodeToString(state.Sum(sum[:0])[:8])
}
