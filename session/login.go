package session

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// loginInfix stands between the session cookie's name and a login's id.
	loginInfix = "_login_"
	// loginTTL is how long a visitor has for WeChat's side of a login.
	loginTTL = 10 * time.Minute
	// maxLogins is how many logins one browser may have under way: tabs that
	// a phone restores all at once.
	maxLogins = 5
	// maxSurplus is how many login cookies go at a time: a header full of them
	// must not be answered by a longer one.
	maxSurplus = 20
	// loginIDChars is how much of the state names the cookie. The whole state
	// stands inside it.
	loginIDChars = 16
)

// MaxReturnTo is the longest [Login.ReturnTo], in bytes, that a login's cookie
// can hold.
const MaxReturnTo = 2000

// A Login is one login under way: it begins before the visitor leaves for
// WeChat and is looked up when she comes back.
type Login struct {
	// State ties WeChat's answer to this browser: 32 hexadecimal digits.
	State string
	// ReturnTo is where the visitor was going; at most [MaxReturnTo] bytes. With
	// SiteState it is an absolute address at the other site.
	ReturnTo string
	// Scope is what the visitor is asked for, as WeChat spells it.
	Scope string
	// AppID is the account that the visitor has left for; empty: the site's own.
	AppID string
	// SiteState is the state, as [NewState] makes it, of the login at another
	// site whose visitor this one signs in and sends back to ReturnTo with a
	// ticket; empty: the login is this site's own.
	SiteState string
	// Attempts counts the logins that were started again by themselves before
	// this one.
	Attempts int
	// Spent says that this login is over: its code has gone to WeChat. It is
	// kept so that the back button leads to ReturnTo again.
	Spent bool
	// BeganAt is when the login began, to the millisecond: a phone that restores
	// its tabs begins several within one second.
	BeganAt time.Time
}

// NewState returns a state for one login: 128 random bits as 32 hexadecimal
// digits, the one alphabet that WeChat's hops are known to leave alone.
func NewState() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Logins keeps the logins under way in the visitor's browser, each in a cookie
// of its own that lives for ten minutes. It is safe for concurrent use.
type Logins struct {
	prefix string
	jar    jar
}

// NewLogins returns the logins of the site that c describes, or an error that
// says what is missing from c. The lifetime is not used.
func NewLogins(c Config) (*Logins, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	jar, err := newJar(c, "login", compact{})
	if err != nil {
		return nil, err
	}
	return &Logins{prefix: c.CookieName() + loginInfix, jar: jar}, nil
}

// Begin remembers login and forgets all but the newest of those that r brings,
// so that five remain. It adds the cookies to header.
func (l *Logins) Begin(r *http.Request, header http.Header, login *Login) error {
	for _, name := range l.surplus(r) {
		l.jar.remove(header, name)
	}
	return l.set(header, login)
}

// Find returns the login of this browser that has the given state, spent or
// not, and whether there is one.
func (l *Logins) Find(r *http.Request, state string) (*Login, bool) {
	if len(state) != 32 {
		return nil, false
	}
	for _, cookie := range r.CookiesNamed(l.name(state)) {
		login, ok := l.open(cookie)
		if ok && subtle.ConstantTimeCompare([]byte(login.State), []byte(state)) == 1 {
			return login, true
		}
	}
	return nil, false
}

// Spend remembers that login is over.
func (l *Logins) Spend(header http.Header, login *Login) error {
	spent := *login
	spent.Spent = true
	return l.set(header, &spent)
}

func (l *Logins) name(state string) string {
	return l.prefix + state[:loginIDChars]
}

func (l *Logins) set(header http.Header, login *Login) error {
	return l.jar.set(header, l.name(login.State), login, loginTTL)
}

func (l *Logins) open(cookie *http.Cookie) (*Login, bool) {
	login := new(Login)
	if l.jar.open(cookie.Name, cookie.Value, login) != nil {
		return nil, false
	}
	age := time.Since(login.BeganAt)
	// A login that began in the future comes from a replica whose clock is a
	// little ahead.
	return login, age < loginTTL && age > -time.Minute
}

// surplus returns the names of the login cookies of r that must go to make
// room for one more: unreadable ones first, then the oldest. Where there is
// room, those that cannot be read stay: another site on the same host, at
// another port say, can.
func (l *Logins) surplus(r *http.Request) []string {
	type pending struct {
		name    string
		beganAt time.Time
	}
	var found []pending
	for _, cookie := range r.Cookies() {
		if !strings.HasPrefix(cookie.Name, l.prefix) {
			continue
		}
		p := pending{name: cookie.Name}
		if login, ok := l.open(cookie); ok {
			p.beganAt = login.BeganAt
		}
		found = append(found, p)
	}
	// Stable: browsers send the older of two cookies first.
	slices.SortStableFunc(found, func(a, b pending) int { return a.beganAt.Compare(b.beganAt) })
	var names []string
	for _, p := range found[:min(max(0, len(found)-(maxLogins-1)), maxSurplus)] {
		names = append(names, p.name)
	}
	return names
}

// Version 2 has the AppID at the end, version 3 behind it the SiteState. Each
// login is written in the lowest version that holds it: older releases read
// what they know, and take no other site's login for one of their own.
const (
	loginVersion          = 1
	loginVersionAppID     = 2
	loginVersionSiteState = 3
)

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

// UnmarshalBinary reads what [Login.MarshalBinary] wrote. Anything else is an
// error.
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
