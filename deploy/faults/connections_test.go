package faults_test

import (
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Ten thousand connections that send nothing more after a request cost a bounded
// amount of memory, and others are served.
func TestIdleConnections(t *testing.T) {
	slow(t)
	const n = 10_000
	needFiles(t, n+1500)
	f := newFleet(t, options{memory: 400 << 20})
	g := f.gateways[0]
	before := g.memory("VmRSS")
	idle := f.openIdle(n)
	seen := f.during(func() { time.Sleep(time.Second) })
	each := (g.memory("VmRSS") - before) / n
	t.Logf("%d KiB of memory for each idle connection", each>>10)
	if most := int64(32 << 10); each > most {
		t.Errorf("%d bytes of memory for each idle connection, want at most %d", each, most)
	}
	f.verdict(seen, "200")
	for _, conn := range idle {
		conn.Close()
	}
}

// needFiles skips a row if processes may not open that many files.
func needFiles(t *testing.T, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < n {
		t.Skipf("a process may open %d files, want %d", limit.Max, n)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

// openIdle opens connections to the first gateway, and gets one answer on each.
func (f *fleet) openIdle(n int) []net.Conn {
	f.t.Helper()
	conns := make([]net.Conn, n)
	next := make(chan int)
	var opening sync.WaitGroup
	for range 20 {
		opening.Go(func() {
			for i := range next {
				conn, err := net.Dial("tcp", f.gateways[0].address)
				if err != nil {
					f.t.Error(err)
					continue
				}
				conns[i] = conn
				v := f.visitors[i%len(f.visitors)]
				if status := exchange(conn, v.header("GET", "/page")+"\r\n"); status != 200 {
					f.t.Errorf("an answer on connection %d has status %d, want 200", i, status)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	opening.Wait()
	f.t.Cleanup(func() {
		for _, conn := range conns {
			if conn != nil {
				conn.Close()
			}
		}
	})
	return conns
}
