package stall

import (
	"net"

	"github.com/wxgate/wxgate/gateway/rawconn"
)

// Listener returns a listener whose connections end when the peer takes nothing of
// what is written to them for the timeout; inner itself if the timeout is 0. For TLS,
// inner is the listener below it.
func (l Limit) Listener(inner net.Listener) net.Listener {
	if l.Timeout == 0 {
		return inner
	}
	return &listener{inner, l}
}

type listener struct {
	net.Listener
	limit Limit
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
	return &conn{ServerConn: rawconn.NewServer(c), limit: l.limit}, nil
}
