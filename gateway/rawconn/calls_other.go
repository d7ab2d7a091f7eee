//go:build !unix

package rawconn

import "syscall"

const (
	// Supported is whether this system has the calls of [Conn.Ask].
	Supported = false
	isShort   = false
)

func readNow(uintptr, []byte) (int, syscall.Errno) { return 0, syscall.EINVAL }

func writeNow(uintptr, []byte) (int, syscall.Errno) { return 0, syscall.EINVAL }
