package rawconn

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// lingers is how long the read of one byte waits for its end before it looks at the
// connection. Most requests do not take longer.
const lingers = 50 * time.Millisecond

// A ServerConn is a connection for [net/http.Server], which for each request sets the read
// deadline half a dozen times, and reads one byte in the background to learn whether the
// client has left. Here a deadline costs nothing until a read has to wait longer than the
// one before, and that byte nothing within 50 milliseconds: its read is the first of one
// byte after the deadline was taken back. Else a ServerConn is as a [Conn]. It is safe for
// concurrent use, with one read at a time; make one with [NewServer].
type ServerConn struct {
	net.Conn
	cheap *Conn // reads and writes Conn

	mu     sync.Mutex
	asked  time.Time // read deadline that the server set; zero: none
	set    time.Time // read deadline of Conn
	reads  int       // that wait for Conn, or are about to
	eager  bool      // set is always what was asked
	closed bool

	// Of the read in the background.
	expected  bool       // the deadline was taken back, and nothing read since
	lingering bool       // it waits for ended
	ended     chan error // what ends it; nil: go on and read
	timer     *time.Timer
}

// NewServer returns a ServerConn for c, which should have a file descriptor.
func NewServer(c net.Conn) *ServerConn { return &ServerConn{Conn: c, cheap: New(c)} }

// Write implements [net.Conn].
func (c *ServerConn) Write(p []byte) (int, error) { return c.cheap.Write(p) }

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
		n, err := c.cheap.Read(p)
		if again := c.end(n == 0 && errors.Is(err, os.ErrDeadlineExceeded)); !again {
			return n, err
		}
	}
}

// begin begins a read. It gives Conn the deadline that the server set, unless the one that
// stands is early enough. When that passes first, the read begins again.
func (c *ServerConn) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked.IsZero() && (c.set.IsZero() || c.asked.Before(c.set)) {
		if err := c.apply(); err != nil {
			return err
		}
	}
	c.expected = false
	c.reads++
	return nil
}

// end ends a read. It reports whether it begins again, because an earlier deadline has
// passed than the server set.
func (c *ServerConn) end(timedOut bool) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads--
	return timedOut && !passed(c.asked) && c.apply() == nil
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
	if c.closed {
		return net.ErrClosed
	}
	c.asked, c.expected = t, t.IsZero()
	if c.lingering && passed(t) {
		c.endLinger(os.ErrDeadlineExceeded)
	}
	if c.reads > 0 || c.eager {
		return c.apply()
	}
	return nil
}

// SetDeadline implements [net.Conn].
func (c *ServerConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// linger waits for a deadline in the past, or for Close, whose error it returns, but not
// for long, and only if the read may be the one in the background.
func (c *ServerConn) linger() error {
	ended, err := c.beginLinger()
	if ended == nil {
		return err
	}
	return <-ended
}

// beginLinger returns what tells the end of the read; nil: it does not linger.
func (c *ServerConn) beginLinger() (ended <-chan error, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case passed(c.asked):
		return nil, os.ErrDeadlineExceeded
	case !c.expected || c.closed || c.lingering:
		return nil, nil
	case c.timer == nil:
		c.ended = make(chan error, 1)
		c.timer = time.AfterFunc(lingers, c.look)
	default:
		c.timer.Reset(lingers)
	}
	c.lingering = true
	return c.ended, nil
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
	withFile, ok := c.Conn.(syscall.Conn)
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
