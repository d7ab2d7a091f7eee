package stall

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wxgate/wxgate/gateway/rawconn"
)

// conn is a connection whose writes fail once the peer has taken nothing for the
// timeout. Every later write fails too, and Close then discards what is unsent. Its
// SyscallConn is for reading only: what is written to that is not limited.
type conn struct {
	*rawconn.ServerConn
	limit Limit

	writes atomic.Int32 // that are under way

	mu      sync.Mutex
	asked   time.Time // write deadline that the server set; zero: none
	set     time.Time // write deadline of ServerConn
	stalled bool
}

// accepted returns the connection that was accepted.
func (c *conn) accepted() net.Conn { return c.ServerConn.Conn }

// checks is how often within the timeout a write that waits looks for progress.
const checks = 4

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (int, error) {
	return c.persist(func(n int) (int, error) { return c.ServerConn.Write(p[n:]) })
}

// persist calls write, with the bytes that are written so far, until it ends without a
// deadline, or the peer has stalled.
func (c *conn) persist(write func(n int) (int, error)) (n int, err error) {
	c.writes.Add(1)
	defer c.writes.Add(-1)
	now := time.Now()
	since := now // of the last progress
	for {
		if err := c.arm(now); err != nil {
			return n, err
		}
		written, err := write(n)
		n += written
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		now = time.Now()
		if written > 0 {
			since = now
		}
		if c.over(now, since) {
			return n, err
		}
	}
}

// arm sets a write deadline, unless the one that stands is far enough away. A
// deadline that passes between writes does no harm.
func (c *conn) arm(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stalled {
		return os.ErrDeadlineExceeded
	}
	if c.set.Sub(now) > c.step()/2 && c.earlier(c.set) == c.set {
		return nil
	}
	return c.rearm(now)
}

// rearm sets the write deadline of a write that is under way.
func (c *conn) rearm(now time.Time) error {
	c.set = c.earlier(now.Add(c.step()))
	return c.ServerConn.SetWriteDeadline(c.set)
}

// step is the time between two looks for progress.
func (c *conn) step() time.Duration { return c.limit.Timeout / checks }

// earlier returns t, or the deadline that the server set if that is before t.
func (c *conn) earlier(t time.Time) time.Time {
	if !c.asked.IsZero() && c.asked.Before(t) {
		return c.asked
	}
	return t
}

// over reports whether a write that waits has to fail: because the server's own
// deadline has passed, or because the peer has stalled.
func (c *conn) over(now, since time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked.IsZero() && !now.Before(c.asked) {
		return true
	}
	if now.Sub(since) < c.limit.Timeout {
		c.set = time.Time{}
		return false
	}
	c.stalled = true
	c.limit.report(c.RemoteAddr().String(), tookNothing)
	if tcp, ok := c.accepted().(*net.TCPConn); ok {
		tcp.SetLinger(0) // else the kernel keeps what is unsent, for minutes
	}
	return true
}

// SetWriteDeadline implements [net.Conn]. The next write takes the deadline into account:
// net/http sets one for each request, and most often another before it writes.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = t
	if c.writes.Load() == 0 {
		return nil
	}
	return c.rearm(time.Now())
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Unbuffered says that Read returns all that is read from the file descriptor.
func (c *conn) Unbuffered() {}

// CloseWrite ends the direction to the peer, as [net.TCPConn.CloseWrite] does.
// net/http and ReverseProxy look for it.
func (c *conn) CloseWrite() error {
	if half, ok := c.accepted().(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
