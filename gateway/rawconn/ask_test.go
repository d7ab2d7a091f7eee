//go:build unix

package rawconn_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/wxgate/wxgate/gateway/rawconn"
)

// Ask writes the request, and returns when the response is there.
func TestAsk(t *testing.T) {
	bothNetworks(t, func(t *testing.T, network string) {
		conn, peer := pair(t, network)
		go func() {
			request := make([]byte, 4)
			for range 1000 {
				if _, err := io.ReadFull(peer, request); err != nil {
					t.Error(err)
					return
				}
				peer.Write(bytes.ToUpper(request))
			}
		}()
		response := make([]byte, 10)
		for range 1000 {
			if n, err := conn.Ask([]byte("ping")); n != 4 || err != nil {
				t.Fatalf("Ask = %d, %v, want 4", n, err)
			}
			if n, err := conn.Read(response); string(response[:n]) != "PING" || err != nil {
				t.Fatalf("response %q, %v, want PING", response[:n], err)
			}
		}
	})
}

// comings are what may come on a connection without a request.
var comings = map[string]func(net.Conn){
	"a byte":  func(peer net.Conn) { io.WriteString(peer, "x") },
	"the end": func(peer net.Conn) { peer.(interface{ CloseWrite() error }).CloseWrite() },
}

// A connection is quiet until something comes, or until it is closed.
func TestQuiet(t *testing.T) {
	bothNetworks(t, func(t *testing.T, network string) {
		for name, come := range comings {
			conn, peer := pair(t, network)
			come(peer)
			waitUntilReadable(t, conn)
			if conn.Quiet() {
				t.Errorf("quiet after %s", name)
			}
		}
		conn, _ := pair(t, network)
		if conn.Close(); conn.Quiet() {
			t.Error("quiet after Close")
		}
	})
}

// On a connection on which something has come, Ask writes nothing.
func TestAskNotQuiet(t *testing.T) {
	bothNetworks(t, func(t *testing.T, network string) {
		for name, come := range comings {
			conn, peer := pair(t, network)
			if !conn.CanAsk() || !conn.Quiet() {
				t.Errorf("%s: a new connection is not quiet", name)
			}
			come(peer)
			waitUntilReadable(t, conn)
			if n, err := conn.Ask([]byte("ping")); n != 0 || err != rawconn.ErrNotQuiet {
				t.Errorf("%s: Ask = %d, %v, want 0 and %v", name, n, err, rawconn.ErrNotQuiet)
			}
			conn.Close()
			if text, _ := io.ReadAll(peer); len(text) > 0 {
				t.Errorf("%s: the peer got %q, want nothing", name, text)
			}
		}
	})
}

// waitUntilReadable waits until something has come on conn, and leaves it there.
func waitUntilReadable(t *testing.T, conn *rawconn.Conn) {
	t.Helper()
	raw, err := conn.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	began := false
	err = raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		came := began || n >= 0 && err == nil
		began = true
		return came
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A request that cannot be written at once is the caller's to finish: Ask does not wait.
func TestAskTooLong(t *testing.T) {
	bothNetworks(t, func(t *testing.T, network string) {
		conn, peer := pair(t, network)
		request := make([]byte, 16<<20)
		n, err := conn.Ask(request)
		if n <= 0 || n >= len(request) || err != nil {
			t.Fatalf("Ask = %d, %v, want a part of %d", n, err, len(request))
		}
		go conn.Write(request[n:])
		if _, err := io.CopyN(io.Discard, peer, int64(len(request))); err != nil {
			t.Error(err)
		}
	})
}

// What ends the wait of Ask is the error of the next Read. What ends it before anything is
// written is its own.
func TestAskEnds(t *testing.T) {
	bothNetworks(t, func(t *testing.T, network string) {
		for name, tt := range endings {
			conn, peer := pair(t, network)
			go func() {
				io.ReadFull(peer, make([]byte, 4))
				tt.end(conn)
			}()
			if n, err := conn.Ask([]byte("ping")); n != 4 || err != nil {
				t.Errorf("%s: Ask = %d, %v, want 4", name, n, err)
			}
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, tt.is) {
				t.Errorf("%s: Read = %v, want %v", name, err, tt.is)
			}
			if n, err := conn.Ask([]byte("ping")); n != 0 || !errors.Is(err, tt.is) {
				t.Errorf("%s: second Ask = %d, %v, want %v", name, n, err, tt.is)
			}
		}
	})
}
