// Package hub carries visitors from one wxgate to another. WeChat sends
// visitors back to a few domains of an account only; a site beyond them has its
// visitors signed in by a hub on one of these domains, which sends each of them
// on with a ticket that says who she is.
//
// The hub and all of its sites share one key: whoever holds it can sign anybody
// in at any of them.
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
	// lifetime is how long a ticket opens: one redirect, on a slow phone.
	lifetime = 60 * time.Second
	// maxSkew is how far the hub's clock may be ahead of the site's.
	maxSkew = 10 * time.Second
	// maxSealedBytes bounds a ticket, padding included. A visitor of WeChat's
	// has well under half of it; the longest fields that package wechat lets
	// through fit too.
	maxSealedBytes = 3500
	// timeBytes is the size of the time of sealing, which stands before the
	// session. The codec's own counts in whole seconds, too coarse for the bounds.
	timeBytes = 8
)

// ErrRefused is what [Tickets.Open] returns for every ticket that it does not
// open. Which fault it has makes no difference to a visitor.
var ErrRefused = errors.New("ticket refused")

// Tickets seals and opens the tickets under one key. It is safe for concurrent
// use; make one with [New].
type Tickets struct {
	codec *securecookie.SecureCookie
}

// New returns the tickets under key, which the hub and its sites share: at
// least 32 random bytes. The keys in use are derived from it for this purpose.
func New(key session.Key) (*Tickets, error) {
	if err := key.Check(); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "wxgate v1 hub ticket", 64)
	if err != nil {
		return nil, fmt.Errorf("hub: derive ticket keys: %w", err)
	}
	codec := securecookie.New(derived[:32], derived[32:])
	codec.SetSerializer(securecookie.NopEncoder{}) // the session's own binary form
	codec.MaxAge(0)                                // the time stands in the sealed value
	codec.MaxLength(maxSealedBytes)
	return &Tickets{codec}, nil
}

// Seal returns a ticket that tells who the visitor s is: letters, digits, "-"
// and "_", which need no escaping in a query. It opens for sixty seconds, for
// the login with the given state at site, an exact origin such as
// "https://shop1.cn", and for no other. That it opens once only is for the
// site to see to, by spending that state.
//
// What the hub knows of its own session, its times and whether the visitor
// follows, does not travel. An error means a visitor without an openid, or one
// whose fields are far longer than WeChat's.
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

// Open returns the visitor whom a ticket tells of, or [ErrRefused] where the
// ticket was not sealed under this key for exactly this site and state, is
// older than sixty seconds or from more than ten seconds ahead. IssuedAt and
// RenewedAt of the session are zero, for the caller to set. That AppID is the
// account which the site serves is for the caller to check.
func (t *Tickets) Open(ticket, site, state string) (*session.Session, error) {
	// base64 has several spellings of the same bytes, of which one was sealed.
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
	s.IssuedAt, s.RenewedAt = time.Time{}, time.Time{} // the form's zero is 1970
	return s, nil
}

// boundTo is the name under which a ticket is authenticated. It is quoted, so
// that no part of one text can pass for a part of the other.
func boundTo(site, state string) string {
	return fmt.Sprintf("%q %q", site, state)
}
