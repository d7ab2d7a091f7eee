// Package session keeps who a visitor is between requests, and which logins
// she has under way.
//
// A [Session] is what a login established. A [Store] carries it: [CookieStore]
// puts the whole of it into one encrypted and signed cookie, so that replicas
// share nothing but the keys. [Logins] carries the seconds between leaving for
// WeChat and coming back, in one short-lived cookie for each login.
//
// The package knows nothing of WeChat's API and nothing of the gateway; it
// can be used alone.
package session

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrNone is what [Store.Load] returns for a request that carries no valid
// session: no cookie at all, or one that is tampered with, expired, foreign
// or too large. Which of these it was makes no difference to a visitor.
var ErrNone = errors.New("no session")

// Session is a visitor who has signed in.
type Session struct {
	// AppID is the account under which OpenID is valid.
	AppID string
	// OpenID names the visitor within the account; never empty.
	OpenID string
	// UnionID names her across the accounts of one open platform account;
	// empty where WeChat did not tell.
	UnionID string
	// Scope is what she granted, as WeChat spells it ("snsapi_base").
	Scope string
	// Nickname and Avatar are known with scope snsapi_userinfo only.
	Nickname string
	Avatar   string
	// SnapshotUser marks the virtual account of a WeChat snapshot page: its
	// cookie has no lifetime, so that it ends with the browser.
	SnapshotUser bool
	// Subscribed is whether she follows the account, as WeChat said at
	// FollowAskedAt, which is kept to the second; it means nothing where that
	// is zero.
	Subscribed    bool
	FollowAskedAt time.Time
	// IssuedAt is the time of the login, RenewedAt that of the last renewal.
	// Both are kept to the second.
	IssuedAt  time.Time
	RenewedAt time.Time
}

// A Store loads, saves and deletes the session of a request. Implementations
// are safe for concurrent use.
type Store interface {
	// Load returns the request's session, or [ErrNone]. Any other error means
	// that the store could not be asked.
	Load(r *http.Request) (*Session, error)
	// Save stores s and adds the Set-Cookie header that carries it to header,
	// the headers of the answer to r.
	Save(r *http.Request, header http.Header, s *Session) error
	// Delete ends the request's session and adds the Set-Cookie header that
	// removes its cookie to header. To have none is no error.
	Delete(r *http.Request, header http.Header) error
}

// Lifetime says how long a session lasts.
type Lifetime struct {
	// TTL ends a session that was not used for so long.
	TTL time.Duration
	// MaxTTL ends every session so long after its login.
	MaxTTL time.Duration
}

// Check returns an error if TTL or MaxTTL is not above zero.
func (l Lifetime) Check() error {
	if l.TTL <= 0 {
		return fmt.Errorf("TTL: %v; expected a duration above zero", l.TTL)
	}
	if l.MaxTTL <= 0 {
		return fmt.Errorf("MaxTTL: %v; expected a duration above zero", l.MaxTTL)
	}
	return nil
}

// ExpiresAt returns when s ends if it is not used again.
func (l Lifetime) ExpiresAt(s *Session) time.Time {
	idle, last := s.RenewedAt.Add(l.TTL), s.IssuedAt.Add(l.MaxTTL)
	if last.Before(idle) {
		return last
	}
	return idle
}

// Valid reports whether s is still alive at now.
func (l Lifetime) Valid(s *Session, now time.Time) bool {
	return now.Before(l.ExpiresAt(s))
}

// Due reports whether s, used at now, should be saved again with a new
// RenewedAt: half of its TTL has passed, and renewing it would prolong it.
func (l Lifetime) Due(s *Session, now time.Time) bool {
	return now.Sub(s.RenewedAt) >= l.TTL/2 && l.ExpiresAt(s).Before(s.IssuedAt.Add(l.MaxTTL))
}
