package session

import (
	"errors"
	"net/http"
	"time"
)

// CookieStore is the [Store] that keeps the whole session in one cookie.
type CookieStore struct {
	name   string
	jar    jar
	config Config
}

// NewCookieStore returns a store for the cookies that c describes. An error
// names the field of c that is wrong.
func NewCookieStore(c Config) (*CookieStore, error) {
	if err := c.checkStore(); err != nil {
		return nil, err
	}
	jar, err := newJar(c, "session")
	if err != nil {
		return nil, err
	}
	return &CookieStore{name: c.CookieName(), jar: jar, config: c}, nil
}

// Load implements [Store]. If r has several cookies of the name, it returns the
// first valid one of the first eight. The only error is [ErrNone].
func (c *CookieStore) Load(r *http.Request) (*Session, error) {
	for value := range cookiesNamed(r, c.name) {
		if s := c.open(value); s != nil && c.config.Takes(s, time.Now()) {
			return s, nil
		}
	}
	return nil, ErrNone
}

// open returns the session in a cookie, which may have ended; nil: there is none.
func (c *CookieStore) open(value string) *Session {
	if s := c.config.Opened.find(c, value); s != nil {
		return s
	}
	s := new(Session)
	if c.jar.open(c.name, value, s) != nil {
		return nil
	}
	c.config.Opened.add(c, value, s)
	return s
}

// Save implements [Store]. It fails if the session does not fit into a cookie, which
// takes fields much longer than WeChat's, or if it has a Token, which no browser may
// get.
func (c *CookieStore) Save(_ *http.Request, header http.Header, s *Session) error {
	if s.Token != nil {
		return errors.New("session: a Token cannot be kept in a cookie")
	}
	var maxAge time.Duration // of a snapshot user: the cookie ends with the browser
	if !s.SnapshotUser {
		maxAge = max(time.Until(c.config.Lifetime.ExpiresAt(s)), time.Second)
	}
	sealed, err := c.jar.seal(c.name, s)
	if err != nil {
		return err
	}
	return c.jar.set(header, c.name, sealed, maxAge)
}

// Renew implements [Store] as Save does: the cookie is all that there is.
func (c *CookieStore) Renew(r *http.Request, header http.Header, s *Session) error {
	return c.Save(r, header, s)
}

// Delete implements [Store]. It never fails.
func (c *CookieStore) Delete(_ *http.Request, header http.Header) error {
	c.jar.remove(header, c.name)
	return nil
}
