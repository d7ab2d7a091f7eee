//go:build !unix

package direct

import "net"

// Supported is whether this system tells if anything has come on a connection. Elsewhere,
// a [Transport] keeps none.
const Supported = false

func quietness(net.Conn) func() bool { return nil }
