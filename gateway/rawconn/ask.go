package rawconn

import (
	"errors"
	"syscall"
)

// ErrNotQuiet is the error of [Conn.Ask] on a connection on which something has come
// that nobody asked for, or its end. It cannot be used any more.
var ErrNotQuiet = errors.New("something has come on the connection without a request")

// question is a request under way in [Conn.Ask].
type question struct {
	call  func(fd uintptr) (done bool)
	p     []byte
	n     int
	errno syscall.Errno
	began bool
	quiet bool
}

// Ask writes p, a request, on a connection that was idle, and waits until something comes
// on it, until its read deadline, or until it is closed, which the next Read tells. It is
// cheaper than Write and Read: the wait begins before the request is written, so nobody
// has to look whether the response is there already.
//
// If something has come before, Ask writes nothing: the error is ErrNotQuiet. If not all of
// p can be written at once, it does not wait: the caller writes what is after the n bytes.
// Nor does it for an empty p, which asks only whether nothing has come.
func (c *Conn) Ask(p []byte) (n int, err error) {
	if !c.CanAsk() {
		return 0, errors.ErrUnsupported
	}
	q := &c.question
	q.p, q.n, q.errno, q.began, q.quiet = p, 0, 0, false, false
	err = c.in.wait(q.call)
	q.p = nil
	switch {
	case q.errno != 0:
		return q.n, c.named("write", q.errno)
	case q.quiet:
		return q.n, nil
	case err != nil:
		return 0, c.named("write", err)
	default:
		return 0, ErrNotQuiet
	}
}

// CanAsk reports whether the connection has what [Conn.Ask] needs, a file descriptor.
func (c *Conn) CanAsk() bool { return c.in.wait != nil }

// Quiet reports whether nothing has come on a connection that is idle, neither a byte nor
// its end. Unless it is quiet, it cannot be used any more.
func (c *Conn) Quiet() bool {
	_, err := c.Ask(nil)
	return err == nil
}

// ask is the call of a question.
func (q *question) ask(fd uintptr) (done bool) {
	if q.began { // and something has come since
		return true
	}
	q.began = true
	var one [1]byte
	_, errno := readNow(fd, one[:])
	if q.quiet = errno == syscall.EAGAIN; !q.quiet || len(q.p) == 0 {
		return true
	}
	q.n, q.errno = writeNow(fd, q.p)
	if q.errno == syscall.EAGAIN {
		q.errno = 0
	}
	q.n = max(q.n, 0)
	return q.errno != 0 || q.n < len(q.p)
}
