package redisstore_test

import (
	"net"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// strangers returns the cookies of so many visitors whom the store has not seen.
func strangers(t *testing.T, server *redistest.Server, n int) []string {
	t.Helper()
	store := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	cookies := make([]string, n)
	for i := range cookies {
		cookies[i] = login(t, store)
	}
	return cookies
}

// loadAll asks for all sessions at the same time. None is known.
func loadAll(t *testing.T, store session.Store, cookies []string) {
	t.Helper()
	var all sync.WaitGroup
	for _, cookie := range cookies {
		all.Go(func() { want(t, store, cookie, errAway) })
	}
	all.Wait()
}

// Once a read has failed, those who come later do not wait for Redis too.
func TestOneAsksWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true})
	cookies := strangers(t, server, 200)
	store := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	server.Do(t, "CONFIG", "RESETSTAT")
	server.Pause()
	loadAll(t, store, cookies[:1])
	loadAll(t, store, cookies)
	server.Resume()
	for _, cookie := range cookies[:5] {
		eventually(t, "the session is there again", func() bool {
			_, err := store.Load(request(cookie))
			return err == nil
		})
	}
	stats := regexp.MustCompile(`cmdstat_get:calls=(\d+)`).FindStringSubmatch(server.Do(t, "INFO", "commandstats"))
	if n, _ := strconv.Atoi(stats[1]); n > 20 {
		t.Errorf("Redis was asked %d times, want a few", n)
	}
}

// A server that is down is not dialed for each request that waits for it.
func TestRedialsAreFew(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	cookies := strangers(t, server, 50)
	store := sessions(t, connected(t, server.URL()), config('a'), time.Minute)
	server.Stop()
	var dials atomic.Int64
	l, err := net.Listen("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			conn.Close()
		}
	})
	loadAll(t, store, cookies)
	l.Close()
	accepting.Wait()
	if n := dials.Load(); n > 100 {
		t.Errorf("the server was dialed %d times, want less than 100", n)
	}
}
