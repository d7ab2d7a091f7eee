package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// holding is what a caller needs who has a value for an hour more and asks whether it
// is still the shared one.
var holding = redisstore.Need{Left: time.Hour}

var errNotDue = errors.New("no renewal is due")

// notDue is the fetch of a caller who only asks.
func notDue(context.Context) (redisstore.Value, error) { return redisstore.Value{}, errNotDue }

// wantAdopted waits until all replicas get the value without a fetch.
func wantAdopted(t *testing.T, want string, all ...*redisstore.Shared) {
	t.Helper()
	for i, s := range all {
		eventually(t, fmt.Sprintf("replica %d has %s", i, want), func() bool {
			got, err := s.Get(t.Context(), holding, notDue)
			return err == nil && got.Text == want
		})
	}
}

// noAnswer waits until a replica knows that Redis is away.
func noAnswer(t *testing.T, clients ...*redisstore.Client) {
	t.Helper()
	for _, c := range clients {
		eventually(t, "Redis is away", func() bool { return c.Status().Down > 0 })
	}
}

// tick waits for another millisecond of the clock.
func tick(t *testing.T) {
	begin := time.Now().UnixMilli()
	eventually(t, "a millisecond has passed", func() bool { return time.Now().UnixMilli() > begin })
}

// What a replica fetched alone replaces what Redis has as soon as Redis answers, though
// nobody asks that replica; of two such values the later one wins.
func TestSharedValueFetchedAlone(t *testing.T) {
	t.Parallel()
	for _, outage := range outages {
		for _, lose := range []bool{false, true} {
			t.Run(fmt.Sprint(outage.name, ", emptied ", lose), func(t *testing.T) {
				t.Parallel()
				server := redistest.Start(t, redistest.Options{Real: true, Persist: true})
				clients := []*redisstore.Client{connected(t, server.URL()), connected(t, server.URL())}
				one, other := share(clients[0], 'a'), share(clients[1], 'a')
				var src source
				wantValue(t, one, early, src.fetch, "SECRET-1")
				wantValue(t, other, early, src.fetch, "SECRET-1")
				if lose {
					server.Flush(t)
				}
				outage.begin(t, server)
				newClient := connect(t, server.URL(), zerolog.Nop())
				noAnswer(t, append(clients, newClient)...)
				started := share(newClient, 'a')
				wantValue(t, started, early, src.fetch, "SECRET-2")
				tick(t)
				wantValue(t, other, early, src.fetch, "SECRET-3")
				outage.end(t, server)
				wantAdopted(t, "SECRET-3", one, started, other)
				wantValue(t, share(clients[0], 'a'), early, src.fetch, "SECRET-3")
			})
		}
	}
}

// A value that could not be stored does not replace one that was fetched later.
func TestSharedValueFetchedAloneBefore(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true, Args: []string{"--maxmemory-policy", "noeviction"}})
	one, other := share(connected(t, server.URL()), 'a'), share(connected(t, server.URL()), 'a')
	server.Do(t, "CONFIG", "SET", "maxmemory", "1")
	wantValue(t, one, early, value("T1"), "T1")
	tick(t)
	server.Do(t, "CONFIG", "SET", "maxmemory", "0")
	// It may find T1, which WeChat refuses, or nothing.
	wantValue(t, other, redisstore.Need{Stale: "T1"}, value("T2"), "T2")
	wantAdopted(t, "T2", one, other)
}

