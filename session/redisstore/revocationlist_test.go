package redisstore_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// What Redis loses stays in force, also on a replica that starts later.
func TestRedisLosesTheList(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*testing.T, *redistest.Server){
		"emptied":                        func(t *testing.T, s *redistest.Server) { s.Flush(t) },
		"started again without its data": func(t *testing.T, s *redistest.Server) { s.Restart(t) },
		"one of them":                    func(t *testing.T, s *redistest.Server) { s.Do(t, "ZPOPMIN", listKey) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			a := replica(t, server.URL())
			mine, others := signedIn(a, openID), signedIn(a, otherOpenID)
			revoke(t, a, "*")
			third := signedIn(a, "oThird")
			revoke(t, a, openID)
			lose(t, server)
			wantRevoked(t, a, mine)
			wantRevoked(t, a, others)
			eventually(t, "the list is written back", func() bool { return server.Do(t, "ZCARD", listKey) == "2" })
			b := replica(t, server.URL())
			for _, r := range []*redisstore.Revocations{a, b} {
				wantRevoked(t, r, mine)
				wantRevoked(t, r, others)
				wantNotRevoked(t, r, third)
				wantNotRevoked(t, r, signedIn(r, openID))
			}
			if ttl := server.Do(t, "PTTL", listKey); len(ttl) != len("39600000") {
				t.Errorf("PTTL %s, want eleven hours", ttl)
			}
		})
	}
}

// A later revocation of everybody is not undone by an older list that is written back.
func TestLostListAfterARevocationOfAll(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := replica(t, server.URL())
	revoke(t, a, openID)
	revoke(t, a, "*")
	revoke(t, a, otherOpenID)
	if got := server.Do(t, "ZCARD", listKey); got != "2" {
		t.Errorf("%s entries, want everybody's and one after it", got)
	}
	server.Flush(t)
	eventually(t, "the list is written back", func() bool { return server.Do(t, "ZCARD", listKey) == "2" })
	server.Flush(t)
	revoke(t, a, "*")
	eventually(t, "the list holds no more", func() bool { return server.Do(t, "ZCARD", listKey) == "1" })
}

// The list is bounded, and a revocation of everybody empties it.
func TestFullList(t *testing.T) {
	t.Parallel()
	const most = 100_000
	server := redistest.Start(t)
	fill := fmt.Sprintf(`local now = redis.call("TIME")[1] * 1000
		for i = 1, %d do redis.call("ZADD", KEYS[1], string.format("%%.0f", now - i), string.format("%%016d", i)) end`, most)
	server.Do(t, "EVAL", fill, "1", listKey)
	a, b := replica(t, server.URL()), replica(t, server.URL())
	mine := signedIn(a, openID)
	err := a.Revoke(t.Context(), openID)
	if err == nil || !strings.Contains(err.Error(), "full (100000); revoke all sessions instead: wxgate revoke --all") {
		t.Errorf("Revoke with a full list: %v, want an error that says to revoke all", err)
	}
	wantNotRevoked(t, a, mine)
	revoke(t, a, "*")
	wantRevoked(t, b, mine)
	if got := server.Do(t, "ZCARD", listKey); got != "1" {
		t.Errorf("%s entries, want 1", got)
	}
	revoke(t, a, openID)
}

// Entries that no session can be older than are removed.
func TestOldRevocationsAreRemoved(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	old := time.Now().Add(-longest - time.Hour - time.Minute).UnixMilli()
	young := time.Now().Add(-longest).UnixMilli()
	server.Do(t, "ZADD", listKey, strconv.FormatInt(old, 10), "old", strconv.FormatInt(young, 10), "young")
	a := replica(t, server.URL())
	revoke(t, a, openID)
	if got := server.Do(t, "ZRANGE", listKey, "0", "0"); got != "young" {
		t.Errorf("the oldest entry is %q, want young", got)
	}
	if got := server.Do(t, "ZCARD", listKey); got != "2" {
		t.Errorf("%s entries, want 2", got)
	}
}
