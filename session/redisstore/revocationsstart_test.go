package redisstore_test

import (
	"strconv"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// A replica that has just been started lets no revoked session go on.
func TestRevokedAtTheStart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	running := replica(t, server.URL())
	before := signedIn(running, openID)
	if err := running.Revoke(t.Context(), openID); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		started := loggingReplica(t, server.URL(), zerolog.Nop())
		if !started.Revoked(before) {
			t.Fatal("a session that was revoked goes on at a replica that has just been started")
		}
		if !started.Tried() {
			t.Error("Tried = false after Revoked has waited for the list")
		}
	}
}

// Entries that others have written to the list make no revocation ineffective, and no
// replica read for ever.
func TestForeignRevocations(t *testing.T) {
	t.Parallel()
	for _, score := range []string{"1e17", "+inf", "9007199254740993", "0.5", "-1"} {
		t.Run(score, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Real: true})
			for i := range 1200 {
				server.Do(t, "ZADD", "wxgate:revocations", score, strconv.Itoa(i))
			}
			a, b := replica(t, server.URL()), loggingReplica(t, server.URL(), zerolog.Nop())
			before := signedIn(a, openID)
			if err := a.Revoke(t.Context(), openID); err != nil {
				t.Fatal(err)
			}
			if !a.Revoked(before) {
				t.Error("the revocation does not hold where it was made")
			}
			eventually(t, "the revocation holds on the other replica", func() bool { return b.Revoked(before) })
		})
	}
}
