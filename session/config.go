package session

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	hostPrefix = "__Host-"
	// loginInfix separates the session cookie's name from the id of a login in
	// the name of a login's cookie.
	loginInfix = "_login_"
)

// Config describes the cookies of one site.
type Config struct {
	// Keys seal the cookies. The first one seals new cookies, all of them are
	// accepted, so that keys can be replaced without signing anyone out. At
	// least one, of at least 32 bytes each.
	Keys Keys
	// Site is the site's origin ("https://h5.example.com"), AppID its account.
	// The keys in use are derived from these too: a cookie of another site or
	// account is not accepted, even if both have the same Keys.
	Site  string
	AppID string
	// Name is the name of the session cookie, see [CheckCookieName]; default
	// "wxgate". If Secure is set and Domain is not, "__Host-" is put before it.
	Name string
	// Domain shares the cookies with the subdomains of a domain. If it is empty,
	// only the host itself gets them.
	Domain string
	// Secure keeps the cookies off plain http.
	Secure bool
	// Revoked reports whether a session has been revoked, so that a [Store] passes over
	// its cookie; nil: none has.
	Revoked func(*Session) bool
	// Opened makes a [CookieStore] faster; it may serve several of them. If it is nil,
	// the store opens the cookie of each request anew.
	Opened *OpenedCookies
	// Lifetime limits the sessions; both of its durations are required.
	// [NewLogins] ignores it.
	Lifetime Lifetime
}

// CookieName returns the full name of the session cookie, as in Set-Cookie.
func (c Config) CookieName() string {
	if c.hostOnly() {
		return hostPrefix + c.baseName()
	}
	return c.baseName()
}

func (c Config) baseName() string { return cmp.Or(c.Name, "wxgate") }

// hostOnly reports whether the cookies meet the conditions of the prefix
// "__Host-": then no other host, such as a subdomain, can set them.
func (c Config) hostOnly() bool { return c.Secure && c.Domain == "" }

// check checks what [NewCookieStore] and [NewLogins] both need.
func (c Config) check() error {
	if err := c.Keys.Check(); err != nil {
		return fmt.Errorf("session: Keys: %w", err)
	}
	if err := CheckCookieName(c.baseName()); err != nil {
		return fmt.Errorf("session: Name: %w", err)
	}
	if c.Site == "" || c.AppID == "" {
		return errors.New("session: Site and AppID are required: cookies are bound to them")
	}
	return nil
}

// checkStore checks what a [Store] needs.
func (c Config) checkStore() error {
	if err := c.check(); err != nil {
		return err
	}
	if err := c.Lifetime.Check(); err != nil {
		return fmt.Errorf("session: Lifetime: %w", err)
	}
	return nil
}

// Takes reports whether a [Store] may return s at now: it has neither ended nor been
// revoked.
func (c Config) Takes(s *Session, now time.Time) bool {
	return c.Lifetime.Valid(s, now) && (c.Revoked == nil || !c.Revoked(s))
}

// CheckCookieName returns an error if name cannot be a [Config.Name]: it is not
// a cookie-name of RFC 6265, it begins with "__Host-" or "__Secure-", or it
// contains "_login_" or ends in "_login", which marks the cookies of logins.
func CheckCookieName(name string) error {
	lower := strings.ToLower(name) // browsers ignore the case of prefixes
	if strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-") {
		return errors.New("expected a name without __Host- or __Secure-; wxgate puts __Host- before it where it may")
	}
	if CookieOwner(name+loginInfix) != name {
		return errors.New("expected a name without _login, which tells a login's cookie from a session's")
	}
	if name == "" || strings.ContainsFunc(name, notInCookieName) {
		return errors.New("expected a cookie name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~")
	}
	return nil
}

// notInCookieName reports whether RFC 6265 excludes r from a cookie-name.
func notInCookieName(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
}

// CookieOwner returns the name of the session cookie that the cookie called name
// belongs to: for a login's cookie the part before "_login_", else name itself.
// If that is [Config.CookieName], a [CookieStore] or [Logins] sets the cookie.
func CookieOwner(name string) string {
	owner, _, _ := strings.Cut(name, loginInfix)
	return owner
}
