//go:build !linux

package main

import "net"

// connectionWaits reports whether a connection waits to be accepted; on this system
// nobody asks.
func connectionWaits(net.Listener) bool { return false }
