//go:build unix && (!linux || race)

package rawconn

import "syscall"

const (
	// Supported is whether this system has the calls of [Conn.Ask].
	Supported = true
	isShort   = false
)

func readNow(fd uintptr, p []byte) (int, syscall.Errno) { return call(syscall.Read, fd, p) }

func writeNow(fd uintptr, p []byte) (int, syscall.Errno) { return call(syscall.Write, fd, p) }

// call makes one of the calls of package syscall, which the scheduler sees.
func call(number func(int, []byte) (int, error), fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, err := number(int(fd), p)
		errno, _ := err.(syscall.Errno)
		if errno != syscall.EINTR {
			return n, errno
		}
	}
}
