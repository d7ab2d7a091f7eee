package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/session"
)

// Kept recognizes the site's cookies by their names.
func TestLoginsKept(t *testing.T) {
	t.Parallel()
	hostOnly := config()
	domain := hostOnly
	domain.Domain, domain.Name = "example.com", "shop"
	for _, tt := range []struct {
		config session.Config
		lines  []string // Cookie headers
		want   bool
	}{
		{hostOnly, nil, false},
		{hostOnly, []string{""}, false},
		{hostOnly, []string{"__Host-wxgate=x"}, true},
		{hostOnly, []string{"a=b;__Host-wxgate_login_probe=1"}, true},
		{hostOnly, []string{"a=b", "c=d;  __Host-wxgate_login_0123456789abcdef=x"}, true},
		{hostOnly, []string{"__Host-wxgate"}, true},
		{hostOnly, []string{"wxgate=x; wxgate_login_probe=1; __Host-wxgates=x; x__Host-wxgate=x"}, false},
		{hostOnly, []string{"a=__Host-wxgate=x", `a="; __host-wxgate=x`}, false},
		{domain, []string{"shop=x"}, false},
		{domain, []string{"shop_login_probe=1"}, true},
		{domain, []string{"a; shop_login_0123456789abcdef=x"}, true},
		{domain, []string{"__Host-shop=x; shop_loginx=1; shops_login_x=1"}, false},
	} {
		logins, err := session.NewLogins(tt.config)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Header: http.Header{"Cookie": tt.lines}}
		if got := logins.Kept(r); got != tt.want {
			t.Errorf("%s: Kept with %q = %t, want %t", tt.config.CookieName(), tt.lines, got, tt.want)
		}
	}
}

// The cookie of Probe has the attributes of a login's, comes back, and belongs to the
// session's by its name. It takes no login's place.
func TestLoginsProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config()
		logins, err := session.NewLogins(c)
		if err != nil {
			t.Fatal(err)
		}
		h := make(http.Header)
		logins.Probe(h)
		cookie, err := http.ParseSetCookie(h.Get("Set-Cookie"))
		if err != nil {
			t.Fatal(err)
		}
		if !cookie.Secure || !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != 600 ||
			cookie.SameSite != http.SameSiteLaxMode || session.CookieOwner(cookie.Name) != c.CookieName() {
			t.Errorf("Set-Cookie %q", h.Get("Set-Cookie"))
		}
		b := browser{}
		b.take(t, h)
		if !logins.Kept(b.request()) {
			t.Error("a browser with the probe: Kept = false, want true")
		}
		var states []string
		for range 5 {
			time.Sleep(time.Second)
			login := &session.Login{State: session.NewState(), BeganAt: time.Now()}
			h := make(http.Header)
			if err := logins.Begin(b.request(), h, login); err != nil {
				t.Fatal(err)
			}
			b.take(t, h)
			states = append(states, login.State)
		}
		for i, state := range states {
			if _, ok := logins.Find(b.request(), state); !ok {
				t.Errorf("login %d of five is gone", i+1)
			}
		}
	})
}
