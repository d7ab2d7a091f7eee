package forward

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// A Dialer opens connections on which a server's answer comes before the error of
// writing to it. A server may answer (413, 401) before it has read the body, and close
// the connection. [http.Transport] ends a request with the first of the two that it
// sees, and the visitor would get a 502 instead of the answer.
type Dialer struct{ net.Dialer }

// DialContext is that of [net.Dialer].
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return AnswerFirst(c), nil
}

// answerWait limits the wait of a failed Write. It has to end without a Read too: over
// HTTP/2, the transport may want to write before it reads on.
const answerWait = 3 * time.Second

// conn is a connection whose Write, if the server has closed the connection, returns
// only when the last of what the server has sent is read.
type conn struct {
	net.Conn
	ended chan struct{} // nothing more will be read
	end   func()
}

// AnswerFirst returns c as a [Dialer] does.
func AnswerFirst(c net.Conn) net.Conn {
	ended := make(chan struct{})
	return &conn{c, ended, sync.OnceFunc(func() { close(ended) })}
}

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		timer := time.AfterFunc(answerWait, c.end)
		<-c.ended
		timer.Stop()
	}
	return n, err
}

// Read implements [net.Conn].
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.end()
	}
	return n, err
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.end()
	return c.Conn.Close()
}

// SyscallConn implements [syscall.Conn]. Who reads from it has to call Read at the end.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if withFile, ok := c.Conn.(syscall.Conn); ok {
		return withFile.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite ends the sending direction, as for a WebSocket.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}
