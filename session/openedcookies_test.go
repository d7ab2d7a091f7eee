package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/session"
)

// A cookie that has been opened is asked about anew each time.
func TestOpenedCookieEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end func(revoked *bool, cookie *http.Cookie)
	}{
		"unused for the TTL": {func(*bool, *http.Cookie) { time.Sleep(2*time.Hour + time.Second) }},
		"revoked":            {func(revoked *bool, _ *http.Cookie) { *revoked = true }},
		"altered": {func(_ *bool, c *http.Cookie) {
			last := len(c.Value) - 5
			c.Value = c.Value[:last] + string(c.Value[last]^1) + c.Value[last+1:]
		}},
		"cut short": {func(_ *bool, c *http.Cookie) { c.Value = c.Value[:len(c.Value)-4] }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var revoked bool
				c := config()
				c.Revoked = func(*session.Session) bool { return revoked }
				store := newStore(t, c)
				cookie := saved(t, store, visitor())
				for range 2 {
					if _, err := store.Load(request(cookie)); err != nil {
						t.Fatal(err)
					}
				}
				tt.end(&revoked, cookie)
				if s, err := store.Load(request(cookie)); !errors.Is(err, session.ErrNone) {
					t.Errorf("got %v, %v; want ErrNone", s, err)
				}
			})
		})
	}
}

// A store does not know the cookies that another one has opened, though both share
// what they remember.
func TestOpenedCookieOfAnotherStore(t *testing.T) {
	t.Parallel()
	first := config()
	store := newStore(t, first)
	cookie := saved(t, store, visitor())
	if _, err := store.Load(request(cookie)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(*session.Config){
		"another site":     func(c *session.Config) { c.Site = "https://other.example.com" },
		"another account":  func(c *session.Config) { c.AppID = "wxfedcba9876543210" },
		"the key replaced": func(c *session.Config) { c.Keys = session.Keys{key('b')} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			second := first
			change(&second)
			if s, err := newStore(t, second).Load(request(cookie)); !errors.Is(err, session.ErrNone) {
				t.Errorf("got %v, %v; want ErrNone", s, err)
			}
		})
	}
}

// The caller of Load may change the session, and the next one does not see that.
func TestOpenedCookieIsNotChanged(t *testing.T) {
	t.Parallel()
	store, want := newStore(t, config()), visitor()
	cookie := saved(t, store, want)
	for range 3 {
		got, err := store.Load(request(cookie))
		if err != nil {
			t.Fatal(err)
		}
		if *got != *want {
			t.Fatalf("got %v, want %v", got, want)
		}
		*got = session.Session{OpenID: "changed"}
	}
}

// A memory that is full forgets, and the session goes on.
func TestOpenedCookiesAreForgotten(t *testing.T) {
	t.Parallel()
	c := config()
	c.Opened = session.NewOpenedCookies(2000)
	store := newStore(t, c)
	var visits []*http.Request
	for i := range 50 {
		s := visitor()
		s.OpenID = fmt.Sprintf("visitor-%d", i)
		visits = append(visits, request(saved(t, store, s)))
	}
	for range 2 {
		for i, r := range visits {
			s, err := store.Load(r)
			if err != nil || s.OpenID != fmt.Sprintf("visitor-%d", i) {
				t.Fatalf("visitor %d: got %v, %v", i, s, err)
			}
		}
	}
}

// BenchmarkCookieStoreLoadFirst loads a session from a cookie that has not been seen.
func BenchmarkCookieStoreLoadFirst(b *testing.B) {
	c := config()
	c.Opened = nil
	benchmarkLoad(b, c)
}
