package redisstore_test

import (
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// What a user may not do, or the server cannot do, is in the report.
func TestProbeReports(t *testing.T) {
	t.Parallel()
	const all = "on >" + planted + " ~wxgate:* &wxgate:* "
	const enough = all + "+@read +@write +@connection +@pubsub +@scripting +@transaction -@dangerous " +
		"+time +info +role +cluster|slots +cluster|shards"
	redis := redistest.Start(t, redistest.Options{Password: planted, Users: map[string]string{
		"enough":     enough,
		"mute":       enough + " -publish",
		"deaf":       enough + " resetchannels",
		"readonly":   enough + " -@write",
		"keyless":    enough + " resetkeys",
		"scripts":    enough + " -@scripting",
		"plain":      enough + " -multi",
		"blind":      enough + " -client|tracking",
		"uninformed": enough + " -info",
		"config":     enough + " -info +config|get",
	}})
	full := redistest.Start(t, redistest.Options{Args: []string{"--maxmemory", "1", "--maxmemory-policy", "noeviction"}})
	evicts := redistest.Start(t, redistest.Options{Args: []string{"--maxmemory-policy", "allkeys-lru"}})
	old := redistest.Start(t, redistest.Options{Args: []string{"--rename-command", "HELLO", ""}})
	wary := redistest.Start(t, redistest.Options{Args: []string{"--min-replicas-to-write", "1"}})
	of := func(user string) string { return redis.URLOf(user, planted) }
	for _, tt := range []struct {
		name, url                string
		write, script, publish   string // parts of the errors; empty for none
		noTracking, policy, hint string
		open                     bool
	}{
		{name: "all that is needed", url: of("enough"), policy: "noeviction"},
		{name: "no PUBLISH", url: of("mute"), publish: "NOPERM", policy: "noeviction", hint: "ACL SETUSER wxgate"},
		{name: "no channel", url: of("deaf"), publish: "NOPERM", policy: "noeviction", hint: "&wxgate:*"},
		{name: "no writes", url: of("readonly"), write: "NOPERM", policy: "noeviction", hint: "+@write"},
		{name: "no keys", url: of("keyless"), write: "NOPERM", script: "NOPERM", policy: "noeviction", hint: "~wxgate:*"},
		{name: "no scripts", url: of("scripts"), script: "NOPERM", policy: "noeviction", hint: "+@scripting"},
		{name: "no transactions", url: of("plain"), write: "EXEC was aborted", policy: "noeviction", hint: "+@transaction"},
		{name: "no CLIENT TRACKING", url: of("blind"), noTracking: "NOPERM", policy: "noeviction", hint: "+@connection"},
		{name: "no INFO", url: of("uninformed")},
		{name: "CONFIG GET alone", url: of("config"), policy: "noeviction"},
		{name: "full", url: full.URL(), write: "OOM", policy: "noeviction", hint: "maxmemory"},
		{name: "evicts sessions", url: evicts.URL(), policy: "allkeys-lru"},
		{name: "no RESP3", url: old.URL(), noTracking: "does not know RESP3", policy: "noeviction", hint: "use Redis 6"},
		{name: "too few replicas", url: wary.URL(), write: "NOREPLICAS", policy: "noeviction", hint: "min-replicas-to-write"},
		{name: "needs no password", url: evicts.URLOf("", planted), policy: "allkeys-lru", open: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := probe(t, tt.url, "")
			if err != nil {
				t.Fatal(err)
			}
			s := r.Servers[0]
			for _, got := range []struct {
				name string
				err  error
				want string
			}{
				{"Write", r.Write, tt.write}, {"Script", r.Script, tt.script}, {"Publish", r.Publish, tt.publish},
				{"NoTracking", s.NoTracking, tt.noTracking},
			} {
				if got.want != "" {
					wantError(t, got.err, got.want, tt.hint)
				} else if got.err != nil {
					t.Errorf("%s = %v", got.name, got.err)
				}
			}
			if s.EvictionPolicy != tt.policy || r.Open != tt.open || s.Version == "" && tt.policy != "" {
				t.Errorf("got %+v of %+v, want the policy %q, open %t", s, r, tt.policy, tt.open)
			}
		})
	}
}
