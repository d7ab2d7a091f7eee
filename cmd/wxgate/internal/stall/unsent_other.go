//go:build !linux

package stall

import "net"

// limitUnsent does nothing: the kernel's default remains.
func limitUnsent(*net.TCPConn) {}
