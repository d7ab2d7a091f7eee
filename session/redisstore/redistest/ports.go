package redistest

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// busOffset is the distance from a cluster node's port to that of its bus.
const busOffset = 10000

// claim returns a free loopback port, the port of a cluster's bus being free too.
// It is below the ports that systems give to outgoing connections, so that a
// stopped server finds its port free when it starts again. Until the test ends no
// other claim, also of another process, returns it: the UDP port of the same
// number is held.
func claim(t TB) int {
	t.Helper()
	for range 100 {
		port := 10000 + rand.IntN(10000)
		held, err := net.ListenPacket("udp", loopback(port))
		if err != nil {
			continue
		}
		if unused(port) && unused(port+busOffset) {
			t.Cleanup(func() { held.Close() })
			return port
		}
		held.Close()
	}
	t.Fatalf("no free port")
	return 0
}

func unused(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
