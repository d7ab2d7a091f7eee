package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/session"
)

func TestLifetimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config()
		store, s := newStore(t, c), visitor()
		cookie := saved(t, store, s)
		time.Sleep(c.Lifetime.TTL - time.Second)
		if _, err := store.Load(request(cookie)); err != nil {
			t.Errorf("a second before the TTL: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := store.Load(request(cookie)); !errors.Is(err, session.ErrNone) {
			t.Errorf("at the TTL: %v, want ErrNone", err)
		}
	})
}

func TestMaxTTLEndsARenewedSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config()
		store, s := newStore(t, c), visitor()
		for range 9 {
			time.Sleep(time.Hour)
			if !c.Lifetime.Due(s, time.Now()) && c.Lifetime.ExpiresAt(s) != s.IssuedAt.Add(c.Lifetime.MaxTTL) {
				t.Fatalf("not due for renewal half of the TTL after %v", s.RenewedAt)
			}
			s.RenewedAt = time.Now()
		}
		cookie := saved(t, store, s)
		if cookie.MaxAge != 3600 {
			t.Errorf("Max-Age = %d an hour before the end, want 3600", cookie.MaxAge)
		}
		if c.Lifetime.Due(s, time.Now().Add(c.Lifetime.TTL/2)) {
			t.Error("due for a renewal that would prolong nothing")
		}
		time.Sleep(time.Hour)
		if _, err := store.Load(request(cookie)); !errors.Is(err, session.ErrNone) {
			t.Errorf("after MaxTTL: %v, want ErrNone", err)
		}
	})
}
