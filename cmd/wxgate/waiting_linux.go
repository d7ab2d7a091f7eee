package main

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// connectionWaits reports whether a connection waits to be accepted.
func connectionWaits(l net.Listener) bool {
	system, ok := l.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return false
	}
	waits := false
	raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 0)
		waits = err == nil && n == 1 && poll[0].Revents&unix.POLLIN != 0
	})
	return waits
}
