package stall

import (
	"net"
	"time"
)

// Listener returns a listener whose connections end when the peer takes nothing of
// what is written to them for the timeout; l itself if the timeout is 0. For TLS, l
// is the listener below it.
func Listener(l net.Listener, timeout time.Duration) net.Listener {
	if timeout == 0 {
		return l
	}
	return &listener{l, timeout}
}

type listener struct {
	net.Listener
	timeout time.Duration
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		limitUnsent(tcp)
	}
	return &conn{Conn: c, timeout: l.timeout}, nil
}
