package session

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// loginTTL is how long a visitor has to complete a login at WeChat.
	loginTTL = 10 * time.Minute
	// maxLogins is how many logins one browser may have under way: a phone may
	// restore several tabs at once.
	maxLogins = 5
	// maxSurplus is how many login cookies are removed at a time. Without it, a
	// request with many of them would get an even longer response header.
	maxSurplus = 20
	// loginIDChars is how many characters of the state are part of the cookie's
	// name. The whole state is inside the cookie.
	loginIDChars = 16
)

// Logins keeps the logins under way in the visitor's browser, each in a cookie
// of its own that is valid for ten minutes. It is safe for concurrent use.
type Logins struct {
	prefix string
	jar    jar
}

// NewLogins returns the logins of the site that c describes. An error names the
// field of c that is wrong.
func NewLogins(c Config) (*Logins, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	jar, err := newJar(c, "login")
	if err != nil {
		return nil, err
	}
	return &Logins{prefix: c.CookieName() + loginInfix, jar: jar}, nil
}

// Begin stores login in a cookie. If r has more than four login cookies, it
// removes the oldest, so that five remain. The Set-Cookie headers are added to
// header.
func (l *Logins) Begin(r *http.Request, header http.Header, login *Login) error {
	for _, name := range l.surplus(r) {
		l.jar.remove(header, name)
	}
	return l.set(header, login)
}

// Find returns the login with the given state, spent or not, from the cookies of
// r, and whether there is one.
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

// Spend stores login as spent and adds the Set-Cookie header to header. It does
// not change login.
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
	// The clock of another replica may be a little ahead.
	return login, age < loginTTL && age > -time.Minute
}

// surplus returns the names of the login cookies of r to remove, so that one
// more can be added: first those that cannot be opened, then the oldest. While
// there is room, those that cannot be opened stay: they may belong to another
// site on the same host, for example at another port.
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
	// Stable, because browsers send the older of two cookies first.
	slices.SortStableFunc(found, func(a, b pending) int { return a.beganAt.Compare(b.beganAt) })
	var names []string
	for _, p := range found[:min(max(0, len(found)-(maxLogins-1)), maxSurplus)] {
		names = append(names, p.name)
	}
	return names
}
