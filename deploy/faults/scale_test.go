package faults_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// TestScale measures what a request costs with one to eight replicas of a gateway
// behind nginx, with their sessions in a Redis cluster. TEST_SCALE=1 runs it.
func TestScale(t *testing.T) {
	if os.Getenv("TEST_SCALE") != "1" {
		t.Skip("measures; TEST_SCALE=1 runs it")
	}
	cluster := redistest.StartCluster(t)
	const visitors, rate = 100, 400
	var table strings.Builder
	fmt.Fprintf(&table, "%d visitors, %d requests a second, a Redis cluster of three masters:\n"+
		"replicas  CPU ms/request  reads/request  commands/request  revocation holds after\n", visitors, rate)
	for _, replicas := range []int{1, 2, 4, 8} {
		t.Run(strconv.Itoa(replicas), func(t *testing.T) {
			f := newFleet(t, options{
				gateways: replicas, front: nginxAlone, visitors: visitors, store: redisStore(cluster.URL()),
			})
			c := f.measure(cluster, rate)
			fmt.Fprintf(&table, "%8d %15.2f %14.3f %17.3f %20d ms\n", replicas,
				c.cpu.Seconds()*1000/c.requests, c.reads/c.requests, c.commands/c.requests, f.revoke().Milliseconds())
		})
	}
	t.Run("memory", func(t *testing.T) {
		f := newFleet(t, options{front: nginxAlone, store: redisStore(cluster.URL())})
		const n = 2000
		before := sum(t, cluster, "memory", "used_memory:")
		f.signInMany(n)
		after := sum(t, cluster, "memory", "used_memory:")
		fmt.Fprintf(&table, "a session takes %.0f bytes of Redis's memory\n", (after-before)/n)
	})
	t.Logf("%s", table.String())
}

// A cost is what requests have cost.
type cost struct {
	requests, reads, commands float64
	cpu                       time.Duration // of all gateways
}

// measure runs a load for some seconds and returns what it has cost beyond the same
// time without one.
func (f *fleet) measure(cluster *redistest.Cluster, rate int) cost {
	f.t.Helper()
	const lasts = 5 * time.Second
	stop := f.startLoad(loadOptions{rate: rate}).stop // all replicas see all visitors
	time.Sleep(2 * time.Second)
	f.verdict(stop(), "200")
	idle := f.costs(cluster)
	time.Sleep(lasts)
	before := f.costs(cluster)
	load := f.startLoad(loadOptions{rate: rate})
	time.Sleep(lasts)
	seen := load.stop()
	after := f.costs(cluster)
	f.verdict(seen, "200")
	return cost{
		requests: float64(seen.total()),
		reads:    after.reads - before.reads - (before.reads - idle.reads),
		commands: after.commands - before.commands - (before.commands - idle.commands),
		cpu:      after.cpu - before.cpu - (before.cpu - idle.cpu),
	}
}

// costs returns what the gateways have cost since their start.
func (f *fleet) costs(cluster *redistest.Cluster) cost {
	f.t.Helper()
	c := cost{
		reads:    sum(f.t, cluster, "commandstats", "cmdstat_get:calls="),
		commands: sum(f.t, cluster, "stats", "total_commands_processed:"),
	}
	for _, g := range f.gateways {
		c.cpu += g.cpu()
	}
	return c
}

// sum returns the sum of a number in INFO over all nodes of a cluster.
func sum(t *testing.T, cluster *redistest.Cluster, section, name string) float64 {
	t.Helper()
	total := 0.0
	for _, node := range cluster.Nodes() {
		for line := range strings.Lines(node.Do(t, "INFO", section)) {
			text, ok := strings.CutPrefix(line, name)
			if !ok {
				continue
			}
			text, _, _ = strings.Cut(strings.TrimSpace(text), ",")
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
	}
	return total
}

// revoke ends the session of one visitor by the command, and returns after how long
// it has ended on all replicas.
func (f *fleet) revoke() time.Duration {
	f.t.Helper()
	v := f.newVisitor("revoked")
	v.signIn()
	for _, g := range f.gateways {
		v.wantSignedIn(g)
	}
	command := exec.Command(program, "revoke", v.openID)
	command.Env = f.gateways[0].environ
	begin := time.Now()
	if out, err := command.CombinedOutput(); err != nil {
		f.t.Fatalf("wxgate revoke: %v\n%s", err, out)
	}
	for _, g := range f.gateways {
		v.wantSignedOut(g)
	}
	return time.Since(begin)
}

// signInMany signs visitors in, several at a time.
func (f *fleet) signInMany(n int) {
	f.t.Helper()
	visitors := make(chan *visitor)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for v := range visitors {
				if page, err := v.tryToSignIn(); err != nil || page.Status != 200 {
					f.t.Errorf("%s: the login ends with %v, %v", v.id, page, err)
				}
			}
		})
	}
	for i := range n {
		visitors <- f.newVisitor(fmt.Sprintf("many%05d", i))
	}
	close(visitors)
	all.Wait()
}
