package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

const (
	valueName  = "token:wx0123456789abcdef"
	valueKey   = "wxgate:value:{" + valueName + "}"
	failureKey = "wxgate:failure:{" + valueName + "}"
	holderKey  = "wxgate:lock:{" + valueName + "}"
)

var errFetch = errors.New("fetch failed: errcode 45009")

// early is what the tests need of a value.
var early = redisstore.Need{Early: 10 * time.Minute}

// share returns the shared value of client. keys are the names of its cookie keys.
func share(client *redisstore.Client, keys ...byte) *redisstore.Shared {
	return client.Shared(redisstore.SharedConfig{
		Name: valueName, Keys: config(keys...).Keys, Wait: 6 * time.Second,
		Failure: func(err error, failing time.Duration) (string, time.Duration) {
			return err.Error(), time.Minute + failing/2
		},
	})
}

// A source makes values that tell which fetch made them.
type source struct{ fetches atomic.Int64 }

func (s *source) fetch(context.Context) (redisstore.Value, error) {
	n := s.fetches.Add(1)
	const life = 2 * time.Hour
	return redisstore.Value{Text: fmt.Sprint("SECRET-", n), Lifetime: life, Left: life}, nil
}

func (s *source) fail(context.Context) (redisstore.Value, error) {
	s.fetches.Add(1)
	return redisstore.Value{}, errFetch
}

// wantValue checks the text of what Get returns.
func wantValue(
	t *testing.T, s *redisstore.Shared, need redisstore.Need, fetch redisstore.Fetch, want string,
) redisstore.Value {
	t.Helper()
	got, err := s.Get(t.Context(), need, fetch)
	if err != nil || got.Text != want {
		t.Fatalf("Get: %q, %v, want %q", got.Text, err, want)
	}
	return got
}

// Ten replicas that need a value at the same time fetch it once.
func TestSharedValueIsFetchedOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var src source
	var all []*redisstore.Shared
	for range 10 {
		all = append(all, share(connected(t, server.URL()), 'a'))
	}
	need := early
	for round := range 20 {
		var asking sync.WaitGroup
		want := fmt.Sprint("SECRET-", round+1)
		for _, s := range all {
			asking.Go(func() {
				if got, err := s.Get(t.Context(), need, src.fetch); err != nil || got.Text != want {
					t.Errorf("round %d: %q, %v, want %q", round, got.Text, err, want)
				}
			})
		}
		asking.Wait()
		need.Stale = want // WeChat refuses it
	}
	if n := src.fetches.Load(); n != 20 {
		t.Errorf("%d fetches, want one for each value", n)
	}
}

// A value is fetched again when so little is left as the caller says, or half of its
// lifetime.
func TestSharedValueEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		lifetime, left time.Duration
		need           redisstore.Need
		fetched        bool
	}{
		{"fresh", 2 * time.Hour, 2 * time.Hour, early, false},
		{"before it is due", 2 * time.Hour, 10*time.Minute + 30*time.Second, early, false},
		{"when it is due", 2 * time.Hour, 9*time.Minute + 59*time.Second, early, true},
		{"short, in its first half", 5 * time.Minute, 3 * time.Minute, early, false},
		{"short, in its second half", 5 * time.Minute, 2*time.Minute + 29*time.Second, early, true},
		{"stale", 2 * time.Hour, 2 * time.Hour, redisstore.Need{Early: time.Minute, Stale: "T0"}, true},
		{"another is stale", 2 * time.Hour, 2 * time.Hour, redisstore.Need{Early: time.Minute, Stale: "T"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			s := share(connected(t, server.URL()), 'a')
			wantValue(t, s, early, func(context.Context) (redisstore.Value, error) {
				return redisstore.Value{Text: "T0", Lifetime: test.lifetime, Left: test.lifetime}, nil
			}, "T0")
			server.Do(t, "PEXPIRE", valueKey, strconv.FormatInt(test.left.Milliseconds(), 10))
			want, left := "T0", test.left
			if test.fetched {
				want, left = "SECRET-1", 2*time.Hour
			}
			got := wantValue(t, s, test.need, new(source).fetch, want)
			if got.Left > left || got.Left < left-time.Minute {
				t.Errorf("%v left, want about %v", got.Left, left)
			}
			if life, err := strconv.Atoi(server.Do(t, "PTTL", valueKey)); err != nil || milliseconds(life) > left {
				t.Errorf("the key lives for %d ms, want at most %v", life, left)
			}
		})
	}
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// While one replica fetches, the others go on with the value that has not expired.
func TestSharedValueDuringRenewal(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s, other := share(connected(t, server.URL()), 'a'), share(connected(t, server.URL()), 'a')
	var src source
	wantValue(t, s, early, src.fetch, "SECRET-1")
	server.Do(t, "EXPIRE", valueKey, "300")
	wantValue(t, s, early, func(ctx context.Context) (redisstore.Value, error) {
		wantValue(t, other, early, src.fetch, "SECRET-1")
		return src.fetch(ctx)
	}, "SECRET-2")
	wantValue(t, other, early, src.fetch, "SECRET-2")
}

