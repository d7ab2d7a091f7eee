package stall

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// ReadFrom implements [io.ReaderFrom]. What comes from a socket stays within the kernel:
// that takes two system calls for 256 KiB, and no copy.
func (c *conn) ReadFrom(src io.Reader) (int64, error) {
	moved, err := c.splice(src)
	if err != errNotSpliced {
		return moved, err
	}
	n, err := io.Copy(struct{ io.Writer }{c}, src)
	return moved + n, err
}

// errNotSpliced is the error of what cannot be moved, but copied.
var errNotSpliced = errors.New("not spliced")

// splice moves what src may still read, if it is a socket with a limit. It returns the
// number of bytes that have left. If the error is errNotSpliced, no byte is lost.
func (c *conn) splice(src io.Reader) (moved int64, err error) {
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		return 0, errNotSpliced
	}
	from, to := rawStream(limited.R), rawConn(c.accepted())
	if from == nil || to == nil {
		return 0, errNotSpliced
	}
	p := takePipe()
	if p == nil {
		return 0, errNotSpliced
	}
	defer p.release()
	for limited.N > 0 {
		filled, err := p.fill(from, limited.N)
		if err != nil || filled == 0 {
			return moved, err
		}
		limited.N -= int64(filled)
		n, err := c.persist(func(int) (int, error) { return p.drain(to) })
		moved += int64(n)
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// rawStream returns the socket that r is; nil: it is none, or does more than to read it.
func rawStream(r io.Reader) syscall.RawConn {
	switch r.(type) {
	case *net.TCPConn, *net.UnixConn:
		return rawConn(r)
	}
	return nil
}

func rawConn(v any) syscall.RawConn {
	c, ok := v.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// fill moves up to n bytes from a socket into the pipe, which is empty. It waits until
// there are some; 0: there are no more.
func (p *pipe) fill(from syscall.RawConn, n int64) (filled int, err error) {
	n = min(n, pipeBytes)
	waited := from.Read(func(fd uintptr) bool {
		filled, err = splice(int(fd), p.in, int(n))
		return err != syscall.EAGAIN
	})
	switch {
	case waited != nil:
		return 0, waited
	case err == syscall.EINVAL || err == syscall.ENOSYS || err == syscall.EPERM:
		return 0, errNotSpliced
	}
	p.held = filled
	return filled, os.NewSyscallError("splice", err)
}

// drain moves all that is in the pipe to a socket. An error leaves the rest in it.
func (p *pipe) drain(to syscall.RawConn) (drained int, err error) {
	waited := to.Write(func(fd uintptr) bool {
		for p.held > 0 && err == nil {
			var n int
			if n, err = splice(p.out, int(fd), p.held); err == nil {
				p.held -= n
				drained += n
			}
		}
		if err == syscall.EAGAIN {
			err = nil
			return false
		}
		return true
	})
	if waited != nil {
		return drained, waited
	}
	return drained, os.NewSyscallError("splice", err)
}
