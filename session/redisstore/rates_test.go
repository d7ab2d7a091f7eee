package redisstore_test

import (
	"context"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

var ann, bob = netip.MustParsePrefix("203.0.113.7/32"), netip.MustParsePrefix("2001:db8::/64")

// spend has n logins of a client counted, and returns how many are left.
func spend(t *testing.T, c *redisstore.Client, count int, per time.Duration, client netip.Prefix, n int) float64 {
	t.Helper()
	left, err := c.CountLogins(t.Context(), count, per, map[netip.Prefix]int{client: n})
	tokens, ok := left[client]
	if err != nil || !ok || len(left) != 1 {
		t.Fatalf("CountLogins(%s, %d) = %v, %v, want an answer", client, n, left, err)
	}
	return tokens
}

// wantLeft checks how many logins are left, to the whole number: the clock of Redis
// goes on.
func wantLeft(t *testing.T, got, want float64) {
	t.Helper()
	if math.Round(got) != want {
		t.Errorf("%v left, want %v", got, want)
	}
}

func TestCountLogins(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := connected(t, server.URL()), connected(t, server.URL())
	wantLeft(t, spend(t, a, 40, time.Hour, ann, 1), 39)
	wantLeft(t, spend(t, b, 40, time.Hour, ann, 9), 30)
	wantLeft(t, spend(t, a, 40, time.Hour, bob, 1), 39)
	wantLeft(t, spend(t, a, 40, time.Hour, ann, 35), -5)
	wantLeft(t, spend(t, a, 40, time.Hour, ann, 0), -5)
	wantLeft(t, spend(t, b, 40, time.Hour, ann, 1000), -40) // no more than a period is owed
	if keys := server.Do(t, "EXISTS", "wxgate:rate:203.0.113.7", "wxgate:rate:2001:db8::/64"); keys != "2" {
		t.Errorf("%s of 2 keys are there: %s", keys, server.Do(t, "KEYS", "*"))
	}
	for key, want := range map[string]time.Duration{
		"wxgate:rate:203.0.113.7":   2 * time.Hour,
		"wxgate:rate:2001:db8::/64": time.Hour / 40,
	} {
		ms, err := strconv.Atoi(server.Do(t, "PTTL", key))
		if life := time.Duration(ms) * time.Millisecond; err != nil || life > want || life < want-time.Minute {
			t.Errorf("%s expires in %v, want %v", key, life, want)
		}
	}
}

// What was counted comes back with time, and the key goes with the last of it.
func TestCountLoginsOfShortPeriods(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connected(t, server.URL())
	const per = 400 * time.Millisecond
	began := time.Now()
	spend(t, c, 4, per, ann, 8)
	eventually(t, "the key has expired", func() bool { return server.Do(t, "EXISTS", "wxgate:rate:203.0.113.7") == "0" })
	if took := time.Since(began); took < 2*per-50*time.Millisecond {
		t.Errorf("the key expired after %v, want two periods of %v", took, per)
	}
	if left := spend(t, c, 4, per, ann, 1); left < 3 || left > 4 {
		t.Errorf("%v left after two periods, want 3", left)
	}
}

// Replicas whose limits differ, as during a rollout, read one state.
func TestCountLoginsWithAnotherLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		count int
		per   time.Duration
		want  float64
	}{
		{"same", 60, time.Hour, 30},
		{"more", 600, time.Hour, 300},
		{"fewer", 6, time.Hour, 3},
		{"longer", 60, 2 * time.Hour, 45},
		{"much shorter", 60, time.Minute, -60}, // for two minutes, not for half an hour
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := connected(t, redistest.Start(t).URL())
			spend(t, c, 60, time.Hour, ann, 30)
			wantLeft(t, spend(t, c, tt.count, tt.per, ann, 0), tt.want)
		})
	}
}

// What another program has written at a key of wxgate's makes no client wait.
func TestCountLoginsOverGarbage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connected(t, server.URL())
	for _, garbage := range []string{"", "x", "-1", "nan", "inf", "1e400", "9223372036854775807"} {
		server.Do(t, "SET", "wxgate:rate:203.0.113.7", garbage)
		left := spend(t, c, 10, time.Minute, ann, 1)
		if garbage = strings.TrimSpace(garbage); left < -10 || left > 9.1 {
			t.Errorf("%v left over %q, want at most 9 and at least -10", left, garbage)
		}
		if ttl, _ := strconv.Atoi(server.Do(t, "PTTL", "wxgate:rate:203.0.113.7")); ttl < 1 || ttl > 120_000 {
			t.Errorf("over %q the key expires in %d ms, want two minutes at most", garbage, ttl)
		}
	}
}

