package faults_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// When a cluster moves slots from one node to another, nobody notices.
func TestRedisClusterMovesSlots(t *testing.T) {
	cluster := redistest.StartCluster(t)
	a := newAudience(t, options{store: redisStore(cluster.URL())})
	a.during(
		func() {},
		func() {
			nodes := cluster.Nodes()
			moved := moveSessions(t, nodes[0], nodes[1])
			t.Logf("%d slots have moved", moved)
			if moved < 3 {
				t.Errorf("%d slots have moved, want at least 3", moved)
			}
		},
		func() {},
	)
	a.verdict(served, served, served)
}

// moveSessions moves the slots of all sessions from one master of a cluster to
// another. It returns their number.
func moveSessions(t *testing.T, from, to *redistest.Server) int {
	t.Helper()
	var slots []string
	for key := range strings.Lines(from.Do(t, "KEYS", "wxgate:session:*")) {
		slots = append(slots, from.Do(t, "CLUSTER", "KEYSLOT", strings.TrimSpace(key)))
	}
	slices.Sort(slots)
	slots = slices.Compact(slots)
	fromID, toID := from.Do(t, "CLUSTER", "MYID"), to.Do(t, "CLUSTER", "MYID")
	host, port, _ := net.SplitHostPort(to.Addr())
	for _, slot := range slots {
		to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
		from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
		for keys := "x"; keys != ""; keys = from.Do(t, "CLUSTER", "GETKEYSINSLOT", slot, "10") {
			if keys != "x" {
				from.Do(t, append([]string{"MIGRATE", host, port, "", "0", "5000", "KEYS"}, strings.Split(keys, "\n")...)...)
			}
		}
		time.Sleep(20 * time.Millisecond) // requests are answered ASK
		to.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", toID)
		from.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", toID)
	}
	return len(slots)
}

// When a node of a cluster dies, visitors whom the gateway knows do not notice. The
// others wait until its replica has taken over, or until it is back. Sessions on other
// nodes go on if the cluster is configured so.
func TestRedisClusterLosesNode(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options redistest.Options
		returns bool // the node, with its data
	}{
		{"with a replica", redistest.Options{Replicas: 1}, false},
		{"without replicas", redistest.Options{Persist: true}, true},
		{"without replicas, partial", redistest.Options{
			Persist: true, Args: []string{"--cluster-require-full-coverage", "no"},
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.returns {
				slow(t)
			}
			cluster := redistest.StartCluster(t, tt.options)
			a := newAudience(t, options{store: redisStore(cluster.URL(), "WXGATE_REDIS_GRACE=1m")})
			var killed time.Time
			a.during(
				func() {
					time.Sleep(1500 * time.Millisecond) // for sessions that are older than a second
					cluster.Nodes()[0].Kill()
					killed = time.Now()
				},
				func() { time.Sleep(2500 * time.Millisecond) },
				func() {
					if tt.returns {
						cluster.Nodes()[0].Restart(t)
					}
				},
			)
			a.newcomers.excuse(killed.Add(-time.Second), time.Now())
			a.verdict(served, refused, loginsRefused)
			a.wantSeen(a.seenByIdle, "200")
		})
	}
}
