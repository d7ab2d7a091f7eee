//go:build !unix

package direct

import "net"

// canReuse is whether a connection can be asked if anything has come on it.
const canReuse = false

func quietness(net.Conn) func() bool { return nil }
