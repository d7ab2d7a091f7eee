package direct

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/forward"
)

// ending is a connection that is closed, or not.
type ending struct {
	net.Conn // nil
	closed   bool
}

func (e *ending) Close() error {
	e.closed = true
	return nil
}

// A connection that nobody uses is closed after 90 seconds.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p pool
		quiet := func() bool { return true }
		unused, used := new(ending), new(ending)
		p.put(&conn{Conn: unused, quiet: quiet})
		time.Sleep(60 * time.Second)
		p.put(&conn{Conn: used, quiet: quiet})
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if !unused.closed || used.closed {
			t.Fatalf("after 100 s closed: %v, after 40 s: %v; want the first alone", unused.closed, used.closed)
		}
		if c := p.take(); c == nil || c.Conn != net.Conn(used) {
			t.Errorf("took %v, want the connection that is left", c)
		}
		if c := p.take(); c != nil {
			t.Errorf("took %v, want none", c)
		}
		time.Sleep(time.Hour) // no timer is left over
	})
}

// A connection that the upstream has closed is closed soon.
func TestSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p pool
		gone, alive := new(ending), new(ending)
		p.put(&conn{Conn: gone, quiet: func() bool { return false }})
		p.put(&conn{Conn: alive, quiet: func() bool { return true }})
		time.Sleep(sweepInterval)
		synctest.Wait()
		if !gone.closed || alive.closed {
			t.Errorf("after a sweep closed: %v, and the other: %v; want the first alone", gone.closed, alive.closed)
		}
		p.closeAll()
		time.Sleep(time.Hour)
	})
}

// The pool has a limit.
func TestMostIdle(t *testing.T) {
	t.Parallel()
	var p pool
	for i := range forward.MaxIdle + 1 {
		if kept := p.put(&conn{Conn: new(ending)}); kept != (i < forward.MaxIdle) {
			t.Errorf("connection %d is kept: %v", i+1, kept)
		}
	}
	p.closeAll()
}
