package upgrade

import (
	"errors"
	"net"
	"time"
)

// Conn is a connection that a handler has taken over from the server. It ends when
// it is closed and the handler has returned.
type Conn struct {
	net.Conn
	set *Set

	closed, returned, websocket bool // guarded by set.mu

	writing chan struct{} // holds a value during a Write
	frames  frames
	leaving bool // a close frame is to be sent when the current frame ends
	left    bool // it was sent: nothing may follow
}

// closeFrame is a close frame with status 1001, going away.
var closeFrame = []byte{0x80 | opClose, 2, 1001 >> 8, 1001 & 0xff}

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
		if c.leaving {
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
	if !c.leaving || c.left || !c.frames.between() {
		return
	}
	c.left = true
	if !c.frames.closed {
		c.Conn.Write(closeFrame) // an error ends the handler's next read
	}
}

// goAway sends the client a close frame as soon as the current frame ends. A
// client that takes no data within closeTimeout gets none.
func (c *Conn) goAway() {
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	c.Conn.SetWriteDeadline(time.Now().Add(closeTimeout))
	select {
	case c.writing <- struct{}{}:
		c.leaving = true
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
