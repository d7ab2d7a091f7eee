package wechattest

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
)

const (
	lettersAndDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	tokenAlphabet    = lettersAndDigits + "-_"
)

// random makes codes and tokens.
type random struct{ source *rand.ChaCha8 }

// newRandom makes a repeatable sequence from a seed, and a random one from 0.
func newRandom(seed uint64) random {
	var key [32]byte
	if seed == 0 {
		crand.Read(key[:])
	} else {
		binary.BigEndian.PutUint64(key[:], seed)
	}
	return random{rand.NewChaCha8(key)}
}

// text returns n random characters of an alphabet of at most 64 characters. It
// is slightly biased, which does not matter for an emulator.
func (r random) text(alphabet string, n int) string {
	b := make([]byte, n)
	r.source.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}
