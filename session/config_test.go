package session_test

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session"
)

func config() session.Config {
	return session.Config{
		Keys:     session.Keys{key('a')},
		Site:     "https://h5.example.com",
		AppID:    "wx0123456789abcdef",
		Secure:   true,
		Opened:   session.NewOpenedCookies(1 << 20),
		Lifetime: session.Lifetime{TTL: 2 * time.Hour, MaxTTL: 10 * time.Hour},
	}
}

// key returns 32 bytes without a pattern, other ones for each c.
func key(c byte) []byte {
	sum := sha256.Sum256([]byte{c})
	return sum[:]
}

func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*session.Config)
		cookie string
		secure bool
	}{
		{"https", func(*session.Config) {}, "__Host-wxgate", true},
		{"http", func(c *session.Config) { c.Secure = false }, "wxgate", false},
		{"domain", func(c *session.Config) { c.Domain = "example.com" }, "wxgate", true},
		{"named", func(c *session.Config) { c.Name = "shop" }, "__Host-shop", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config()
			test.change(&c)
			cookie := saved(t, newStore(t, c), visitor())
			if cookie.Name != test.cookie || c.CookieName() != test.cookie {
				t.Errorf("cookie is called %q, CookieName() = %q, want %q", cookie.Name, c.CookieName(), test.cookie)
			}
			if cookie.Secure != test.secure || cookie.Domain != c.Domain ||
				!cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" {
				t.Errorf("attributes: %s", cookie)
			}
			if cookie.MaxAge < 7190 || cookie.MaxAge > 7200 {
				t.Errorf("Max-Age = %d, want the TTL", cookie.MaxAge)
			}
		})
	}
}

func TestCookieOwner(t *testing.T) {
	t.Parallel()
	plain := config()
	plain.Secure = false
	tests := []struct {
		config session.Config
		name   string
		want   bool
	}{
		{config(), "__Host-wxgate", true},
		{config(), "__Host-wxgate_login_0123", true},
		{config(), "wxgate", false},
		{config(), "__Host-wxgatex", false},
		{config(), "__Host-", false},
		{plain, "wxgate", true},
		{plain, "wxgate_login_", true},
		{plain, "wxgate_theme", false},
		{plain, "", false},
	}
	for _, test := range tests {
		if got := session.CookieOwner(test.name); (got == test.config.CookieName()) != test.want {
			t.Errorf("CookieOwner(%q) = %q, want %s: %v", test.name, got, test.config.CookieName(), test.want)
		}
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	const (
		unbound  = "Site and AppID are required: cookies are bound to them"
		shortKey = "Keys: item 2 of the list: a key of 5 bytes; at least 32 are needed"
		positive = "expected a duration above zero"
	)
	tests := []struct {
		name   string
		change func(*session.Config)
		want   string // in the error, after "session: "
		logins bool   // whether NewLogins accepts it
	}{
		{"no keys", func(c *session.Config) { c.Keys = nil }, "Keys: no key; at least one is needed", false},
		{"short key", func(c *session.Config) { c.Keys = append(c.Keys, []byte("short")) }, shortKey, false},
		{"no site", func(c *session.Config) { c.Site = "" }, unbound, false},
		{"no account", func(c *session.Config) { c.AppID = "" }, unbound, false},
		{"name", func(c *session.Config) { c.Name = "a b" }, "Name: expected a cookie name: ", false},
		{"prefixed name", func(c *session.Config) { c.Name = "__Host-a" }, "Name: expected a name without __Host", false},
		{"name of a login", func(c *session.Config) { c.Name = "a_login" }, "Name: expected a name without _login, ", false},
		{"no TTL", func(c *session.Config) { c.Lifetime.TTL = 0 }, "Lifetime: TTL: 0s; " + positive, true},
		{"negative MaxTTL", func(c *session.Config) { c.Lifetime.MaxTTL = -1 }, "Lifetime: MaxTTL: -1ns; " + positive, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config()
			test.change(&c)
			refused := func(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "session: "+test.want) }
			if _, err := session.NewCookieStore(c); !refused(err) {
				t.Errorf("NewCookieStore: %v, want an error with %q", err, test.want)
			}
			_, err := session.NewLogins(c)
			if test.logins && err != nil || !test.logins && !refused(err) {
				t.Errorf("NewLogins: %v, want an error with %q: %v", err, test.want, !test.logins)
			}
		})
	}
}

func TestCheckCookieName(t *testing.T) {
	t.Parallel()
	const (
		token  = "expected a cookie name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~"
		prefix = "expected a name without __Host- or __Secure-; wxgate puts __Host- before it where it may"
		login  = "expected a name without _login, which tells a login's cookie from a session's"
	)
	tests := []struct{ name, want string }{
		{"wxgate", ""},
		{"a_loginb", ""},
		{"Host-a", ""},
		{"AZaz09!#$%&'*+-.^_`|~", ""},
		{"", token},
		{"a b", token},
		{"a=b", token},
		{"a;b", token},
		{`a"b`, token},
		{`a\b`, token},
		{"a\tb", token},
		{"a\x7f", token},
		{"a\x00", token},
		{"\xff", token},
		{"店", token},
		{"__Host-a", prefix},
		{"__host-a", prefix},
		{"__SECURE-a", prefix},
		{"_login", login},
		{"a_login", login},
		{"a_login_", login},
		{"a_login_b", login},
	}
	for _, test := range tests {
		err := session.CheckCookieName(test.name)
		if err == nil && test.want != "" || err != nil && err.Error() != test.want {
			t.Errorf("CheckCookieName(%q) = %v, want %q", test.name, err, test.want)
		}
		if test.name == "" {
			continue // in a Config, the default name
		}
		c := config()
		c.Name = test.name
		store, err := session.NewCookieStore(c)
		if (err == nil) != (test.want == "") {
			t.Errorf("NewCookieStore with the name %q = %v, want %q", test.name, err, test.want)
		} else if err == nil && saved(t, store, visitor()).Name != "__Host-"+test.name {
			t.Errorf("the name %q sets another cookie", test.name)
		}
	}
}
