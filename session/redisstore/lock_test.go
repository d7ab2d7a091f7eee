package redisstore_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

const lockName = "job"

// At most one of ten replicas holds a lock, and each gets it in the end.
func TestLockExcludes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var holders, most, turns atomic.Int64
	var replicas sync.WaitGroup
	for range 10 {
		client := connected(t, server.URL())
		replicas.Go(func() {
			for range 3 {
				held, unlock, err := client.Lock(t.Context(), lockName)
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				if now := holders.Add(1); now > most.Load() {
					most.Store(now)
				}
				turns.Add(1)
				if held.Err() != nil {
					t.Errorf("the context of a lock that is held has ended: %v", context.Cause(held))
				}
				holders.Add(-1)
				unlock()
				if held.Err() == nil {
					t.Error("the context goes on after unlock")
				}
			}
		})
	}
	replicas.Wait()
	if most.Load() != 1 || turns.Load() != 30 {
		t.Errorf("%d turns, %d holders at once, want 30 and 1", turns.Load(), most.Load())
	}
	if left := server.Do(t, "KEYS", "*"); left != "" {
		t.Errorf("keys after the last unlock: %q, want none", left)
	}
}

// TryLock does not wait, for a holder in the same process either; Lock waits until
// its context ends.
func TestLockHeld(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := connected(t, server.URL())
	_, unlock := locked(t, client)
	for name, other := range map[string]*redisstore.Client{"same": client, "other": connected(t, server.URL())} {
		if _, _, err := other.TryLock(t.Context(), lockName); !errors.Is(err, redisstore.ErrLocked) {
			t.Errorf("%s client: TryLock: %v, want ErrLocked", name, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := other.Lock(ended, lockName); !errors.Is(err, context.Canceled) {
			t.Errorf("%s client: Lock: %v, want context.Canceled", name, err)
		}
		_, unlockOther, err := other.TryLock(t.Context(), "another job")
		if err != nil {
			t.Errorf("%s client: lock of another name: %v", name, err)
			continue
		}
		unlockOther()
	}
	unlock()
	unlock()
	_, unlock = locked(t, client)
	unlock()
}

// A lock is renewed while it is held, even after the caller's context has ended, and
// its life in Redis is never longer than three seconds.
func TestLockRenewed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := connected(t, server.URL())
	ctx, cancel := context.WithCancel(t.Context())
	held, unlock, err := client.TryLock(ctx, lockName)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	cancel()
	if held.Err() == nil {
		t.Error("the context outlives the one that it is made of")
	}
	server.Do(t, "PEXPIRE", lockKey, "1500")
	eventually(t, "the lock is renewed", func() bool { return life(t, server) > 1500 })
	if left := life(t, server); left > 3000 {
		t.Errorf("the lock lives for %d ms, want at most 3000", left)
	}
}

// The context of a lock ends when the lock is lost, and unlock then leaves the lock
// of the next holder alone.
func TestLockLost(t *testing.T) {
	t.Parallel()
	for _, loss := range []struct {
		name string
		lose func(*testing.T, *redistest.Server)
	}{
		{"Redis emptied", func(t *testing.T, s *redistest.Server) { s.Flush(t) }},
		{"restarted without data", func(t *testing.T, s *redistest.Server) { s.Restart(t) }},
		{"taken by another", func(t *testing.T, s *redistest.Server) { s.Do(t, "SET", lockKey, "another") }},
		{"stopped", func(_ *testing.T, s *redistest.Server) { s.Stop() }},
		{"paused", func(_ *testing.T, s *redistest.Server) { s.Pause() }},
	} {
		t.Run(loss.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true})
			held, unlock := locked(t, connected(t, server.URL()))
			loss.lose(t, server)
			<-held.Done()
			if err := context.Cause(held); !errors.Is(err, redisstore.ErrLockLost) {
				t.Errorf("the context ended with %v, want ErrLockLost", err)
			}
			server.Restart(t)
			_, unlockNext := locked(t, connected(t, server.URL()))
			unlock()
			if life(t, server) <= 0 {
				t.Error("unlock ended the lock of the next holder")
			}
			unlockNext()
		})
	}
}

// The lock of a process that died is free after its life.
func TestLockOfTheDead(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	client, kill := mortal(t, server.URL())
	held, unlock := locked(t, client)
	defer unlock()
	kill()
	if _, unlock, err := connected(t, server.URL()).Lock(t.Context(), lockName); err != nil {
		t.Errorf("Lock: %v", err)
	} else {
		unlock()
	}
	<-held.Done()
}

// An error of Redis is none of ErrLocked, and does not wait for the context.
func TestLockAway(t *testing.T) {
	t.Parallel()
	for _, outage := range outages {
		t.Run(outage.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true, Persist: true})
			client := connected(t, server.URL())
			outage.begin(t, server)
			_, _, err := client.Lock(t.Context(), lockName)
			if err == nil || errors.Is(err, redisstore.ErrLocked) {
				t.Errorf("Lock: %v, want another error", err)
			}
			outage.end(t, server)
			eventually(t, "the lock can be taken", func() bool {
				_, unlock, err := client.TryLock(t.Context(), lockName)
				if err == nil {
					unlock()
				}
				return err == nil
			})
		})
	}
}

// lockKey is the key of the tests' lock.
const lockKey = "wxgate:lock:{" + lockName + "}"

// life returns how long the lock lives on in Redis, in milliseconds.
func life(t *testing.T, s *redistest.Server) int {
	t.Helper()
	left, err := strconv.Atoi(s.Do(t, "PTTL", lockKey))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// locked returns a lock that nobody else may hold.
func locked(t *testing.T, c *redisstore.Client) (held context.Context, unlock func()) {
	t.Helper()
	held, unlock, err := c.TryLock(t.Context(), lockName)
	if err != nil {
		t.Fatalf("TryLock: %v", err)
	}
	return held, unlock
}

// mortal returns a connected client, and what ends its connection for good.
func mortal(t *testing.T, url string) (c *redisstore.Client, kill func()) {
	t.Helper()
	var address redisstore.Address
	if err := address.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	c, err := redisstore.New(redisstore.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	eventually(t, "redis answers", func() bool { return c.Status().Answered })
	return c, func() {
		cancel()
		running.Wait()
	}
}
