//go:build !race

package rawconn

import (
	"syscall"
	"unsafe"
)

const (
	// Supported is whether this system has the calls of [Conn.Ask].
	Supported = true
	// isShort is whether the scheduler does not see the calls. The race detector needs
	// those of package syscall: it would take what a connection orders for a race.
	isShort = true
)

func readNow(fd uintptr, p []byte) (int, syscall.Errno) { return call(syscall.SYS_READ, fd, p) }

func writeNow(fd uintptr, p []byte) (int, syscall.Errno) { return call(syscall.SYS_WRITE, fd, p) }

// call makes a system call with the descriptor fd and the bytes of p, of which there is
// at least one.
func call(number, fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