// When a fetch fails, the others do not fetch one after another, and nobody does
// until the pause has ended; a value that has not expired goes on.
func TestSharedFailure(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var src source
	var own, kept atomic.Int64
	var asking sync.WaitGroup
	var all []*redisstore.Shared
	for range 10 {
		all = append(all, share(connected(t, server.URL()), 'a'))
	}
	for _, s := range all {
		asking.Go(func() {
			_, err := s.Get(t.Context(), early, src.fail)
			if other, ok := errors.AsType[*redisstore.KeptError](err); ok {
				kept.Add(1)
				if other.Text != errFetch.Error() || other.Left > time.Minute || other.Left < 30*time.Second {
					t.Errorf("kept error %q for %v, want %q for a minute", other.Text, other.Left, errFetch)
				}
			} else if errors.Is(err, errFetch) {
				own.Add(1)
			} else {
				t.Errorf("Get: %v", err)
			}
		})
	}
	asking.Wait()
	if own.Load() != 1 || kept.Load() != 9 || src.fetches.Load() != 1 {
		t.Errorf("%d fetches, %d own errors, %d kept ones, want 1, 1, 9", src.fetches.Load(), own.Load(), kept.Load())
	}
	server.Do(t, "EXPIRE", failureKey, "890") // of the 15 minutes after the pause
	if _, err := all[1].Get(t.Context(), early, src.fail); !errors.Is(err, errFetch) {
		t.Errorf("after the pause: %v, want an attempt", err)
	}
	server.Do(t, "EXPIRE", failureKey, "890")
	wantValue(t, all[2], early, src.fetch, "SECRET-3")
	if left := server.Do(t, "EXISTS", failureKey); left != "0" {
		t.Error("the error is kept after a success")
	}

	server.Do(t, "EXPIRE", valueKey, "60")
	for _, s := range all {
		wantValue(t, s, early, src.fail, "SECRET-3")
	}
	if n := src.fetches.Load(); n != 4 {
		t.Errorf("%d fetches, want 4: one failed while the value goes on", n)
	}
	stale := redisstore.Need{Early: time.Minute, Stale: "SECRET-3"}
	if _, err := all[0].Get(t.Context(), stale, src.fetch); !is(err, errAway) || src.fetches.Load() != 4 {
		t.Errorf("a stale value in the pause: %v, %d fetches, want an error and 4", err, src.fetches.Load())
	}
}

// The longer fetches fail, the longer is the pause, whichever replicas make them.
func TestSharedFailureGrows(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	var failing []time.Duration
	for range 3 {
		s := connected(t, server.URL()).Shared(redisstore.SharedConfig{
			Name: valueName, Keys: config('a').Keys, Wait: 6 * time.Second,
			Failure: func(_ error, since time.Duration) (string, time.Duration) {
				failing = append(failing, since)
				return "", time.Millisecond
			},
		})
		if _, err := s.Get(t.Context(), early, new(source).fail); !errors.Is(err, errFetch) {
			t.Fatal(err)
		}
		eventually(t, "the pause has ended", func() bool {
			left, _ := strconv.Atoi(server.Do(t, "PTTL", failureKey))
			return milliseconds(left) <= 15*time.Minute
		})
	}
	if failing[0] != 0 || failing[1] <= 0 || failing[2] <= failing[1] {
		t.Errorf("failing for %v, want 0 and more each time", failing)
	}
}

