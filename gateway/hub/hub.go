// Package hub seals and opens tickets. With a ticket, one wxgate, the hub, tells
// another one, a site, who a visitor is.
//
// WeChat redirects visitors back to a few domains of an account only. A site on
// another domain redirects its visitors to a hub on one of these domains. The hub
// signs each visitor in and redirects them back to the site with a ticket.
//
// The hub and all of its sites share one key. Anyone who has the key can sign in
// as any visitor at all of these sites.
package hub

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/wxgate/wxgate/session"
)

const (
	// lifetime is how long a ticket is valid: one redirect, on a slow phone.
	lifetime = 60 * time.Second
	// maxSkew is how much the hub's clock may be ahead of the site's.
	maxSkew = 10 * time.Second
	// maxSealedBytes limits the size of a ticket, including base64 padding. The
	// longest fields that package wechat accepts fit; usual ones need less than
	// half of it.
	maxSealedBytes = 3500
	// timeBytes is the size of the time of sealing, which comes before the
	// session. The codec has a time too, but in seconds, too coarse for lifetime.
	timeBytes = 8
)

// ErrRefused is the error of [Tickets.Open] for every ticket that it does not
// accept: the response to the visitor does not depend on the reason.
var ErrRefused = errors.New("ticket refused")

// Tickets seals and opens tickets under one key. It is safe for concurrent use;
// make one with [New].
type Tickets struct {
	codec *securecookie.SecureCookie
}

// New returns the Tickets for the key that the hub and its sites share: at least
// 32 random bytes. The signing and encryption keys are derived from it.
func New(key session.Key) (*Tickets, error) {
	if err := key.Check(); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "wxgate v1 hub ticket", 64)
	if err != nil {
		return nil, fmt.Errorf("hub: derive ticket keys: %w", err)
	}
	codec := securecookie.New(derived[:32], derived[32:])
	codec.SetSerializer(securecookie.NopEncoder{}) // the content is bytes already
	codec.MaxAge(0)                                // the content holds the time, which Open checks
	codec.MaxLength(maxSealedBytes)
	return &Tickets{codec}, nil
}

// Seal returns a ticket for the visitor s. It consists of letters, digits, "-"
// and "_", which need no escaping in a query. It is valid for sixty seconds, and
// only for the login with the given state at site, an exact origin such as
// "https://shop1.cn". The site must mark that state as spent, so that the ticket
// is accepted only once.
//
// The ticket leaves out what concerns the hub's own session: its times, its
// generation, and whether the visitor follows the account. It is an error if s has no OpenID, or
// fields that are much longer than WeChat's.
func (t *Tickets) Seal(site, state string, s *session.Session) (string, error) {
	if s.OpenID == "" {
		return "", errors.New("seal ticket: the visitor has no openid")
	}
	visitor := session.Session{
		AppID:        s.AppID,
		OpenID:       s.OpenID,
		UnionID:      s.UnionID,
		Scope:        s.Scope,
		Nickname:     s.Nickname,
		Avatar:       s.Avatar,
		SnapshotUser: s.SnapshotUser,
	}
	form, err := visitor.MarshalBinary()
	if err != nil {
		return "", fmt.Errorf("seal ticket: %w", err)
	}
	now := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
	sealed, err := t.codec.Encode(boundTo(site, state), append(now, form...))
	if err != nil {
		return "", fmt.Errorf("seal ticket: %w", err)
	}
	return strings.TrimRight(sealed, "="), nil
}

// Open returns the visitor of a ticket. It returns [ErrRefused] if the ticket was
// not sealed under this key for exactly this site and state, if it is older than
// sixty seconds, or if its time is more than ten seconds in the future.
//
// The caller must check that AppID is the account of the site, and set IssuedAt
// and RenewedAt, which are zero.
func (t *Tickets) Open(ticket, site, state string) (*session.Session, error) {
	// base64 has several spellings of the same bytes; only the one that Seal
	// returned is accepted.
	raw, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != ticket {
		return nil, ErrRefused
	}
	var content []byte
	err = t.codec.Decode(boundTo(site, state), base64.URLEncoding.EncodeToString(raw), &content)
	if err != nil || len(content) < timeBytes {
		return nil, ErrRefused
	}
	sealedAt := time.Unix(0, int64(binary.BigEndian.Uint64(content)))
	if age := time.Since(sealedAt); age > lifetime || age < -maxSkew {
		return nil, ErrRefused
	}
	s := new(session.Session)
	if s.UnmarshalBinary(content[timeBytes:]) != nil {
		return nil, ErrRefused
	}
	s.IssuedAt, s.RenewedAt = time.Time{}, time.Time{} // the zero of the binary form is 1970
	return s, nil
}

// boundTo returns the name that the codec's signature covers together with the
// ticket. Both parts are quoted, so that two different pairs never give the same
// name.
func boundTo(site, state string) string {
	return fmt.Sprintf("%q %q", site, state)
}
