package faults_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"
)

// When Redis is emptied, everybody signs in again, as nobody but themselves.
func TestRedisEmptied(t *testing.T) {
	server := newRedis(t)
	a := newAudience(t, options{store: redisStore(server.url())})
	var emptied time.Time
	a.during(
		func() {
			server.Flush(t)
			emptied = time.Now()
		},
		func() {
			time.Sleep(calm)
			for _, v := range a.visitors {
				v.signIn()
			}
		},
		func() {},
	)
	a.newcomers.excuse(time.Time{}, emptied)
	signedOut := []string{"200", "302", "401 unauthorized"}
	a.verdict(signedOut, signedOut, served)
	a.wantSeen(a.seenByKnown, signedOut...)
	a.wantSeen(a.seenByIdle, signedOut...)
}

// Without Redis a gateway starts, is not ready, and serves who needs no session. When
// Redis answers, it is ready and everybody is signed in as before.
func TestRedisAwayAtStart(t *testing.T) {
	server := newRedis(t)
	a := newAudience(t, options{store: redisStore(server.url())})
	g := a.gateways[0]
	server.Stop()
	g.signal(syscall.SIGKILL)
	g.exit()
	g.start()
	eventually(t, "the gateway listens", func() bool { return listens(g.address) })
	a.during(
		func() {},
		func() {
			time.Sleep(time.Second)
			if status := g.ready(); status != http.StatusServiceUnavailable {
				t.Errorf("readiness is %d without Redis, want 503", status)
			}
		},
		func() {
			server.Restart(t)
			g.waitReady()
		},
	)
	a.verdict(refused, refused, loginsRefused)
	a.wantSeen(a.seenByIdle, refused...)
}
