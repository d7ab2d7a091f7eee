package session

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"math"
	"time"
)

// MaxReturnTo is the maximum length of [Login.ReturnTo] in bytes. A login with
// it fits into a cookie.
const MaxReturnTo = 2000

// A Login is one login under way: it begins before the redirect to WeChat and is
// found again at the callback.
type Login struct {
	// State ties the callback to this browser: 32 hexadecimal digits, as
	// [NewState] makes them.
	State string
	// ReturnTo is the page that the visitor asked for; at most [MaxReturnTo]
	// bytes. With SiteState it is an absolute URL of the other site.
	ReturnTo string
	// Scope is the scope that the visitor is asked for, in WeChat's spelling.
	Scope string
	// AppID is the account of the login; empty: the site's own.
	AppID string
	// SiteState is set at a hub, for a login at another site. It is the state of
	// that site's login, in the form of [NewState]; the hub sends the visitor
	// back to ReturnTo with it and a ticket.
	SiteState string
	// Attempts counts the automatic restarts of this login; at most 255.
	Attempts int
	// Spent says that the code of this login has been sent to WeChat, so that
	// the login is over. It is kept so that the back button leads to ReturnTo, or
	// to the home page of its site, see [Logins.Spend].
	Spent bool
	// BeganAt is the time at which the login began, to the millisecond: a phone
	// that restores its tabs begins several logins within one second.
	BeganAt time.Time
}

// NewState returns a state for one login: 128 random bits as 32 hexadecimal
// digits, which WeChat's redirects are known to leave unchanged.
func NewState() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// The binary form of a login is a version byte, a byte for Spent, a byte for
// Attempts, BeganAt in Unix milliseconds, and the strings State, Scope and
// ReturnTo, each after its length. Version 2 adds the AppID, version 3 the AppID
// and the SiteState. A login is written in the lowest version that holds it, so
// that older releases read what they support, and do not take the login of
// another site for one of their own.
const (
	loginVersion          = 1
	loginVersionAppID     = 2
	loginVersionSiteState = 3
)

// ForOtherSite reports whether the login is for another site, to which the visitor
// is sent back with a ticket.
func (l *Login) ForOtherSite() bool { return l.SiteState != "" }

// MarshalBinary returns the compact form of l. It never fails.
func (l *Login) MarshalBinary() ([]byte, error) {
	var spent byte
	if l.Spent {
		spent = 1
	}
	version := byte(loginVersion)
	switch {
	case l.SiteState != "":
		version = loginVersionSiteState
	case l.AppID != "":
		version = loginVersionAppID
	}
	b := []byte{version, spent, byte(l.Attempts)}
	b = binary.AppendUvarint(b, uint64(max(l.BeganAt.UnixMilli(), 0)))
	b = appendString(b, l.State)
	b = appendString(b, l.Scope)
	b = appendString(b, l.ReturnTo)
	if version >= loginVersionAppID {
		b = appendString(b, l.AppID)
	}
	if version >= loginVersionSiteState {
		b = appendString(b, l.SiteState)
	}
	return b, nil
}

// UnmarshalBinary reads the form that [Login.MarshalBinary] writes. Anything else
// is an error, including trailing bytes.
func (l *Login) UnmarshalBinary(data []byte) error {
	if len(data) == 0 || data[0] < loginVersion || data[0] > loginVersionSiteState {
		return errMalformed
	}
	version := data[0]
	r := reader{rest: string(data[1:])}
	l.Spent = r.byte() == 1
	l.Attempts = int(r.byte())
	l.BeganAt = time.UnixMilli(int64(min(r.uvarint(), math.MaxInt64)))
	l.State, l.Scope, l.ReturnTo = r.string(), r.string(), r.string()
	l.AppID, l.SiteState = "", ""
	if version >= loginVersionAppID {
		l.AppID = r.string()
	}
	if version >= loginVersionSiteState {
		l.SiteState = r.string()
	}
	if r.broken || r.rest != "" {
		return errMalformed
	}
	return nil
}