// An error that is about one replica alone keeps no other from fetching.
func TestSharedFailureOfOne(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := connected(t, server.URL())
	one := client.Shared(redisstore.SharedConfig{Name: valueName, Keys: config('a').Keys, Wait: time.Second})
	var src source
	if _, err := one.Get(t.Context(), early, src.fail); !errors.Is(err, errFetch) {
		t.Errorf("Get: %v, want %v", err, errFetch)
	}
	wantValue(t, share(client, 'a'), early, src.fetch, "SECRET-2")
}

// A replica that lost the lock during its fetch does not overwrite what the next
// holder stored, and goes on with that.
func TestSharedValueOfALostLock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		lose  func(t *testing.T, s *redistest.Server, other *redisstore.Shared)
		want  string // what the slow replica gets
		later string // what all get then
	}{
		{"another has stored", func(t *testing.T, s *redistest.Server, other *redisstore.Shared) {
			s.Do(t, "DEL", holderKey)
			wantValue(t, other, early, value("newer"), "newer")
		}, "newer", "newer"},
		{"another is fetching", func(t *testing.T, s *redistest.Server, _ *redisstore.Shared) {
			s.Do(t, "SET", holderKey, "another", "PX", "100")
		}, "slow", "later"},
		{"nobody else came", func(t *testing.T, s *redistest.Server, _ *redisstore.Shared) {
			s.Do(t, "DEL", holderKey)
		}, "slow", "slow"},
		{"Redis emptied", func(t *testing.T, s *redistest.Server, _ *redisstore.Shared) {
			s.Flush(t)
		}, "slow", "slow"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true})
			slow, other := share(connected(t, server.URL()), 'a'), share(connected(t, server.URL()), 'a')
			got := wantValue(t, slow, early, func(ctx context.Context) (redisstore.Value, error) {
				test.lose(t, server, other)
				return value("slow")(ctx)
			}, test.want)
			if short := got.Left <= 10*time.Second; short != (test.want != test.later) {
				t.Errorf("%v left, want a short time only for a value that is not stored", got.Left)
			}
			wantValue(t, other, early, value("later"), test.later)
			wantValue(t, slow, early, value("even later"), test.later)
		})
	}
}

// value returns a fetch of a text.
func value(text string) redisstore.Fetch {
	return func(context.Context) (redisstore.Value, error) {
		return redisstore.Value{Text: text, Lifetime: time.Hour, Left: time.Hour}, nil
	}
}

// When the replica that fetches dies, another takes over after the life of the lock.
func TestSharedValueOfTheDead(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	client, kill := mortal(t, server.URL())
	dying, other := share(client, 'a'), share(connected(t, server.URL()), 'a')
	begun, died := make(chan struct{}), make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		dying.Get(t.Context(), early, func(context.Context) (redisstore.Value, error) {
			close(begun)
			<-died
			return redisstore.Value{}, errFetch
		})
	})
	<-begun
	kill()
	wantValue(t, other, early, value("T1"), "T1")
	close(died)
	both.Wait()
	wantValue(t, other, early, value("T2"), "T1")
}

