package redisstore_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

var _ session.Updater = (*redisstore.Store)(nil)

// loaded returns the session of a cookie.
func loaded(t testing.TB, store session.Store, cookie string) *session.Session {
	t.Helper()
	s, err := store.Load(request(cookie))
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return s
}

// token returns a web token with the given access token.
func token(access string) *session.WebToken {
	now := time.Now().Truncate(time.Second)
	return &session.WebToken{
		Access: access, ExpiresAt: now.Add(time.Hour),
		Refresh: "refresh-" + access, RefreshUntil: now.Add(2 * time.Hour),
	}
}

// setToken changes a session to have a token.
func setToken(token *session.WebToken) func(*session.Session) bool {
	return func(s *session.Session) bool {
		s.Token = token
		return true
	}
}

// An update holds on all replicas, and the cookie stays as it is.
func TestUpdate(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	b := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	cookie := login(t, a)
	want(t, b, cookie, nil)
	r := request(foreignLogin(t), cookie)
	update := a.Update(r, loaded(t, a, cookie))
	r.Header.Del("Cookie") // the request is over
	one := token("one")
	if err := update(t.Context(), setToken(one)); err != nil {
		t.Fatal(err)
	}
	for _, store := range []session.Store{a, b} {
		eventually(t, "the token is there", func() bool {
			s := loaded(t, store, cookie)
			return s.Token != nil && *s.Token == *one && s.Scope == "snsapi_base"
		})
	}
	key := server.Do(t, "RANDOMKEY")
	if ttl := server.Do(t, "PTTL", key); len(ttl) != len("7199999") {
		t.Errorf("PTTL %s after the update, want about two hours", ttl)
	}
	record := server.Do(t, "GET", key)
	err := update(t.Context(), func(*session.Session) bool { return false })
	if err != nil || server.Do(t, "GET", key) != record {
		t.Errorf("an update without a change: %v, or the record was written", err)
	}
}

// What others write during an update is not lost, nor what the update writes.
func TestUpdateLosesNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := sessions(t, connected(t, server.URL()), config('a'), 0)
	b := sessions(t, connected(t, server.URL()), config('a'), 0)
	cookie := login(t, a)
	follows := loaded(t, b, cookie)
	follows.Subscribed, follows.FollowAskedAt = true, time.Now().Truncate(time.Second)
	calls := 0
	err := a.Update(request(cookie), loaded(t, a, cookie))(t.Context(), func(s *session.Session) bool {
		if calls++; calls == 1 {
			renew(t, b, cookie, follows)
		}
		return setToken(token("one"))(s)
	})
	if err != nil || calls != 2 {
		t.Fatalf("update: %v after %d calls, want two", err, calls)
	}
	eventually(t, "both hold", func() bool {
		s := loaded(t, b, cookie)
		return s.Token != nil && s.Token.Access == "one" && s.Subscribed
	})

	// A request that has loaded the session before the update renews it after it.
	late := *follows
	late.RenewedAt = late.IssuedAt.Add(time.Minute)
	renew(t, b, cookie, &late)
	eventually(t, "all three hold", func() bool {
		s := loaded(t, a, cookie)
		return s.Token != nil && s.Token.Access == "one" && s.Subscribed &&
			s.RenewedAt.Unix() == late.RenewedAt.Unix()
	})
}

// renew renews the session of a cookie.
func renew(t testing.TB, store session.Store, cookie string, s *session.Session) {
	t.Helper()
	header := make(http.Header)
	if err := store.Renew(request(cookie), header, s); err != nil || cookieIn(header) == "" {
		t.Errorf("Renew: %v, header %v, want a renewed cookie", err, header)
	}
}

// An update brings back no session that has ended, and changes no other one.
func TestUpdateAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, store session.Store, cookie string){
		"sign-out": func(t *testing.T, store session.Store, cookie string) {
			if err := store.Delete(request(cookie), make(http.Header)); err != nil {
				t.Error(err)
			}
		},
		"new login": func(t *testing.T, store session.Store, cookie string) { login(t, store, cookie) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			a := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
			b := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
			cookie := login(t, a)
			update := a.Update(request(cookie), loaded(t, a, cookie))
			during := func(s *session.Session) bool {
				end(t, b, cookie)
				return setToken(token("one"))(s)
			}
			if err := update(t.Context(), during); !is(err, session.ErrNone) {
				t.Errorf("the session ended during the update: %v, want ErrNone", err)
			}
			never := func(*session.Session) bool {
				t.Error("an update of a session that has ended got one")
				return true
			}
			if err := update(t.Context(), never); !is(err, session.ErrNone) {
				t.Errorf("the session ended before the update: %v, want ErrNone", err)
			}
			eventually(t, "the session has ended", func() bool {
				_, err := a.Load(request(cookie))
				return is(err, session.ErrNone)
			})
		})
	}
	t.Run("another visitor's", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		store := sessions(t, connected(t, server.URL()), config('a'), 0)
		cookie := login(t, store)
		other := loaded(t, store, cookie)
		other.OpenID = "oSomebodyElse"
		if err := store.Update(request(cookie), other)(t.Context(), setToken(token("one"))); !is(err, session.ErrNone) {
			t.Errorf("update: %v, want ErrNone", err)
		}
		if s := loaded(t, store, cookie); s.Token != nil {
			t.Error("the session got the token of another visitor")
		}
	})
}

// Of the updates of one session one runs at a time, on all replicas; those of others
// do not wait.
func TestUpdatesTakeTurns(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*redisstore.Store{
		sessions(t, connected(t, server.URL()), config('a'), 0),
		sessions(t, connected(t, server.URL()), config('a'), 0),
	}
	cookie := login(t, stores[0])
	var updating sync.WaitGroup
	var running, asked atomic.Int32
	for i := range 10 {
		update := stores[i%2].Update(request(cookie), loaded(t, stores[i%2], cookie))
		updating.Go(func() {
			err := update(t.Context(), func(s *session.Session) bool {
				if running.Add(1) > 1 {
					t.Error("two updates run at a time")
				}
				defer running.Add(-1)
				if s.Token != nil {
					return false
				}
				asked.Add(1)
				another := login(t, stores[i%2])
				other := stores[i%2].Update(request(another), loaded(t, stores[i%2], another))
				if err := other(t.Context(), setToken(token("other"))); err != nil {
					t.Errorf("an update of another session: %v", err)
				}
				return setToken(token("one"))(s)
			})
			if err != nil {
				t.Errorf("update: %v", err)
			}
		})
	}
	updating.Wait()
	if asked.Load() != 1 {
		t.Errorf("%d updates saw no token, want 1", asked.Load())
	}
}

// An update that begins while Redis is away for a moment is made when it is back.
func TestUpdateDuringAnOutage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true, Persist: true})
	store := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	cookie := login(t, store)
	update := store.Update(request(cookie), loaded(t, store, cookie))
	restarted := make(chan struct{})
	outage := sync.OnceFunc(func() {
		server.Stop()
		time.AfterFunc(200*time.Millisecond, func() {
			defer close(restarted)
			server.Restart(t)
		})
	})
	err := update(t.Context(), func(s *session.Session) bool {
		outage()
		return setToken(token("one"))(s)
	})
	<-restarted
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	eventually(t, "the token is there", func() bool {
		s, err := store.Load(request(cookie))
		return err == nil && s.Token != nil && s.Token.Access == "one"
	})
}
