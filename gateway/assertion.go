package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/rs/zerolog"
)

// In seconds, the grain of a JWT's times.
const (
	assertionTTL   = 60 // after which an assertion is no longer valid
	assertionReuse = 30 // within which a visitor's requests carry the same one
)

// assertions vouches for visitors by signed JWTs, and publishes the keys by
// which they are verified. Nil vouches for nobody. It is safe for concurrent
// use.
type assertions struct {
	issuer string
	file   *rereadFile[*assertionKeys]
	logger zerolog.Logger

	mu      sync.Mutex
	keys    *assertionKeys
	gone    []goneKey
	issued  map[vouchedFor]*assertion
	sweepAt int // assertions at which the old ones are forgotten
}

// goneKey is a key that is no longer in the file, while an assertion that it
// signed, here or at another replica, may still be valid.
type goneKey struct {
	jose.JSONWebKey
	until int64 // Unix seconds
}

// vouchedFor is all that an assertion says of a visitor.
type vouchedFor struct{ openID, appID, unionID string }

// assertion is one JWT, signed by the first that asks for it.
type assertion struct {
	issuedAt int64 // Unix seconds
	signer   jose.Signer
	once     sync.Once
	compact  string
}

// assertionClaims are what a site can rely on. The audience is one string, for
// sites that compare it by hand.
type assertionClaims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	AppID    string `json:"appid"`
	UnionID  string `json:"unionid,omitempty"`
	IssuedAt int64  `json:"iat"`
	Expiry   int64  `json:"exp"`
}

// newAssertions vouches by the keys in the file. The issuer is the site's public
// URL.
func newAssertions(file *rereadFile[*assertionKeys], issuer string, logger zerolog.Logger) *assertions {
	return &assertions{
		issuer:  issuer,
		file:    file,
		logger:  logger,
		keys:    *file.value.Load(),
		issued:  make(map[vouchedFor]*assertion),
		sweepAt: minSweep,
	}
}

// of returns the assertion for a visitor, or "" where none are made.
func (a *assertions) of(id Identity) string {
	if a == nil {
		return ""
	}
	a.file.refresh()
	who := vouchedFor{id.OpenID, id.AppID, id.UnionID}
	one := a.current(who)
	// Outside the lock: only who waits for this very assertion waits.
	one.once.Do(func() { one.compact = a.sign(who, one) })
	return one.compact
}

// current returns the assertion of this half minute, which may have to be
// signed yet.
func (a *assertions) current(who vouchedFor) *assertion {
	a.mu.Lock()
	defer a.mu.Unlock()
	// The time and the key are taken under one lock with the keys' change: what
	// a key signs ends no later than the key is published.
	now := time.Now().Unix()
	a.adopt(now)
	one, ok := a.issued[who]
	if ok && one.fresh(now) {
		return one
	}
	if !ok {
		a.sweep(now)
		// Clones: the strings of a session are parts of a longer one.
		who = vouchedFor{strings.Clone(who.openID), strings.Clone(who.appID), strings.Clone(who.unionID)}
	}
	one = &assertion{issuedAt: now, signer: a.keys.signer}
	a.issued[who] = one
	return one
}

// fresh reports whether the assertion may be given out at now. It is none of a
// clock that was put back.
func (one *assertion) fresh(now int64) bool {
	age := now - one.issuedAt
	return 0 <= age && age < assertionReuse
}

// sweep forgets the old assertions, once there are twice as many as the last
// sweep left.
func (a *assertions) sweep(now int64) {
	if len(a.issued) < a.sweepAt {
		return
	}
	for who, one := range a.issued {
		if !one.fresh(now) {
			delete(a.issued, who)
		}
	}
	a.sweepAt = max(minSweep, 2*len(a.issued))
}

// adopt goes over to the keys that the file now has. Those that it no longer
// has sign nothing more and stay published until what they signed has expired.
func (a *assertions) adopt(now int64) {
	keys := *a.file.value.Load()
	if keys == a.keys {
		return
	}
	for _, key := range a.keys.public {
		a.gone = append(a.gone, goneKey{key, now + assertionTTL})
	}
	a.gone = slices.DeleteFunc(a.gone, func(g goneKey) bool {
		return g.until < now || slices.ContainsFunc(keys.public, func(key jose.JSONWebKey) bool { return key.KeyID == g.KeyID })
	})
	if keys.public[0].KeyID != a.keys.public[0].KeyID {
		clear(a.issued)
	}
	a.keys = keys
}

// sign makes the JWT that one stands for.
func (a *assertions) sign(who vouchedFor, one *assertion) string {
	compact, err := jwt.Signed(one.signer).Claims(assertionClaims{
		Issuer:   a.issuer,
		Audience: a.issuer,
		Subject:  who.openID,
		AppID:    who.appID,
		UnionID:  who.unionID,
		IssuedAt: one.issuedAt,
		Expiry:   one.issuedAt + assertionTTL,
	}).Serialize()
	if err != nil {
		// The site refuses what no assertion vouches for.
		a.logger.Error().Err(err).Msg("assertion not signed")
	}
	return compact
}

// public returns the keys by which the assertions in use are verified.
func (a *assertions) public() jose.JSONWebKeySet {
	a.file.refresh()
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now().Unix()
	a.adopt(now)
	set := jose.JSONWebKeySet{Keys: slices.Clone(a.keys.public)}
	for _, g := range a.gone {
		if now <= g.until {
			set.Keys = append(set.Keys, g.JSONWebKey)
		}
	}
	return set
}

// jwks publishes the keys: GET {prefix}/jwks.json. They are the same for
// everybody, and a site asks for them once in five minutes, not for each
// request.
func (a *assertions) jwks(w http.ResponseWriter, r *http.Request) error {
	body, err := json.Marshal(a.public())
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	h := w.Header()
	// Not application/jwk-set+json: there are JSON clients that refuse to read
	// what is not called JSON, and no JWKS client that minds.
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Etag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}
