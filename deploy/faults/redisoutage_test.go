package faults_test

import (
	"slices"
	"testing"
	"time"
)

// redisOutages are the ways in which one Redis server stops serving, and how it comes
// back with its data.
var redisOutages = []struct {
	name       string
	always     bool // also without slow rows
	grace      string
	args       []string // of redis-server
	begin, end func(t *testing.T, s *redisServer)
	lasts      time.Duration
	// What visitors see whom the gateway has seen within the grace, what those see
	// whom it has not seen, and what logins do.
	known, idle, logins []string
	message             string // that the log has, at level error, once or a few times
}{
	{
		name: "stopped", always: true, grace: "1m", lasts: 2 * time.Second,
		begin: func(_ *testing.T, s *redisServer) { s.Stop() },
		end:   func(t *testing.T, s *redisServer) { s.Restart(t) },
		known: served, idle: refused, logins: loginsRefused,
		message: "redis does not answer",
	},
	{
		name: "paused for less than the grace", always: true, grace: "1m", lasts: 3 * time.Second,
		begin: func(_ *testing.T, s *redisServer) { s.Pause() },
		end:   func(_ *testing.T, s *redisServer) { s.Resume() },
		known: served, idle: refused, logins: loginsRefused,
		message: "redis does not answer",
	},
	{
		name: "paused for longer than the grace", grace: "1s", lasts: 3 * time.Second,
		begin: func(_ *testing.T, s *redisServer) { s.Pause() },
		end:   func(_ *testing.T, s *redisServer) { s.Resume() },
		known: refused, idle: refused, logins: loginsRefused,
		message: "redis does not answer",
	},
	{
		name: "bytes vanish", grace: "1m", lasts: 3 * time.Second,
		begin: func(_ *testing.T, s *redisServer) { s.way.both(`"type":"timeout","attributes":{"timeout":0}`) },
		end:   func(_ *testing.T, s *redisServer) { s.way.repair() },
		known: served, idle: refused, logins: loginsRefused,
		message: "redis does not answer",
	},
	{
		name: "connections reset", grace: "1m", lasts: 2 * time.Second,
		begin: func(_ *testing.T, s *redisServer) { s.way.both(`"type":"reset_peer","attributes":{"timeout":0}`) },
		end:   func(_ *testing.T, s *redisServer) { s.way.repair() },
		known: served, idle: refused, logins: loginsRefused,
		message: "redis does not answer",
	},
	{
		name: "slow", grace: "1s", lasts: 3 * time.Second,
		begin: func(_ *testing.T, s *redisServer) { s.way.damage(`{"type":"latency","attributes":{"latency":300}}`) },
		end:   func(_ *testing.T, s *redisServer) { s.way.repair() },
		known: served, idle: served, logins: served,
	},
	{
		name: "full", always: true, grace: "1s", lasts: 2 * time.Second,
		begin: func(t *testing.T, s *redisServer) { s.Do(t, "CONFIG", "SET", "maxmemory", "1") },
		end:   func(t *testing.T, s *redisServer) { s.Do(t, "CONFIG", "SET", "maxmemory", "0") },
		known: served, idle: served, logins: loginsRefused,
		message: "redis refuses writes",
	},
	{
		name: "read-only", grace: "1s", lasts: 2 * time.Second,
		begin: func(t *testing.T, s *redisServer) { s.Do(t, "REPLICAOF", "127.0.0.1", "1") },
		end:   func(t *testing.T, s *redisServer) { s.Do(t, "REPLICAOF", "NO", "ONE") },
		known: served, idle: served, logins: loginsRefused,
		message: "redis refuses writes",
	},
	{
		name: "loading", grace: "1m", lasts: 2 * time.Second,
		begin: func(t *testing.T, s *redisServer) { s.loaded = s.RestartLoading(t) },
		end:   func(_ *testing.T, s *redisServer) { s.loaded() },
		known: served, idle: refused, logins: loginsRefused,
		message: "redis does not answer",
	},
	{
		name: "another password", grace: "1m", lasts: 2 * time.Second,
		begin: func(t *testing.T, s *redisServer) {
			s.Do(t, "CONFIG", "SET", "requirepass", "another-password")
			for _, kind := range []string{"normal", "pubsub"} {
				s.Do(t, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
			}
		},
		end:   func(t *testing.T, s *redisServer) { s.Do(t, "CONFIG", "SET", "requirepass", redisPassword) },
		known: served, idle: refused, logins: loginsRefused,
		message: "redis does not answer",
	},
}

// While Redis does not serve, visitors whom the gateway has seen within the grace go
// on, the others are told to come back and keep their cookie, and afterwards
// everybody is signed in as before.
func TestRedisOutage(t *testing.T) {
	for _, o := range redisOutages {
		t.Run(o.name, func(t *testing.T) {
			if !o.always {
				slow(t)
			}
			server := newRedis(t, o.args...)
			a := newAudience(t, options{store: redisStore(server.url(), "WXGATE_REDIS_GRACE="+o.grace)})
			a.during(
				func() { o.begin(t, server) },
				func() { time.Sleep(o.lasts) },
				func() { o.end(t, server) },
			)
			a.verdict(o.known, o.idle, o.logins)
			if o.message != "" && a.log.lines(`"level":"error"`, o.message, `"hint":"`) == 0 {
				t.Errorf("the log does not say %q with a hint", o.message)
			}
			a.wantSeen(a.seenByKnown, o.known...)
			a.wantSeen(a.seenByIdle, o.idle...)
			if slices.Equal(o.idle, served) { // the fault is one for logins
				a.wantSeen(a.newcomers.tally, o.logins...)
			}
		})
	}
}
