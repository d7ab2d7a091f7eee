//go:build unix

package tunnel

import (
	"io"
	"syscall"
)

// file reads from the file descriptor of a side, and waits on it without a buffer.
type file struct {
	raw  syscall.RawConn
	look func(fd uintptr) bool
	to   *source // of the read under way
	n    int     // bytes read
	err  error
}

// fileReader returns nil if from has no file descriptor.
func fileReader(from io.Reader) func(*source) ([]byte, error) {
	withFile, ok := from.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := withFile.SyscallConn()
	if err != nil {
		return nil
	}
	f := &file{raw: raw}
	f.look = f.tryRead
	return f.read
}

// read implements [source.read].
func (f *file) read(s *source) ([]byte, error) {
	f.to, f.n, f.err = s, 0, nil
	if err := f.raw.Read(f.look); err != nil {
		return nil, err
	}
	if f.n > 0 {
		return s.buffer[:f.n], nil
	}
	// The end, or an error. The side has to see it too, and reports it as usual.
	n, err := s.Read(s.buffer)
	if f.err != nil {
		err = f.err
	}
	return s.buffer[:n], err
}

// tryRead reads what has come. It reports whether something has, be it an error.
func (f *file) tryRead(fd uintptr) bool {
	p := f.to.borrow()
	f.n, f.err = syscall.Read(int(fd), p)
	for f.err == syscall.EINTR {
		f.n, f.err = syscall.Read(int(fd), p)
	}
	if f.err == syscall.EAGAIN {
		f.to.giveBack()
		return false
	}
	return true
}
