package rawconn

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// lingers is how long a read of one byte waits for its end before it looks at the
// connection. Most requests do not take longer.
const lingers = 50 * time.Millisecond

// A ServerConn is a [Conn] for [net/http.Server], which for each request sets the read
// deadline of a connection half a dozen times, and reads one byte to learn whether the
// client has left. Here a deadline costs nothing until a read has to wait, and a read of
// one byte nothing within 50 milliseconds. It is safe for concurrent use; make one with
// [NewServer].
type ServerConn struct {
	*Conn

	mu     sync.Mutex
	asked  time.Time // read deadline that the server set; zero: none
	set    time.Time // read deadline of Conn
	reads  int       // that wait for Conn, or are about to
	eager  bool      // set is always what was asked
	closed bool

	lingering bool       // a read waits in linger
	ended     chan error // what ends it; nil: go on and read
	timer     *time.Timer
}

// NewServer returns a ServerConn for c, as [New] returns a Conn.
func NewServer(c net.Conn) *ServerConn { return &ServerConn{Conn: New(c)} }

// Read implements [net.Conn].
func (c *ServerConn) Read(p []byte) (int, error) {
	if len(p) == 1 {
		if err := c.linger(); err != nil {
			return 0, err
		}
	}
	for {
		if err := c.begin(); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p)
		if again := c.end(n == 0 && errors.Is(err, os.ErrDeadlineExceeded)); !again {
			return n, err
		}
	}
}

// begin begins a read.
func (c *ServerConn) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.prepare(); err != nil {
		return err
	}
	c.reads++
	return nil
}

// prepare gives Conn the deadline that the server set, unless the one that stands is early
// enough. When that passes first, the read begins again.
func (c *ServerConn) prepare() error {
	if c.asked.IsZero() && c.set.IsZero() {
		return nil
	}
	switch {
	case passed(c.asked):
		return os.ErrDeadlineExceeded
	case !c.set.IsZero() && (c.asked.IsZero() || !c.asked.Before(c.set)):
		return nil
	}
	return c.apply()
}

// end ends a read. It reports whether it begins again: the deadline that has passed may be
// an earlier one than the server set.
func (c *ServerConn) end(timedOut bool) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads--
	return timedOut && c.apply() == nil
}

func passed(deadline time.Time) bool { return !deadline.IsZero() && time.Until(deadline) <= 0 }

// apply gives Conn the deadline that the server set.
func (c *ServerConn) apply() error {
	c.set = c.asked
	return c.Conn.SetReadDeadline(c.set)
}

// SetReadDeadline implements [net.Conn].
func (c *ServerConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = t
	switch {
	case c.closed:
		return net.ErrClosed
	case c.reads > 0 || c.eager:
		return c.apply()
	case c.lingering && passed(t):
		c.endLinger(os.ErrDeadlineExceeded)
	}
	return nil
}

// SetDeadline implements [net.Conn].
func (c *ServerConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// linger waits for a deadline in the past, or for Close, whose error it returns, but not
// for long.
func (c *ServerConn) linger() error {
	c.mu.Lock()
	switch {
	case c.lingering || c.closed || passed(c.asked): // Read tells
		c.mu.Unlock()
		return nil
	case c.timer == nil:
		c.ended = make(chan error, 1)
		c.timer = time.AfterFunc(lingers, c.look)
	default:
		c.timer.Reset(lingers)
	}
	c.lingering = true
	c.mu.Unlock()
	return <-c.ended
}

// endLinger ends the read that lingers, if there is one.
func (c *ServerConn) endLinger(err error) {
	if c.lingering {
		c.lingering = false
		c.timer.Stop()
		c.ended <- err
	}
}

// look lets the read that lingers go on.
func (c *ServerConn) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLinger(nil)
}

// Close implements [net.Conn].
func (c *ServerConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.endLinger(net.ErrClosed)
	return c.Conn.Close()
}

// SyscallConn implements [syscall.Conn]. From then on, each deadline is set at once.
func (c *ServerConn) SyscallConn() (syscall.RawConn, error) {
	withFile, ok := c.Conn.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eager = true
	if err := c.apply(); err != nil {
		return nil, err
	}
	return withFile.SyscallConn()
}
