package redisstore_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// What one replica does to a session holds on the other.
func TestReplicasShareSessions(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	b := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	cookie := login(t, a)
	want(t, a, cookie, nil)
	want(t, b, cookie, nil)
	header := make(http.Header)
	if err := b.Delete(request(cookie), header); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("Delete set %q, want the cookie removed", header)
	}
	want(t, b, cookie, session.ErrNone)
	eventually(t, "the sign-out holds on the other replica", func() bool {
		_, err := a.Load(request(cookie))
		return is(err, session.ErrNone)
	})
}

func TestCookieOfASession(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	store := sessions(t, connected(t, server.URL()), config('a'), 0)
	header := make(http.Header)
	if err := store.Save(request(), header, visitor()); err != nil {
		t.Fatal(err)
	}
	line := header.Get("Set-Cookie")
	for _, part := range []string{"__Host-wxgate=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(line, part) {
			t.Errorf("Set-Cookie %q, want %q in it", line, part)
		}
	}
	snapshot := visitor()
	snapshot.SnapshotUser = true
	header = make(http.Header)
	if err := store.Save(request(), header, snapshot); err != nil {
		t.Fatal(err)
	}
	if line := header.Get("Set-Cookie"); strings.Contains(line, "Max-Age") || strings.Contains(line, "Expires") {
		t.Errorf("Set-Cookie of a snapshot user: %q, want one that ends with the browser", line)
	}
}

// A login gets a new id, and the browser's former session ends.
func TestLoginMakesANewID(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	store := sessions(t, connected(t, server.URL()), config('a'), 0)
	first := login(t, store)
	second := login(t, store, first)
	if first == second {
		t.Error("two logins have one cookie")
	}
	want(t, store, second, nil)
	want(t, store, first, session.ErrNone)
	if keys := server.Do(t, "DBSIZE"); keys != "1" {
		t.Errorf("%s records in Redis, want 1", keys)
	}
}

// Neither Redis nor its records tell who has a session.
func TestRedisHoldsNothingReadable(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	login(t, sessions(t, connected(t, server.URL()), config('a'), 0))
	key := server.Do(t, "RANDOMKEY")
	record := server.Do(t, "GET", key)
	if len(record) < 32 || strings.Contains(key+record, openID) || strings.Contains(record, "snsapi_base") {
		t.Errorf("a record of %d bytes at %q, want an encrypted one", len(record), key)
	}
	if ttl := server.Do(t, "PTTL", key); len(ttl) != len("7199999") {
		t.Errorf("PTTL %s, want about two hours", ttl)
	}
}

func TestRecordsThatDoNotOpen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := connected(t, server.URL())
	store := sessions(t, client, config('a'), time.Minute)
	t.Run("keys rotated", func(t *testing.T) {
		cookie := login(t, store)
		want(t, sessions(t, client, config('b', 'a'), 0), cookie, nil)
		want(t, sessions(t, client, config('b'), 0), cookie, session.ErrNone)
	})
	t.Run("another site", func(t *testing.T) {
		cookie := login(t, store)
		other := config('a')
		other.Site = "https://other.example.com"
		want(t, sessions(t, client, other, 0), cookie, session.ErrNone)
		other = config('a')
		other.AppID = "wxfedcba9876543210"
		want(t, sessions(t, client, other, 0), cookie, session.ErrNone)
	})
	t.Run("cookie of the cookie store", func(t *testing.T) {
		whole, err := session.NewCookieStore(config('a'))
		if err != nil {
			t.Fatal(err)
		}
		want(t, store, login(t, whole), session.ErrNone)
		want(t, whole, login(t, store), session.ErrNone)
	})
	for name, alter := range map[string]func(string) string{
		"cut":     func(record string) string { return record[:len(record)-1] },
		"changed": func(record string) string { return record[:20] + string(record[20]^1) + record[21:] },
		"empty":   func(string) string { return "" },
		"text":    func(string) string { return `{"openid":"` + openID + `"}` },
	} {
		t.Run(name, func(t *testing.T) {
			server.Flush(t)
			cookie := login(t, store)
			want(t, store, cookie, nil)
			key := server.Do(t, "RANDOMKEY")
			server.Do(t, "SET", key, alter(server.Do(t, "GET", key)))
			eventually(t, "the altered record is no session", func() bool {
				_, err := store.Load(request(cookie))
				return is(err, session.ErrNone)
			})
		})
	}
	t.Run("of another session", func(t *testing.T) {
		server.Flush(t)
		mine := login(t, store)
		key := server.Do(t, "RANDOMKEY")
		record := server.Do(t, "GET", key)
		server.Do(t, "DEL", key)
		theirs := login(t, store)
		server.Do(t, "SET", server.Do(t, "RANDOMKEY"), record)
		want(t, store, theirs, session.ErrNone)
		server.Do(t, "SET", key, record)
		eventually(t, "the record in its place is a session", func() bool {
			_, err := store.Load(request(mine))
			return err == nil
		})
	})
}

