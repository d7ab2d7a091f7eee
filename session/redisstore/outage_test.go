package redisstore_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// outages are the ways in which Redis stops answering, and how it comes back.
var outages = []struct {
	name      string
	begin     func(*testing.T, *redistest.Server)
	end       func(*testing.T, *redistest.Server)
	keepsData bool
}{
	{
		name:      "stopped",
		begin:     func(_ *testing.T, s *redistest.Server) { s.Stop() },
		end:       func(t *testing.T, s *redistest.Server) { s.Restart(t) },
		keepsData: true,
	},
	{
		name:      "paused",
		begin:     func(_ *testing.T, s *redistest.Server) { s.Pause() },
		end:       func(_ *testing.T, s *redistest.Server) { s.Resume() },
		keepsData: true,
	},
	{
		name: "no right to read",
		begin: func(t *testing.T, s *redistest.Server) {
			s.Do(t, "ACL", "SETUSER", "default", "-get", "-set", "-del", "-eval", "-evalsha", "-ping")
			s.Do(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		},
		end: func(t *testing.T, s *redistest.Server) {
			s.Do(t, "ACL", "SETUSER", "default", "+@all")
		},
		keepsData: true,
	},
}

// While Redis is away, a session that was seen goes on for the grace, nobody else
// has one or is told that there is none, and no cookie or record is lost.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, outage := range outages {
		t.Run(outage.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true, Persist: true})
			client := connected(t, server.URL())
			const grace = 4 * time.Second
			seenBy := sessions(t, client, config('a'), grace)
			stranger := sessions(t, connected(t, server.URL()), config('a'), grace) // has not seen it
			strict := sessions(t, client, config('a'), 0)
			cookie := login(t, seenBy)
			want(t, seenBy, cookie, nil)
			want(t, strict, cookie, nil)
			confirmed := time.Now()

			outage.begin(t, server)
			lastSeen := make(chan time.Time, 1)
			go func() {
				last := time.Now()
				for {
					if _, err := seenBy.Load(request(cookie)); err != nil {
						lastSeen <- last
						return
					}
					last = time.Now()
					time.Sleep(10 * time.Millisecond)
				}
			}()
			eventually(t, "a session without grace is not known", func() bool {
				_, err := strict.Load(request(cookie))
				return is(err, errAway)
			})
			want(t, stranger, cookie, errAway)
			header := make(http.Header)
			if err := stranger.Delete(request(cookie), header); err == nil || len(header) > 0 {
				t.Errorf("Delete: %v, header %v, want an error and the cookie left alone", err, header)
			}
			if err := stranger.Save(request(), header, visitor()); err == nil || len(header) > 0 {
				t.Errorf("Save: %v, header %v, want an error and no cookie", err, header)
			}
			went := (<-lastSeen).Sub(confirmed)
			if went < grace-2*time.Second || went > grace+2*time.Second {
				t.Errorf("the session went on for %v, want about %v", went, grace)
			}
			want(t, seenBy, cookie, errAway)

			outage.end(t, server)
			for _, store := range []session.Store{seenBy, stranger, strict} {
				eventually(t, "the session is there again", func() bool {
					_, err := store.Load(request(cookie))
					if is(err, session.ErrNone) {
						t.Fatal("the session was lost")
					}
					return err == nil
				})
			}
		})
	}
}

// A request with many cookies waits for Redis once, and is then answered from memory.
func TestOutageWithManyCookies(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	client := connected(t, server.URL())
	store := sessions(t, client, config('a'), time.Minute)
	seen := login(t, store)
	want(t, store, seen, nil)
	cookies := []string{login(t, sessions(t, client, config('a'), 0))}
	for range 5 {
		cookies = append(cookies, login(t, sessions(t, client, config('a'), 0)))
	}
	server.Pause()
	begin := time.Now()
	if _, err := store.Load(request(append(cookies, seen)...)); err != nil {
		t.Errorf("Load: %v, want the session that was seen", err)
	}
	if took := time.Since(begin); took > 4*time.Second { // one after the other it is six
		t.Errorf("Load took %v, want about one", took)
	}
}