// Many clients are counted in one call, also by several replicas at the same time.
func TestCountLoginsOfMany(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	const many, replicas = 500, 4
	spent := make(map[netip.Prefix]int)
	for n := range many {
		spent[netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, byte(n >> 8), byte(n)}), 32)] = 1 + n%5
	}
	var all sync.WaitGroup
	for range replicas {
		c := connected(t, server.URL())
		all.Go(func() {
			if left, err := c.CountLogins(t.Context(), 100, time.Hour, spent); err != nil || len(left) != many {
				t.Errorf("CountLogins: %d answers, %v, want %d", len(left), err, many)
			}
		})
	}
	all.Wait()
	c := connected(t, server.URL())
	for client := range spent {
		spent[client] *= replicas
	}
	left, err := c.CountLogins(t.Context(), 100, time.Hour, noneOf(spent))
	if err != nil {
		t.Fatal(err)
	}
	for client, n := range spent {
		wantLeft(t, left[client], float64(100-n))
	}
}

// noneOf returns the clients of spent without logins.
func noneOf(spent map[netip.Prefix]int) map[netip.Prefix]int {
	none := make(map[netip.Prefix]int)
	for client := range spent {
		none[client] = 0
	}
	return none
}

// Without an answer, nothing is left to be known: nil before a call is made, and
// missing if Redis has got it. The error names no client.
func TestCountLoginsWithoutRedis(t *testing.T) {
	t.Parallel()
	spent := map[netip.Prefix]int{ann: 1, bob: 1}
	t.Run("never answered", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		server.Stop()
		c := connect(t, server.URL(), zerolog.Nop())
		if left, err := c.CountLogins(t.Context(), 10, time.Minute, spent); left != nil || err == nil {
			t.Errorf("CountLogins = %v, %v, want an error alone", left, err)
		}
	})
	for name, refuse := range map[string][]string{
		"full":      {"CONFIG", "SET", "maxmemory", "1"},
		"read only": {"REPLICAOF", "127.0.0.1", "1"},
		"no right":  {"ACL", "SETUSER", "default", "-eval"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true, Args: []string{"--maxmemory-policy", "noeviction"}})
			c := connected(t, server.URL())
			server.Do(t, refuse...)
			left, err := c.CountLogins(t.Context(), 10, time.Minute, spent)
			if _, ok := left[ann]; ok || left == nil || err == nil || strings.Contains(err.Error(), "203.0.113") {
				t.Errorf("CountLogins = %v, %v, want an error without the client", left, err)
			}
		})
	}
	t.Run("another type of value", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t, redistest.Options{Real: true})
		c := connected(t, server.URL())
		server.Do(t, "LPUSH", "wxgate:rate:203.0.113.7", "x")
		if left, err := c.CountLogins(t.Context(), 10, time.Minute, spent); err != nil || left[ann] != 9 {
			t.Errorf("CountLogins = %v, %v, want 9 left: others wrote to the key", left, err)
		}
	})
	t.Run("paused", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t, redistest.Options{Real: true})
		c := connected(t, server.URL())
		server.Pause()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if left, err := c.CountLogins(ctx, 10, time.Minute, spent); len(left) > 0 || left == nil || err == nil {
			t.Errorf("CountLogins = %v, %v, want an error and no answers", left, err)
		}
		eventually(t, "redis is seen to be away", func() bool { return c.Status().Down > 0 })
		if left, err := c.CountLogins(t.Context(), 10, time.Minute, spent); left != nil || err == nil {
			t.Errorf("CountLogins while Redis is away = %v, %v, want an error alone", left, err)
		}
		server.Resume()
		eventually(t, "logins are counted again", func() bool {
			_, err := c.CountLogins(t.Context(), 10, time.Minute, spent)
			return err == nil
		})
	})
}

// In a cluster the clients' buckets are on different nodes.
func TestCountLoginsInACluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	c := connected(t, cluster.URL())
	spent := make(map[netip.Prefix]int)
	for n := range 100 {
		spent[netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, byte(n)}), 32)] = n
	}
	left, err := c.CountLogins(t.Context(), 100, time.Hour, spent)
	if err != nil || len(left) != len(spent) {
		t.Fatalf("CountLogins: %d answers, %v, want %d", len(left), err, len(spent))
	}
	for client, n := range spent {
		wantLeft(t, left[client], float64(100-n))
	}
}
