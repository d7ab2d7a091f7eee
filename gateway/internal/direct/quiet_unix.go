//go:build unix

package direct

import (
	"net"
	"syscall"
)

// Supported is whether this system tells if anything has come on a connection. Elsewhere,
// a [Transport] keeps none.
const Supported = true

// quietness returns a function that reports whether nothing has come on an idle
// connection, neither a byte nor its end. It does not wait, and reads at most one byte,
// after which the connection cannot be used. nil: the connection has no file descriptor.
func quietness(c net.Conn) func() bool {
	withFile, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := withFile.SyscallConn()
	if err != nil {
		return nil
	}
	var one [1]byte
	quiet := false
	look := func(fd uintptr) bool {
		_, err := syscall.Read(int(fd), one[:])
		for err == syscall.EINTR {
			_, err = syscall.Read(int(fd), one[:])
		}
		quiet = err == syscall.EAGAIN
		return true
	}
	return func() bool { return raw.Read(look) == nil && quiet }
}
