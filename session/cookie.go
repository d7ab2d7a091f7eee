package session

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

// maxCookieBytes bounds name and value of a cookie together: RFC 6265 asks
// browsers for 4,096 bytes, and most drop a cookie that is larger.
const maxCookieBytes = 4096

const hostPrefix = "__Host-"

// Config describes the cookies of one site.
type Config struct {
	// Keys seal the cookies. The first one seals new cookies, all of them are
	// accepted, so that keys can be replaced without signing anyone out. At
	// least one, of at least 32 bytes each.
	Keys Keys
	// Site is the site's origin ("https://h5.example.com") and AppID its
	// account. The keys in use are derived from these too: a cookie made for
	// another site or account is no session here, whatever keys it shares.
	Site  string
	AppID string
	// Name is the session cookie's name, see [CheckCookieName]; default "wxgate".
	// "__Host-" is put before it where Secure is set and Domain is not.
	Name string
	// Domain shares the cookies with the subdomains of a domain; empty: the
	// host alone.
	Domain string
	// Secure keeps the cookies off plain http.
	Secure bool
	// Lifetime bounds the sessions; both of its durations are required.
	Lifetime Lifetime
}

// CookieName returns the name of the session cookie as browsers know it.
func (c Config) CookieName() string {
	if c.hostOnly() {
		return hostPrefix + c.baseName()
	}
	return c.baseName()
}

func (c Config) baseName() string { return cmp.Or(c.Name, "wxgate") }

// hostOnly reports whether browsers can hold the cookies to what "__Host-"
// promises: no other host, a subdomain above all, can have set them.
func (c Config) hostOnly() bool { return c.Secure && c.Domain == "" }

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

// CookieOwner returns the name of the session cookie that a cookie called name
// would belong to: name itself, or what stands before a login's id in it. Where
// that is [Config.CookieName], a [CookieStore] or [Logins] sets the cookie.
func CookieOwner(name string) string {
	owner, _, _ := strings.Cut(name, loginInfix)
	return owner
}

// jar is gorilla's cookie store under one set of derived keys, set up field by
// field: its defaults are no HttpOnly, SameSite=None and thirty days.
//
// The codecs are used directly rather than through its New and Save. New looks
// at the first cookie of a name only, while a cookie set for a parent domain
// may stand before ours, and both box the value into a map on every request.
type jar struct {
	*sessions.CookieStore
}

func newJar(c Config, purpose string, form securecookie.Serializer) (jar, error) {
	pairs, err := c.deriveKeys(purpose)
	if err != nil {
		return jar{}, err
	}
	store := sessions.NewCookieStore(pairs...)
	store.Options = &sessions.Options{
		Path:     "/",
		Domain:   c.Domain,
		Secure:   c.Secure,
		HttpOnly: true,
		// Lax, not Strict: the way back from WeChat is a cross-site navigation.
		SameSite: http.SameSiteLaxMode,
	}
	for _, codec := range store.Codecs {
		sealed := codec.(*securecookie.SecureCookie)
		sealed.SetSerializer(form)
		sealed.MaxAge(0) // times stand in the sealed value, where both lifetimes can be held against them
		sealed.MaxLength(maxCookieBytes)
	}
	return jar{store}, nil
}

// open decodes the value of the cookie called name into dst.
func (j jar) open(name, value string, dst any) error {
	return securecookie.DecodeMulti(name, value, dst, j.Codecs...)
}

// set adds a cookie with the sealed value to header. A maxAge of zero makes a
// cookie that ends with the browser.
func (j jar) set(header http.Header, name string, value any, maxAge time.Duration) error {
	sealed, err := securecookie.EncodeMulti(name, value, j.Codecs...)
	if err != nil {
		return fmt.Errorf("seal cookie: %w", err)
	}
	if len(name)+1+len(sealed) > maxCookieBytes {
		return fmt.Errorf("seal cookie: %d bytes are more than a browser keeps", len(name)+1+len(sealed))
	}
	j.add(header, name, sealed, int(maxAge/time.Second))
	return nil
}

// remove adds a cookie to header that makes the browser forget name.
func (j jar) remove(header http.Header, name string) {
	j.add(header, name, "", -1)
}

func (j jar) add(header http.Header, name, value string, maxAge int) {
	options := *j.Options
	options.MaxAge = maxAge
	header.Add("Set-Cookie", sessions.NewCookie(name, value, &options).String())
}

// CookieStore is the [Store] that keeps the whole session in one cookie.
type CookieStore struct {
	name     string
	jar      jar
	lifetime Lifetime
}

// NewCookieStore returns a store for the cookies that c describes, or an error
// that says what is missing from c.
func NewCookieStore(c Config) (*CookieStore, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := c.Lifetime.Check(); err != nil {
		return nil, fmt.Errorf("session: Lifetime: %w", err)
	}
	jar, err := newJar(c, "session", compact{})
	if err != nil {
		return nil, err
	}
	return &CookieStore{name: c.CookieName(), jar: jar, lifetime: c.Lifetime}, nil
}

// Load implements [Store]. Of several cookies of the name, the first valid one
// counts. The only error is [ErrNone].
func (c *CookieStore) Load(r *http.Request) (*Session, error) {
	for _, cookie := range r.CookiesNamed(c.name) {
		s := new(Session)
		if c.jar.open(c.name, cookie.Value, s) == nil && c.lifetime.Valid(s, time.Now()) {
			return s, nil
		}
	}
	return nil, ErrNone
}

// Save implements [Store]. It fails only for a session that no cookie can
// hold, which takes fields far longer than WeChat's.
func (c *CookieStore) Save(_ *http.Request, header http.Header, s *Session) error {
	var maxAge time.Duration // a snapshot visitor's ends with the browser
	if !s.SnapshotUser {
		maxAge = max(time.Until(c.lifetime.ExpiresAt(s)), time.Second)
	}
	return c.jar.set(header, c.name, s, maxAge)
}

// Delete implements [Store]. It never fails.
func (c *CookieStore) Delete(_ *http.Request, header http.Header) error {
	c.jar.remove(header, c.name)
	return nil
}