// Somebody who asks and still holds the value stores it again when Redis has lost it,
// and ten such replicas fetch nothing.
func TestSharedValueLost(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	var src source
	var all []*redisstore.Shared
	for range 10 {
		all = append(all, share(connected(t, server.URL()), 'a'))
		wantValue(t, all[len(all)-1], early, src.fetch, "SECRET-1")
	}
	for range 5 {
		server.Flush(t)
		var asking sync.WaitGroup
		for _, s := range all {
			asking.Go(func() {
				if got, err := s.Get(t.Context(), holding, notDue); err != nil || got.Text != "SECRET-1" {
					t.Errorf("Get: %q, %v, want SECRET-1", got.Text, err)
				}
			})
		}
		asking.Wait()
		got := wantValue(t, share(connected(t, server.URL()), 'a'), early, src.fetch, "SECRET-1")
		if got.Left > 2*time.Hour || got.Left < 2*time.Hour-time.Minute {
			t.Errorf("%v left, want about two hours", got.Left)
		}
	}
}

// A holder changes nothing that another is about to store, has stored later, or has
// stored under a key that the holder lacks.
func TestSharedValueNotStoredAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(t *testing.T, s *redistest.Server)
		need   redisstore.Need
		want   string // what the holder gets
		later  string // what a new replica gets
	}{
		{"another is fetching", func(t *testing.T, s *redistest.Server) {
			s.Flush(t)
			s.Do(t, "SET", holderKey, "another", "PX", "200")
		}, holding, "T1", "later"},
		{"a new replica came first", func(t *testing.T, s *redistest.Server) {
			s.Flush(t)
			wantValue(t, share(connected(t, s.URL()), 'a'), early, value("T2"), "T2")
		}, holding, "T2", "T2"},
		{"another key", func(t *testing.T, s *redistest.Server) {
			s.Flush(t)
			wantValue(t, share(connected(t, s.URL()), 'b'), early, value("T2"), "T2")
		}, holding, "T1", "T2"},
		{"stale", func(t *testing.T, s *redistest.Server) { s.Flush(t) },
			redisstore.Need{Left: time.Hour, Stale: "T1"}, "own", "own"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true})
			s := share(connected(t, server.URL()), 'a')
			wantValue(t, s, early, value("T1"), "T1")
			tick(t)
			test.change(t, server)
			wantValue(t, s, test.need, value("own"), test.want)
			wantValue(t, share(connected(t, server.URL()), 'a', 'b'), early, value("later"), test.later)
		})
	}
}

// A value that a failover brought back is not used again: neither while a replica has
// the later one, nor when WeChat refuses that.
func TestSharedValueOfBefore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		need redisstore.Need
		want string
	}{
		{"held", holding, "T2"},
		{"needed anew", early, "T2"},
		{"refused", redisstore.Need{Stale: "T2"}, "T3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true})
			s, other := share(connected(t, server.URL()), 'a'), share(connected(t, server.URL()), 'a')
			wantValue(t, s, early, value("T1"), "T1")
			server.Do(t, "COPY", valueKey, "{"+valueName+"}copy")
			wantValue(t, s, redisstore.Need{Stale: "T1"}, value("T2"), "T2")
			server.Do(t, "COPY", "{"+valueName+"}copy", valueKey, "REPLACE")
			wantValue(t, s, test.need, value("T3"), test.want)
			wantAdopted(t, test.want, other)
		})
	}
}

// A holder that stores its value again keeps the error of a later fetch: it makes
// nobody ask a failing WeChat sooner.
func TestSharedFailureOutlivesALostValue(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	s, other := share(connected(t, server.URL()), 'a'), share(connected(t, server.URL()), 'a')
	var src source
	wantValue(t, s, early, src.fetch, "SECRET-1")
	server.Flush(t)
	if _, err := other.Get(t.Context(), early, src.fail); !errors.Is(err, errFetch) {
		t.Fatal(err)
	}
	wantValue(t, s, holding, notDue, "SECRET-1")
	wantValue(t, other, early, src.fail, "SECRET-1")
	_, err := other.Get(t.Context(), redisstore.Need{Stale: "SECRET-1"}, src.fail)
	if _, kept := errors.AsType[*redisstore.KeptError](err); !kept || src.fetches.Load() != 2 {
		t.Errorf("Get: %v after %d fetches, want the kept error after 2", err, src.fetches.Load())
	}
}
