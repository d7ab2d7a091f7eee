package upgrade

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/wxgate/wxgate/session"
)

// Conn is a connection that a handler has taken over from the server. It ends when
// it is closed and the handler has returned.
type Conn struct {
	net.Conn
	set *Set

	closed, returned, websocket bool             // guarded by set.mu
	session                     *session.Session // of the visitor; nil: nobody's; guarded likewise

	writing chan struct{} // holds a value during a Write
	frames  frames
	leaving uint16 // status of a close frame to be sent when the current frame ends; 0: none
	left    bool   // it was sent: nothing may follow
}

// The statuses of close frames.
const (
	goingAway       = 1001
	policyViolation = 1008
)

// closeFrame returns a close frame with the given status.
func closeFrame(status uint16) []byte {
	return []byte{0x80 | opClose, 2, byte(status >> 8), byte(status)}
}

// BelongsTo notes the session of the visitor who upgraded the connection; nil: there
// is none.
func (c *Conn) BelongsTo(s *session.Session) {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	c.session = s
}

// Write implements [net.Conn]. After the gateway's close frame it drops p, so that
// the handler goes on to read the client's.
func (c *Conn) Write(p []byte) (int, error) {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	for sent := 0; ; {
		if c.left || sent == len(p) {
			return len(p), nil
		}
		part := p[sent:]
		if c.leaving != 0 {
			ahead := c.frames // a copy
			part = part[:ahead.advance(part)]
		}
		n, err := c.Conn.Write(part)
		c.note(part[:n])
		sent += n
		if err != nil {
			return sent, err
		}
		c.leave()
	}
}

// note follows the bytes that were sent.
func (c *Conn) note(p []byte) {
	before := c.frames.state
	for len(p) > 0 {
		p = p[c.frames.advance(p):]
	}
	if before != inFrames && c.frames.state == inFrames {
		c.set.upgraded(c)
	}
}

// leave sends the close frame, if it is to be sent and may be sent now.
func (c *Conn) leave() {
	if c.leaving == 0 || c.left || !c.frames.between() {
		return
	}
	c.left = true
	if !c.frames.closed {
		c.Conn.Write(closeFrame(c.leaving)) // an error ends the handler's next read
	}
}

// goAway sends the client a close frame with the given status as soon as the current
// frame ends. A client that takes no data within closeTimeout gets none.
func (c *Conn) goAway(status uint16) {
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	c.Conn.SetWriteDeadline(time.Now().Add(closeTimeout))
	select {
	case c.writing <- struct{}{}:
		c.leaving = status
		c.leave()
		<-c.writing
	case <-timer.C:
	}
}

// CloseWrite tells the client that nothing more will be sent. ReverseProxy calls it
// when the site does so.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn implements [syscall.Conn]. It is for reading only, and fails for a
// connection that may hold back what it has read from its file descriptor.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	switch inner := c.Conn.(type) {
	case *net.TCPConn:
		return inner.SyscallConn()
	case *net.UnixConn:
		return inner.SyscallConn()
	case interface {
		syscall.Conn
		Unbuffered()
	}:
		return inner.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Close implements [net.Conn].
func (c *Conn) Close() error {
	err := c.Conn.Close()
	c.set.end(c, &c.closed)
	return err
}

// Returned notes that the handler has returned, and what it had to do is done.
func (c *Conn) Returned() { c.set.end(c, &c.returned) }

// abort closes the connection without waiting for the client, as Close over TLS
// would do.
func (c *Conn) abort() {
	if secure, ok := c.Conn.(interface{ NetConn() net.Conn }); ok {
		secure.NetConn().Close()
	}
	c.Close()
}
