package redisstore_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

const (
	otherOpenID = "oOther-0123456789abcdefghij"
	longest     = 10 * time.Hour
	listKey     = "wxgate:revocations"
)

// replica returns the revocations of a client of its own, which are up to date.
func replica(t testing.TB, url string) *redisstore.Revocations {
	t.Helper()
	r := loggingReplica(t, url, zerolog.Nop())
	eventually(t, "the list is read", func() bool { return !r.Behind() })
	return r
}

// loggingReplica returns the revocations of a client that has just been started.
func loggingReplica(t testing.TB, url string, logger zerolog.Logger) *redisstore.Revocations {
	t.Helper()
	c := newClient(t, url, logger)
	r := c.Revocations(longest)
	runClient(t, c)
	return r
}

// signedIn returns a session of openID that began at r now.
func signedIn(r *redisstore.Revocations, openID string) *session.Session {
	s := visitor()
	s.OpenID, s.Generation = openID, r.Generation()
	return s
}

func revoke(t testing.TB, r *redisstore.Revocations, openID string) {
	t.Helper()
	revoke := func() error { return r.Revoke(t.Context(), openID) }
	if openID == "*" {
		revoke = func() error { return r.RevokeAll(t.Context()) }
	}
	if err := revoke(); err != nil {
		t.Fatalf("revoke %s: %v", openID, err)
	}
}

// wantRevoked waits, for less than the five seconds promised, until s is revoked at r.
func wantRevoked(t testing.TB, r *redisstore.Revocations, s *session.Session) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !r.Revoked(s); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a session of %s with generation %d goes on", s.OpenID, s.Generation)
		}
	}
}

func wantNotRevoked(t testing.TB, r *redisstore.Revocations, s *session.Session) {
	t.Helper()
	if r.Revoked(s) {
		t.Errorf("a session of %s with generation %d is revoked", s.OpenID, s.Generation)
	}
}

// kinds are the kinds of Redis that revocations work on. Each starts one and returns
// its address.
var kinds = map[string]func(*testing.T) string{
	"plain": func(t *testing.T) string { return redistest.Start(t).URL() },
	"RESP2": func(t *testing.T) string {
		return redistest.Start(t, redistest.Options{Args: []string{"--rename-command", "HELLO", ""}}).URL()
	},
	"no right to channels": func(t *testing.T) string {
		return redistest.Start(t, redistest.Options{Users: map[string]string{
			"wxgate": "on >planted-password ~wxgate:* resetchannels +@all",
		}}).URLOf("wxgate", "planted-password")
	},
	"the rights in deploy/README.md": func(t *testing.T) string {
		return redistest.Start(t, redistest.Options{Users: map[string]string{
			"wxgate": "on >planted-password resetchannels &wxgate:* ~wxgate:* -@all " +
				"+@connection +@read +@write +@pubsub +@transaction +@scripting +time +info +cluster",
		}}).URLOf("wxgate", "planted-password")
	},
	"sentinel": func(t *testing.T) string { return redistest.StartSentinel(t).URL() },
	"cluster":  func(t *testing.T) string { return redistest.StartCluster(t).URL() },
}

// A revocation holds on all replicas for the sessions that began before, and for no
// other.
func TestRevoke(t *testing.T) {
	t.Parallel()
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := start(t)
			a, b := replica(t, url), replica(t, url)
			for _, revoked := range []string{openID, "*", openID} {
				mine, others := signedIn(a, openID), signedIn(b, otherOpenID)
				revoke(t, a, revoked)
				if !a.Revoked(mine) {
					t.Errorf("%s revoked: the session goes on where it was revoked", revoked)
				}
				later := signedIn(b, openID) // in the same second, where nobody may know yet
				wantRevoked(t, b, mine)
				if revoked == "*" {
					wantRevoked(t, b, others)
				} else {
					wantNotRevoked(t, b, others)
				}
				wantNotRevoked(t, a, later)
				wantNotRevoked(t, b, later)
			}
		})
	}
}

// After a failover the list goes on.
func TestRevokeAfterAFailover(t *testing.T) {
	t.Parallel()
	servers := redistest.StartSentinel(t)
	a, b := replica(t, servers.URL()), replica(t, servers.URL())
	first, second := signedIn(a, openID), signedIn(b, otherOpenID)
	revoke(t, a, openID)
	wantRevoked(t, b, first)
	servers.Master().Kill()
	eventually(t, "the other visitor is revoked", func() bool { return b.Revoke(t.Context(), otherOpenID) == nil })
	wantRevoked(t, a, second)
	eventually(t, "both are up to date", func() bool { return !a.Behind() && !b.Behind() })
	c := replica(t, servers.URL())
	for _, r := range []*redisstore.Revocations{a, b, c} {
		wantRevoked(t, r, first)
		wantRevoked(t, r, second)
		wantNotRevoked(t, r, signedIn(r, openID))
	}
}

