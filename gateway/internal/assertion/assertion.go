// Package assertion signs JWTs that assert to a site who its visitor is, and
// publishes the keys that verify them.
package assertion

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/sweep"
	"github.com/wxgate/wxgate/gateway/watch"
)

// In seconds, the unit of a JWT's times.
const (
	ttl   = 60 // after that, a token is no longer valid
	reuse = 30 // for that long, a visitor's requests carry the same token
)

// A Visitor is what a token asserts.
type Visitor struct {
	OpenID  string
	AppID   string
	UnionID string // may be empty
}

// An Issuer makes the tokens of one site. It is safe for concurrent use.
type Issuer struct {
	name   string
	file   *watch.File[*Keys]
	logger zerolog.Logger

	mu      sync.Mutex
	keys    *Keys
	retired []retiredKey
	tokens  *sweep.Map[Visitor, *token]
}

// A retiredKey is no longer in the file, but a token that it signed, here or at
// another replica, may still be valid.
type retiredKey struct {
	jose.JSONWebKey
	until int64 // Unix seconds
}

// A token is one JWT. The first goroutine that needs it signs it.
type token struct {
	issuedAt int64 // Unix seconds
	signer   jose.Signer
	once     sync.Once
	jwt      string
}

// claims are the content of a token. The audience is one string, for sites that
// compare it without a JWT library.
type claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	AppID    string `json:"appid"`
	UnionID  string `json:"unionid,omitempty"`
	IssuedAt int64  `json:"iat"`
	Expiry   int64  `json:"exp"`
}

// New returns an Issuer that signs with the keys. Its name, the site's public
// URL, is the issuer and the audience of each token.
func New(keys *watch.File[*Keys], name string, logger zerolog.Logger) *Issuer {
	return &Issuer{name: name, file: keys, logger: logger, keys: keys.Value(), tokens: newTokens()}
}

func newTokens() *sweep.Map[Visitor, *token] {
	return sweep.New[Visitor](func(t *token, now time.Time) bool { return !t.fresh(now.Unix()) })
}

// Token returns a token for the visitor that is valid for at least half a
// minute. It returns "" if the Issuer is nil, or if signing failed, which it
// logs: the site then rejects the request.
func (i *Issuer) Token(v Visitor) string {
	if i == nil {
		return ""
	}
	t := i.current(v)
	// Without i.mu: only requests that need this token wait for its signature.
	t.once.Do(func() { t.jwt = i.sign(v, t) })
	return t.jwt
}

// current returns the visitor's token of this half minute, signed or not.
func (i *Issuer) current(v Visitor) *token {
	i.mu.Lock()
	defer i.mu.Unlock()
	// The time is taken, and the key chosen, with i.mu held: so no token expires
	// after its key is unpublished.
	now := time.Now()
	i.adoptKeys(now.Unix())
	if t, ok := i.tokens.Get(v); ok && t.fresh(now.Unix()) {
		return t
	}
	// Clones: the strings of a session are parts of a longer one.
	v = Visitor{strings.Clone(v.OpenID), strings.Clone(v.AppID), strings.Clone(v.UnionID)}
	t := &token{issuedAt: now.Unix(), signer: i.keys.signer}
	i.tokens.Put(v, t, now)
	return t
}

// fresh reports whether the token may be used at now. A token of the future,
// from before the clock was set back, may not.
func (t *token) fresh(now int64) bool {
	age := now - t.issuedAt
	return 0 <= age && age < reuse
}

// adoptKeys takes over the keys that the file has now. Those that it no longer
// has sign nothing more, and stay published until their tokens have expired.
func (i *Issuer) adoptKeys(now int64) {
	keys := i.file.Value()
	if keys == i.keys {
		return
	}
	for _, key := range i.keys.public {
		i.retired = append(i.retired, retiredKey{key, now + ttl})
	}
	i.retired = slices.DeleteFunc(i.retired, func(r retiredKey) bool {
		return r.until < now || keys.has(r.KeyID)
	})
	if keys.public[0].KeyID != i.keys.public[0].KeyID {
		i.tokens = newTokens() // the former key signs no more
	}
	i.keys = keys
}

func (i *Issuer) sign(v Visitor, t *token) string {
	compact, err := jwt.Signed(t.signer).Claims(claims{
		Issuer:   i.name,
		Audience: i.name,
		Subject:  v.OpenID,
		AppID:    v.AppID,
		UnionID:  v.UnionID,
		IssuedAt: t.issuedAt,
		Expiry:   t.issuedAt + ttl,
	}).Serialize()
	if err != nil {
		i.logger.Error().Err(err).Msg("assertion not signed")
	}
	return compact
}