// Of all renewals at one time, on all replicas, one is written.
func TestRenewOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := sessions(t, connected(t, server.URL()), config('a'), 0)
	b := sessions(t, connected(t, server.URL()), config('a'), 0)
	cookie := login(t, a)
	renewed := due(t, a, cookie)
	want(t, b, cookie, nil)
	var renewing sync.WaitGroup
	headers := make([]http.Header, 20)
	for i := range headers {
		store := a
		if i%2 == 1 {
			store = b
		}
		headers[i] = make(http.Header)
		renewing.Go(func() {
			if err := store.Renew(request(cookie), headers[i], renewed); err != nil {
				t.Errorf("Renew: %v", err)
			}
		})
	}
	renewing.Wait()
	written := 0
	for _, header := range headers {
		if header.Get("Set-Cookie") != "" {
			written++
		}
	}
	if written != 1 {
		t.Errorf("%d of 20 renewals were written, want 1", written)
	}
	for _, store := range []session.Store{a, b} {
		eventually(t, "the renewal holds", func() bool {
			s, err := store.Load(request(cookie))
			return err == nil && s.RenewedAt.Unix() == renewed.RenewedAt.Unix()
		})
	}
}

// A renewal that comes after a sign-out brings nothing back.
func TestRenewAfterSignOut(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := sessions(t, connected(t, server.URL()), config('a'), 0)
	b := sessions(t, connected(t, server.URL()), config('a'), 0)
	cookie := login(t, a)
	renewed := due(t, a, cookie)
	if err := b.Delete(request(cookie), make(http.Header)); err != nil {
		t.Fatal(err)
	}
	header := make(http.Header)
	if err := a.Renew(request(cookie), header, renewed); err != nil || header.Get("Set-Cookie") != "" {
		t.Errorf("Renew: %v, header %v, want neither an error nor a cookie", err, header)
	}
	if keys := server.Do(t, "DBSIZE"); keys != "0" {
		t.Errorf("%s records in Redis after the sign-out, want 0", keys)
	}
}

// A cookie of a revoked session hides none behind it.
func TestRevokedCookieIsPassedOver(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := config('a')
	c.Revoked = func(s *session.Session) bool { return s.Generation == 0 }
	whole, err := session.NewCookieStore(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]session.Store{
		"redis":  sessions(t, connected(t, server.URL()), c, 0),
		"cookie": whole,
	} {
		revoked := login(t, store)
		want(t, store, revoked, session.ErrNone)
		valid, header := visitor(), make(http.Header)
		valid.Generation = 1
		if err := store.Save(request(), header, valid); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Load(request(revoked, cookieIn(header))); err != nil {
			t.Errorf("%s store: Load with a revoked cookie before a valid one: %v, want the session", name, err)
		}
	}
}

// Without grace, Redis is asked each time: nothing goes on that it has not confirmed.
func TestNoGraceAsksEachTime(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	store := sessions(t, connected(t, server.URL()), config('a'), 0)
	cookie := login(t, store)
	want(t, store, cookie, nil)
	server.Pause()
	want(t, store, cookie, errAway)
}

// Requests of strangers cost no question to Redis and no memory.
func TestForeignCookies(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := connected(t, server.URL())
	store := sessions(t, client, config('a'), 0)
	server.Stop()
	for _, cookie := range []string{"", "__Host-wxgate=", "__Host-wxgate=abc", "other=1", foreignLogin(t)} {
		want(t, store, cookie, session.ErrNone)
	}
}

// foreignLogin returns the cookie of a site with other keys.
func foreignLogin(t *testing.T) string {
	server := redistest.Start(t)
	return login(t, sessions(t, connected(t, server.URL()), config('z'), 0))
}
