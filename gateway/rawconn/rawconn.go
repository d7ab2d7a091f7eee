// Package rawconn reads and writes the connections of a busy server for less processor
// time.
//
// Go's scheduler takes each system call for one that may block. If one takes longer than
// some ten microseconds, as the write to a socket often does, another thread is woken to
// go on with other goroutines, and a background thread looks for such calls every 20
// microseconds. The sockets of package net never block, so a [Conn] makes short system
// calls without telling the scheduler. Waiting, deadlines and Close stay those of package
// net.
package rawconn

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// maxBytes limits what one system call moves without the scheduler's knowledge. The
// kernel needs about ten microseconds for it.
const maxBytes = 64 << 10

// A Conn is a connection whose reads and writes cost less. It is safe for concurrent use,
// as the connection is; make one with [New].
type Conn struct {
	net.Conn
	in, out  direction
	question question
}

// New returns a Conn for c. If c has no file descriptor, or the system is not Linux, it
// reads and writes by the methods of c.
func New(c net.Conn) *Conn {
	conn := &Conn{Conn: c}
	withFile, ok := c.(syscall.Conn)
	if !ok || !Supported {
		return conn
	}
	raw, err := withFile.SyscallConn()
	if err != nil {
		return conn
	}
	conn.in.wait, conn.in.call = raw.Read, conn.in.read
	conn.question.call = conn.question.ask
	conn.out.wait, conn.out.call = raw.Write, conn.out.write
	return conn
}

// direction is one direction of a connection, with the read or write under way in it.
type direction struct {
	wait func(call func(fd uintptr) (done bool)) error // nil: there is no file descriptor
	call func(fd uintptr) (done bool)

	mu    sync.Mutex
	p     []byte
	n     int
	errno syscall.Errno
}

// takes reports whether p is moved here, and not by the methods of the connection.
func (d *direction) takes(p []byte) bool {
	return isShort && d.wait != nil && len(p) > 0 && len(p) <= maxBytes
}

// do makes the direction's call with p, until it is done.
func (d *direction) do(p []byte) (n int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.p, d.n, d.errno = p, 0, 0
	err = d.wait(d.call)
	d.p = nil
	if err == nil && d.errno != 0 {
		err = d.errno
	}
	return d.n, err
}

// read is a direction's call that reads what is there.
func (d *direction) read(fd uintptr) (done bool) {
	n, errno := readNow(fd, d.p)
	if errno == syscall.EAGAIN {
		return false
	}
	d.n, d.errno = n, errno
	return true
}

// write is a direction's call that writes all.
func (d *direction) write(fd uintptr) (done bool) {
	for d.n < len(d.p) {
		n, errno := writeNow(fd, d.p[d.n:])
		if errno == syscall.EAGAIN {
			return false
		}
		if d.errno = errno; errno != 0 {
			return true
		}
		d.n += n
	}
	return true
}

// Read implements [net.Conn].
func (c *Conn) Read(p []byte) (int, error) {
	if !c.in.takes(p) {
		return c.Conn.Read(p)
	}
	n, err := c.in.do(p)
	switch {
	case err != nil:
		return 0, c.named("read", err)
	case n == 0:
		return 0, io.EOF
	default:
		return n, nil
	}
}

// Write implements [net.Conn].
func (c *Conn) Write(p []byte) (int, error) {
	if !c.out.takes(p) {
		return c.Conn.Write(p)
	}
	n, err := c.out.do(p)
	return n, c.named("write", err)
}

// named returns err as package net has it after the given operation.
func (c *Conn) named(op string, err error) error {
	switch err := err.(type) {
	case syscall.Errno:
		peer := c.RemoteAddr()
		return &net.OpError{
			Op: op, Net: peer.Network(), Source: c.LocalAddr(), Addr: peer, Err: os.NewSyscallError(op, err),
		}
	case *net.OpError:
		named := *err // its operation is "raw-read" or "raw-write"
		named.Op = op
		return &named
	}
	return err
}
