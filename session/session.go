// Package session keeps the identity of a visitor between requests, and the
// logins that a visitor has under way.
//
// A [Session] is the result of a login. A [Store] keeps it: [CookieStore] puts
// all of it into one encrypted and signed cookie, so that replicas share only
// the keys. Package [github.com/wxgate/wxgate/session/redisstore] keeps it in
// Redis. [Logins] keeps each login between the redirect to WeChat and the
// callback, in a short-lived cookie of its own.
//
// The package depends neither on WeChat's API nor on the gateway and can be used
// alone. Its exported API is stable, in the sense that package gateway defines.
package session

import (
	"errors"
	"net/http"
	"time"
)

// ErrNone is the error of [Store.Load] for a request without a valid session:
// it has no cookie, or one that is altered, expired, too large, or sealed for
// another site. In each case the visitor has to sign in.
var ErrNone = errors.New("no session")

// Session is a visitor who has signed in.
type Session struct {
	// AppID is the account that OpenID belongs to.
	AppID string
	// OpenID identifies the visitor within the account; never empty.
	OpenID string
	// UnionID identifies the visitor in all accounts of one open platform
	// account; empty if WeChat did not send it.
	UnionID string
	// Scope is the scope that the visitor granted, in WeChat's spelling
	// ("snsapi_base").
	Scope string
	// Nickname and Avatar are known with scope snsapi_userinfo only.
	Nickname string
	Avatar   string
	// SnapshotUser marks the virtual account of a WeChat snapshot page. Its
	// cookie has no Max-Age, so that it ends with the browser.
	SnapshotUser bool
	// Subscribed says whether the visitor follows the account, as WeChat answered
	// at FollowAskedAt. If FollowAskedAt is zero, it is not known. The time is
	// kept to the second.
	Subscribed    bool
	FollowAskedAt time.Time
	// IssuedAt is the time of the login, RenewedAt that of the last renewal.
	// Both are kept to the second.
	IssuedAt  time.Time
	RenewedAt time.Time
	// Generation is the number of the newest revocation that was known at the
	// login; 0: none. A revocation ends the sessions of lower generations.
	Generation uint64
	// Token is the visitor's web access token, which nobody changes in place; nil:
	// none is kept. Only an [Updater] may be given one.
	Token *WebToken
}

// A Store loads, saves and deletes the session of a request. Implementations
// are safe for concurrent use.
type Store interface {
	// Load returns the request's session, or [ErrNone]. Any other error means
	// that the store is not available. The caller may change the session.
	Load(r *http.Request) (*Session, error)
	// Save stores s, the result of a login, as a new session and adds the
	// Set-Cookie header for it to header, the header of the response to r.
	Save(r *http.Request, header http.Header, s *Session) error
	// Renew stores s in place of the session that Load returned for r, and adds
	// a Set-Cookie header to header. A store that keeps the sessions does neither if
	// that session has been deleted or renewed meanwhile, which is no error. It leaves
	// the Token alone, which an [Update] may have changed meanwhile.
	Renew(r *http.Request, header http.Header, s *Session) error
	// Delete ends the request's session and adds the Set-Cookie header that
	// removes its cookie to header. It is no error if there is no session. After an
	// error the session and the cookie are as they were.
	Delete(r *http.Request, header http.Header) error
}
