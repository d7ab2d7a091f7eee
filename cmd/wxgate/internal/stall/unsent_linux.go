package stall

import (
	"net"

	"golang.org/x/sys/unix"
)

// maxUnsentBytes is how much the kernel buffers of what it cannot send yet.
const maxUnsentBytes = 128 << 10

// limitUnsent makes the kernel accept less data that waits for the peer: by default
// it buffers up to 4 MiB a connection, and reports room only after a third of that
// has been sent, so that a slow peer would look like one that stalls. Data on its
// way to the peer does not count, so the limit does not slow a connection. If the
// kernel refuses, its default remains.
func limitUnsent(c *net.TCPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsentBytes)
	})
}
