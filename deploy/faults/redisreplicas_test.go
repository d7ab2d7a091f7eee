package faults_test

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Two replicas of one site with Redis: no request that nginx may repeat fails while
// one is killed and both are restarted, and who signs out on one meanwhile is signed
// out on the other.
func TestRedisReplicas(t *testing.T) {
	f := newFleet(t, options{
		gateways: 2, front: nginxAlone, store: redisStore(newRedis(t).url()),
		environ: []string{"WXGATE_DRAIN_DELAY=300ms", "WXGATE_SHUTDOWN_TIMEOUT=2s"},
	})
	first, second := f.gateways[0], f.gateways[1]
	var out []*visitor
	for i := range 4 {
		v := f.newVisitor(fmt.Sprintf("leaver%d", i))
		v.signIn()
		v.wantSignedIn(first)
		v.wantSignedIn(second)
		out = append(out, v)
	}
	seen := f.duringLoad(loadOptions{visit: gets}, func() {
		out[0].signOut(first)
		out[0].wantSignedOut(second)

		first.signal(syscall.SIGKILL)
		first.exit()
		out[1].signOut(second)
		first.start()
		first.waitReady()
		out[1].wantSignedOut(first)

		for i, g := range f.gateways {
			g.signal(syscall.SIGTERM)
			out[2+i].signOut(f.gateways[1-i])
			if code := g.exit(); code != 0 {
				t.Errorf("%s ends with exit code %d, want 0", g.name, code)
			}
			g.start()
			g.waitReady()
			if i == 0 {
				time.Sleep(2200 * time.Millisecond) // nginx uses it again after one second or two
			}
		}
	})
	for _, v := range out {
		v.wantSignedOut(first)
		v.wantSignedOut(second)
	}
	f.verdict(seen, "200")
}

// signOut ends the visitor's session at a gateway.
func (v *visitor) signOut(g *gateway) {
	v.fleet.t.Helper()
	req, err := v.request(v.fleet.t.Context(), visit{
		method: http.MethodPost, path: "/_wx/logout", origin: "http://" + g.address, script: true,
	})
	if err != nil {
		v.fleet.t.Fatal(err)
	}
	res, err := v.fleet.transport.RoundTrip(req)
	if err != nil {
		v.fleet.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		v.fleet.t.Errorf("%s signs out at %s: %s, want 303", v.id, g.name, res.Status)
	}
}

// wantSignedOut checks that a gateway knows soon that the visitor has signed out.
func (v *visitor) wantSignedOut(g *gateway) {
	v.fleet.t.Helper()
	eventually(v.fleet.t, v.id+" is signed out at "+g.name, func() bool {
		result, _ := v.visit(v.fleet.t.Context(), visit{path: "/out", origin: "http://" + g.address, script: true})
		return strings.HasPrefix(result, "401")
	})
}