// Who waits for a fetch that does not end gives up in time, and so does the fetch.
func TestSharedWaitIsLimited(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	limited := func() *redisstore.Shared {
		return connected(t, server.URL()).Shared(redisstore.SharedConfig{
			Name: valueName, Keys: config('a').Keys, Wait: time.Second,
		})
	}
	slow, other := limited(), limited()
	_, err := slow.Get(t.Context(), early, func(ctx context.Context) (redisstore.Value, error) {
		if _, err := other.Get(t.Context(), early, value("T1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the replica that waits: %v, want DeadlineExceeded", err)
		}
		<-ctx.Done()
		return redisstore.Value{}, ctx.Err()
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the replica that fetches: %v, want DeadlineExceeded", err)
	}
}

// While Redis does not answer, a replica fetches for itself alone, unless it can go
// on; afterwards the value is shared again.
func TestSharedValueAway(t *testing.T) {
	t.Parallel()
	for _, outage := range outages {
		t.Run(outage.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true, Persist: true})
			var out log
			one := share(connect(t, server.URL(), zerolog.New(&out)), 'a')
			other := share(connected(t, server.URL()), 'a')
			var src source
			wantValue(t, one, early, src.fetch, "SECRET-1")
			server.Do(t, "EXPIRE", valueKey, "300") // not enough
			outage.begin(t, server)
			wantValue(t, one, early, src.fetch, "SECRET-2")
			wantValue(t, other, early, src.fetch, "SECRET-3")
			almost := redisstore.Need{Early: early.Early, Left: time.Minute}
			wantValue(t, one, almost, src.fetch, "SECRET-4")
			if _, err := one.Get(t.Context(), early, src.fail); !errors.Is(err, errFetch) {
				t.Errorf("a fetch that fails: %v, want its own error", err)
			}
			long := redisstore.Need{Early: early.Early, Left: 2 * time.Minute}
			if _, err := one.Get(t.Context(), long, src.fetch); err == nil || src.fetches.Load() != 5 {
				t.Errorf("a replica that can go on: %v, %d fetches, want an error and 5", err, src.fetches.Load())
			}
			if !strings.Contains(out.String(), `"message":"a value is not shared with other replicas"`) {
				t.Errorf("the log does not tell that the value is not shared:\n%s", out.String())
			}
			if strings.Contains(out.String(), "SECRET") {
				t.Error("the log holds a value")
			}
			outage.end(t, server)
			eventually(t, "both have the same value again", func() bool {
				a, errA := one.Get(t.Context(), early, src.fetch)
				b, errB := other.Get(t.Context(), early, src.fetch)
				return errA == nil && errB == nil && a.Text == b.Text
			})
		})
	}
}

// A Redis that refuses to write gives what it has; else each replica fetches.
func TestSharedValueReadOnly(t *testing.T) {
	t.Parallel()
	for _, refuse := range [][]string{{"CONFIG", "SET", "maxmemory", "1"}, {"REPLICAOF", "127.0.0.1", "1"}} {
		server := redistest.Start(t, redistest.Options{Real: true, Args: []string{"--maxmemory-policy", "noeviction"}})
		s := share(connected(t, server.URL()), 'a')
		var src source
		wantValue(t, s, early, src.fetch, "SECRET-1")
		server.Do(t, refuse...)
		wantValue(t, s, early, src.fetch, "SECRET-1")
		wantValue(t, s, redisstore.Need{Stale: "SECRET-1"}, src.fetch, "SECRET-2")
	}
}

// A value that Redis has lost, or that somebody changed, is fetched again.
func TestSharedValueChanged(t *testing.T) {
	t.Parallel()
	for _, change := range []struct {
		name   string
		change func(t *testing.T, s *redistest.Server)
	}{
		{"emptied", func(t *testing.T, s *redistest.Server) { s.Flush(t) }},
		{"empty", func(t *testing.T, s *redistest.Server) { s.Do(t, "SET", valueKey, "", "PX", "7200000") }},
		{"no record", func(t *testing.T, s *redistest.Server) { s.Do(t, "SET", valueKey, "SECRET-9", "EX", "7200") }},
		{"a byte changed", func(t *testing.T, s *redistest.Server) { s.Do(t, "SETRANGE", valueKey, "20", "x") }},
		{"shortened", func(t *testing.T, s *redistest.Server) {
			const shorten = `redis.call("SET", KEYS[1], redis.call("GETRANGE", KEYS[1], 0, -2), "KEEPTTL")`
			s.Do(t, "EVAL", shorten, "1", valueKey)
		}},
		{"without an end", func(t *testing.T, s *redistest.Server) { s.Do(t, "PERSIST", valueKey) }},
		{"of another name", func(t *testing.T, s *redistest.Server) {
			other := connected(t, s.URL()).Shared(redisstore.SharedConfig{
				Name: "ticket", Keys: config('a').Keys, Wait: time.Second,
			})
			wantValue(t, other, early, value("ticket"), "ticket")
			s.Do(t, "COPY", "wxgate:value:{ticket}", valueKey, "REPLACE")
		}},
		{"replaced by a kept error", func(t *testing.T, s *redistest.Server) {
			s.Do(t, "DEL", valueKey)
			failed := share(connected(t, s.URL()), 'a')
			if _, err := failed.Get(t.Context(), early, new(source).fail); !errors.Is(err, errFetch) {
				t.Fatal(err)
			}
			s.Do(t, "RENAME", failureKey, valueKey)
		}},
		{"renamed to a kept error", func(t *testing.T, s *redistest.Server) {
			s.Do(t, "RENAME", valueKey, failureKey)
		}},
	} {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true})
			s := share(connected(t, server.URL()), 'a')
			var src source
			wantValue(t, s, early, src.fetch, "SECRET-1")
			change.change(t, server)
			wantValue(t, s, early, src.fetch, "SECRET-2")
			wantValue(t, s, early, src.fetch, "SECRET-2")
		})
	}
	t.Run("a longer life", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		s := share(connected(t, server.URL()), 'a')
		wantValue(t, s, early, new(source).fetch, "SECRET-1")
		server.Do(t, "EXPIRE", valueKey, "1000000")
		if got := wantValue(t, s, early, new(source).fail, "SECRET-1"); got.Left > 2*time.Hour {
			t.Errorf("%v left of a lifetime of two hours", got.Left)
		}
	})
	t.Run("a kept error changed", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		s := share(connected(t, server.URL()), 'a')
		server.Do(t, "SET", failureKey, "anything", "PX", "86400000")
		wantValue(t, s, early, new(source).fetch, "SECRET-1")
	})
}

