package faults_test

import (
	"testing"
	"time"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// When Redis's master dies under load, the sentinels make a replica the master. No
// session is lost that is older than a second, and logins work again.
func TestRedisFailover(t *testing.T) {
	sentinels := redistest.StartSentinel(t, redistest.Options{Password: redisPassword})
	a := newAudience(t, options{store: redisStore(sentinels.URL(), "WXGATE_REDIS_GRACE=1m")})
	old := sentinels.Master()
	var killed, replaced time.Time
	a.during(
		func() {
			time.Sleep(1500 * time.Millisecond) // for sessions that are older than a second
			old.Kill()
			killed = time.Now()
		},
		func() {
			sentinels.Successor(t, old)
			replaced = time.Now()
		},
		func() {},
	)
	t.Logf("a new master after %v, a login after %v", replaced.Sub(killed), a.newcomers.first(killed).Sub(killed))
	a.newcomers.excuse(killed.Add(-time.Second), replaced.Add(time.Second))
	a.verdict(served, refused, loginsRefused)
}
