package direct

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/forward"
)

// Switched is the body of a response with status 101: the connection, which is the
// caller's then. The end of the request's context does not close it.
type Switched struct {
	net.Conn
	early []byte // sent by the upstream right after the header, and not read yet
}

// Read implements [io.Reader].
func (s *Switched) Read(p []byte) (int, error) {
	if len(s.early) == 0 {
		return s.Conn.Read(p)
	}
	n := copy(p, s.early)
	s.early = s.early[n:]
	return n, nil
}

// Early returns what the upstream sent right after the header. Read does not return it
// again.
func (s *Switched) Early() []byte {
	early := s.early
	s.early = nil
	return early
}

// CloseWrite ends the sending direction.
func (s *Switched) CloseWrite() error { return s.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// SyscallConn implements [syscall.Conn]. It does not know of early bytes.
func (s *Switched) SyscallConn() (syscall.RawConn, error) { return s.Conn.(syscall.Conn).SyscallConn() }

// asksToSwitch reports whether r asks for another protocol on its connection, and its
// Connection has nothing else to say.
func asksToSwitch(r *http.Request) bool {
	connection := r.Header["Connection"]
	return r.Method == http.MethodGet && len(r.Header["Upgrade"]) == 1 &&
		len(connection) == 1 && connection[0] == "Upgrade"
}

// handOver makes the connection the body of res, which ends the request.
func (c *conn) handOver(ctx context.Context, res *http.Response) error {
	if !c.unwatch() {
		return context.Cause(ctx)
	}
	early, err := c.reader.Peek(c.reader.Buffered())
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err != nil {
		return err
	}
	res.Body = &Switched{forward.AnswerFirst(c.Conn), bytes.Clone(early)}
	c.putReader()
	return nil
}