// The newest revocation counts, and each has a generation of its own however quickly
// they follow.
func TestGenerationsGrow(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := replica(t, server.URL()), replica(t, server.URL())
	last := a.Generation()
	for i := range 100 {
		r := []*redisstore.Revocations{a, b}[i/2%2]
		if i%10 == 1 { // r has made the last one, and knows it
			server.Flush(t)
		}
		before := signedIn(r, openID)
		revoke(t, r, openID)
		if !r.Revoked(before) {
			t.Fatalf("revocation %d does not end the session before it", i)
		}
		next := r.Generation()
		if next <= last {
			t.Fatalf("revocation %d has generation %d, the one before %d", i, next, last)
		}
		last = next
	}
	if now := uint64(time.Now().UnixMilli()); last+1000 < now-1000 || last > now+1000 {
		t.Errorf("generation %d, want about %d", last, now)
	}
}

// While Redis is behind what this process knows, generations go on above that.
func TestGenerationsWithAClockSetBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	future := time.Now().Add(time.Hour).UnixMilli()
	server.Do(t, "ZADD", listKey, strconv.FormatInt(future, 10), "another revocation")
	r := replica(t, server.URL())
	s := signedIn(r, openID)
	if s.Generation != uint64(future) {
		t.Fatalf("generation %d, want %d", s.Generation, future)
	}
	server.Flush(t)
	revoke(t, r, openID)
	wantRevoked(t, r, s)
	wantNotRevoked(t, r, signedIn(r, openID))
}

// A replica that is cut off says so, and reads the list again when it is back.
func TestReplicaThatIsCutOff(t *testing.T) {
	t.Parallel()
	const user, password = "wxgate", "planted-password"
	server := redistest.Start(t, redistest.Options{Users: map[string]string{
		user: "on >" + password + " ~wxgate:* &wxgate:* +@all",
	}})
	a := replica(t, server.URL())
	var lines log
	b := loggingReplica(t, server.URLOf(user, password), zerolog.New(&lines))
	eventually(t, "the list is read", func() bool { return !b.Behind() })
	mine := signedIn(b, openID)

	server.Do(t, "ACL", "SETUSER", user, "off")
	server.Do(t, "CLIENT", "KILL", "USER", user)
	eventually(t, "the replica says that it is behind", b.Behind)
	revoke(t, a, openID)
	wantNotRevoked(t, b, mine) // it cannot know
	late := signedIn(b, openID)
	server.Do(t, "ACL", "SETUSER", user, "on")
	eventually(t, "the list is read again", func() bool { return !b.Behind() })
	wantRevoked(t, b, mine)
	wantRevoked(t, b, late) // the safe direction: whether it began before is not known
	wantNotRevoked(t, b, signedIn(b, openID))

	for text, want := range map[string]int{
		"cannot read revocations":          1,
		"revocations are up to date again": 1,
		"cannot subscribe to revocations":  0,
		openID:                             0,
		password:                           0,
	} {
		if got := strings.Count(lines.String(), text); got != want {
			t.Errorf("%d log lines with %q, want %d:\n%s", got, text, want, lines.String())
		}
	}
}

// The list names nobody.
func TestListHoldsNoOpenID(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	revoke(t, replica(t, server.URL()), openID)
	got := server.Do(t, "ZRANGE", listKey, "0", "-1")
	if len(got) != 16 || strings.Contains(openID, got) {
		t.Errorf("entry %q, want 16 bytes of a hash", got)
	}
}

func TestRevokeRefusesNoOpenID(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := replica(t, server.URL())
	for _, openID := range []string{"", "*x y", "o\n", "店", strings.Repeat("o", 129)} {
		if err := r.Revoke(t.Context(), openID); err == nil || openID != "" && strings.Contains(err.Error(), openID) {
			t.Errorf("Revoke(%q) = %v, want an error without it", openID, err)
		}
	}
	if got := server.Do(t, "EXISTS", listKey); got != "0" {
		t.Error("something was revoked")
	}
}

// An openid of one star is one visitor's.
func TestRevokeStar(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := replica(t, server.URL())
	mine := signedIn(r, openID)
	if err := r.Revoke(t.Context(), "*"); err != nil {
		t.Fatal(err)
	}
	wantNotRevoked(t, r, mine)
}

func TestRevokeWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Stop()
	r := loggingReplica(t, server.URL(), zerolog.Nop())
	if !r.Behind() {
		t.Error("a replica that has read no list is not behind")
	}
	for name, err := range map[string]error{
		"Revoke": r.Revoke(t.Context(), openID), "RevokeAll": r.RevokeAll(t.Context()),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "revoke: redis: ") {
			t.Errorf("%s: %v, want an error", name, err)
		}
	}
	wantNotRevoked(t, r, signedIn(r, openID))
	server.Restart(t)
	eventually(t, "the list is read", func() bool { return !r.Behind() })
}

// Each request asks whether its session is revoked.
func TestRevokedAllocatesNothing(t *testing.T) {
	server := redistest.Start(t)
	r := replica(t, server.URL())
	old := signedIn(r, openID)
	revoke(t, r, otherOpenID)
	long := signedIn(r, strings.Repeat("o", 128))
	long.Generation = 0
	for name, s := range map[string]*session.Session{"old": old, "new": signedIn(r, openID), "long": long} {
		if n := testing.AllocsPerRun(1000, func() { r.Revoked(s) }); n > 0 {
			t.Errorf("%s session: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkRevoked(b *testing.B) {
	server := redistest.Start(b)
	r := replica(b, server.URL())
	old := signedIn(r, openID)
	for b.Loop() {
		r.Revoked(old)
	}
	revoke(b, r, otherOpenID)
	b.Run("hashed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Revoked(old)
		}
	})
}