// The first key encrypts, and values under any of the keys are read.
func TestSharedValueKeys(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := connected(t, server.URL())
	var src source
	wantValue(t, share(client, 'a'), early, src.fetch, "SECRET-1")
	wantValue(t, share(client, 'b', 'a'), early, src.fetch, "SECRET-1")
	wantValue(t, share(client, 'b'), early, src.fetch, "SECRET-2")
	wantValue(t, share(client, 'a', 'b'), early, src.fetch, "SECRET-2")
	wantValue(t, share(client, 'b', 'a'), redisstore.Need{Stale: "SECRET-2"}, src.fetch, "SECRET-3")
	wantValue(t, share(client, 'b'), early, src.fetch, "SECRET-3")
	if _, err := client.Shared(redisstore.SharedConfig{Name: valueName, Keys: session.Keys{}, Wait: time.Second}).
		Get(t.Context(), early, src.fetch); err != nil {
		t.Errorf("without keys: %v, want a value for this replica alone", err)
	}
	wantValue(t, share(client, 'b'), early, src.fetch, "SECRET-3")
}

// Nothing in Redis shows a value or a kept error, and nothing printed does.
func TestSharedValueIsSecret(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := share(connected(t, server.URL()), 'a')
	if _, err := s.Get(t.Context(), early, new(source).fail); !errors.Is(err, errFetch) {
		t.Fatal(err)
	}
	failed := dump(t, server)
	server.Flush(t)
	got := wantValue(t, s, early, new(source).fetch, "SECRET-1")
	stored := dump(t, server)
	for what, text := range map[string]string{
		"Redis after a failure": failed, "Redis": stored, "%v": fmt.Sprintf("%v", got), "%#v": fmt.Sprintf("%#v", got),
		"a need": fmt.Sprintf("%+v", redisstore.Need{Stale: "SECRET-1"}),
	} {
		if strings.Contains(text, "SECRET") || strings.Contains(text, "errcode") {
			t.Errorf("%s shows the value: %q", what, text)
		}
	}
	if !strings.Contains(stored, valueKey) || !strings.Contains(failed, failureKey) {
		t.Errorf("Redis holds %q, and after a failure %q", stored, failed)
	}
}

// dump returns all keys of a server and their values.
func dump(t *testing.T, s *redistest.Server) string {
	t.Helper()
	var all strings.Builder
	for key := range strings.Lines(s.Do(t, "KEYS", "*")) {
		key = strings.TrimSuffix(key, "\n")
		all.WriteString(key + "=" + s.Do(t, "GET", key) + "\n")
	}
	return all.String()
}

// Values and locks work in a cluster.
func TestSharedValueInCluster(t *testing.T) {
	t.Parallel()
	client := connected(t, redistest.StartCluster(t).URL())
	for i := range 10 {
		name := fmt.Sprint("value ", i)
		s := client.Shared(redisstore.SharedConfig{Name: name, Keys: config('a').Keys, Wait: 6 * time.Second})
		wantValue(t, s, early, value(name), name)
		wantValue(t, s, early, value("another"), name)
		_, unlock, err := client.TryLock(t.Context(), name)
		if err != nil {
			t.Fatalf("TryLock: %v", err)
		}
		unlock()
	}
}