// After a sign-out here, nothing brings the session back while Redis is away.
func TestSignedOutHasNoGrace(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	store := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	cookie := login(t, store)
	want(t, store, cookie, nil)
	if err := store.Delete(request(cookie), make(http.Header)); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	want(t, store, cookie, session.ErrNone)
	if err := store.Renew(request(cookie), make(http.Header), visitor()); err != nil {
		t.Errorf("Renew: %v, want no error", err)
	}
}

// Redis emptied: its sessions have ended, and new ones work.
func TestEmptied(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	store := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	cookie := login(t, store)
	want(t, store, cookie, nil)
	server.Flush(t)
	eventually(t, "the session is gone", func() bool {
		_, err := store.Load(request(cookie))
		return is(err, session.ErrNone)
	})
	want(t, store, login(t, store), nil)
}

// Redis that refuses to write loses no session and makes none.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	for _, refusal := range []struct {
		name   string
		refuse []string
		hint   string
	}{
		{"full", []string{"CONFIG", "SET", "maxmemory", "1"}, "maxmemory"},
		{"read only", []string{"REPLICAOF", "127.0.0.1", "1"}, "master"},
	} {
		t.Run(refusal.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true, Args: []string{"--maxmemory-policy", "noeviction"}})
			var out log
			client := connect(t, server.URL(), zerolog.New(&out))
			eventually(t, "redis answers", func() bool { return client.Status().Answered })
			store := sessions(t, client, config('a'), 0)
			cookie := login(t, store)
			server.Do(t, refusal.refuse...)
			header := make(http.Header)
			for range 3 {
				if err := store.Save(request(), header, visitor()); err == nil || len(header) > 0 {
					t.Errorf("Save: %v, header %v, want an error and no cookie", err, header)
				}
			}
			if n := lines(out.String(), `"level":"error"`, "redis refuses writes", `"hint":`, refusal.hint); n != 1 {
				t.Errorf("the log says %d times that Redis refuses writes, want once:\n%s", n, out.String())
			}
			if err := store.Renew(request(cookie), header, due(t, store, cookie)); err == nil || len(header) > 0 {
				t.Errorf("Renew: %v, header %v, want an error and no cookie", err, header)
			}
			want(t, store, cookie, nil)
		})
	}
}

// A start without Redis works: the store says that it does not know, until it does.
func TestStartWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Persist: true})
	cookie := login(t, sessions(t, connected(t, server.URL()), config('a'), 0))
	server.Stop()
	var out log
	client := connect(t, server.URL(), zerolog.New(&out))
	store := sessions(t, client, config('a'), 0)
	want(t, store, cookie, errAway)
	if status := client.Status(); status.Answered {
		t.Errorf("Status %+v without Redis", status)
	}
	eventually(t, "the outage is logged", func() bool {
		return strings.Contains(out.String(), `"message":"redis does not answer"`)
	})
	server.Restart(t)
	eventually(t, "the session is there", func() bool {
		_, err := store.Load(request(cookie))
		return err == nil
	})
	if status := client.Status(); !status.Answered {
		t.Errorf("Status %+v with Redis", status)
	}
	eventually(t, "the end of the outage is logged", func() bool {
		return strings.Contains(out.String(), `"message":"redis answers`)
	})
	if n := strings.Count(out.String(), "redis does not answer"); n != 1 {
		t.Errorf("the outage was logged %d times, want once", n)
	}
}

// A Redis without client-side caching works too, and the log says so once.
func TestWithoutTracking(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{
		Users: map[string]string{"old": "on >secret ~* &* +@all -client|tracking"},
	})
	var out log
	client := connect(t, server.URLOf("old", "secret"), zerolog.New(&out))
	eventually(t, "redis answers", func() bool { return client.Status().Answered })
	a := sessions(t, client, config('a'), time.Minute)
	b := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	cookie := login(t, a)
	want(t, a, cookie, nil)
	if err := b.Delete(request(cookie), make(http.Header)); err != nil {
		t.Fatal(err)
	}
	want(t, a, cookie, session.ErrNone) // at once: nothing is cached
	if n := strings.Count(out.String(), "redis has no client-side caching"); n != 1 {
		t.Errorf("the log says %d times that there is no caching, want once:\n%s", n, out.String())
	}
}

// lines counts the lines of a log that hold all parts.
func lines(log string, parts ...string) int {
	n := 0
	for line := range strings.Lines(log) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			n++
		}
	}
	return n
}
