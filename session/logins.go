package session

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

const (
	// loginTTL is how long a visitor has to complete a login at WeChat.
	loginTTL = 10 * time.Minute
	// loginIDChars is how many characters of the state are part of the cookie's
	// name. The whole state is inside the cookie.
	loginIDChars = 16
	// maxCommonBytes is the size of the largest login cookie that is not compact.
	// Logins with short addresses stay readable for replicas of the release that
	// did not know the compact form. Once none of them is left, all may be compact.
	maxCommonBytes = 512
)

// MaxSpentReturnTo is the length of the longest [Login.ReturnTo] that a spent login
// keeps, in bytes: spent logins must leave room for those under way.
const MaxSpentReturnTo = 256

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

// Begin stores login in a cookie and adds its Set-Cookie header to header. If r has
// so many login cookies that there would be more than five, or more than 4 KiB of
// them in the browser's next request, it also removes some of them: first those that
// cannot be opened, then the oldest.
//
// All Set-Cookie headers together stay below 3.5 KiB, so that the response header
// fits into the 4 KiB that proxies allow by default. What cannot be removed within
// that remains until the next login begins.
func (l *Logins) Begin(r *http.Request, header http.Header, login *Login) error {
	name := l.name(login.State)
	value, err := l.seal(name, login)
	if err != nil {
		return err
	}
	l.makeRoom(r, header, cookieBytes(name, value), l.jar.line(name, value, loginTTL))
	return l.jar.set(header, name, value, loginTTL)
}

// Find returns the login with the given state, spent or not, from the cookies of
// r, and whether there is one. Of cookies with the same name it opens eight.
func (l *Logins) Find(r *http.Request, state string) (*Login, bool) {
	if len(state) != 32 {
		return nil, false
	}
	name := l.name(state)
	for value := range cookiesNamed(r, name) {
		login, ok := l.open(name, value)
		if ok && subtle.ConstantTimeCompare([]byte(login.State), []byte(state)) == 1 {
			return login, true
		}
	}
	return nil, false
}

// Spend stores login as spent and adds the Set-Cookie header to header. If ReturnTo
// is longer than [MaxSpentReturnTo], the home page of its site takes its place. Spend does
// not change login.
func (l *Logins) Spend(header http.Header, login *Login) error {
	spent := *login
	spent.Spent = true
	if len(spent.ReturnTo) > MaxSpentReturnTo {
		spent.ReturnTo = homePage(spent.ReturnTo)
	}
	name := l.name(login.State)
	value, err := l.seal(name, &spent)
	if err != nil {
		return err
	}
	return l.jar.set(header, name, value, loginTTL)
}

// homePage returns the home page of the site that an address belongs to: "/" for a
// path, and the origin with a slash for a URL.
func homePage(address string) string {
	scheme, rest, absolute := strings.Cut(address, "://")
	if !absolute || strings.HasPrefix(address, "/") {
		return "/"
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest + "/"
}

func (l *Logins) name(state string) string {
	return l.prefix + state[:loginIDChars]
}

// seal returns the value of the cookie called name that holds login.
func (l *Logins) seal(name string, login *Login) (string, error) {
	value, err := l.jar.seal(name, login)
	if err == nil && len(name)+1+len(value) > maxCommonBytes {
		value = compact(value)
	}
	return value, err
}

// open returns the login in a cookie, and whether it is one under way.
func (l *Logins) open(name, value string) (*Login, bool) {
	login := new(Login)
	if l.jar.open(name, expand(value), login) != nil {
		return nil, false
	}
	age := time.Since(login.BeganAt)
	// The clock of another replica may be a little ahead.
	return login, age < loginTTL && age > -time.Minute
}
