package rawconn_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway/rawconn"
)

// pair returns both ends of a connection: a Conn, and the other side.
func pair(t *testing.T, network string) (*rawconn.Conn, net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return rawconn.New(dialled), accepted
}

// bothNetworks calls test for a TCP connection and for one of a Unix socket.
func bothNetworks(t *testing.T, test func(t *testing.T, network string)) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			test(t, network)
		})
	}
}

// The bytes arrive in their order, with any sizes of reads and writes.
func TestBytesArrive(t *testing.T) {
	bothNetworks(t, func(t *testing.T, network string) {
		sent := make([]byte, 3<<20)
		for i := range sent {
			sent[i] = byte(i * 31 >> 3)
		}
		sizes := []int{1, 7, 4 << 10, 64 << 10, 64<<10 + 1, 700 << 10}
		conn, peer := pair(t, network)
		go func() { // the peer sends back what it gets
			io.Copy(peer, peer)
			peer.Close()
		}()
		go func() {
			for i, rest := 0, sent; len(rest) > 0; i++ {
				piece := rest[:min(len(rest), sizes[i%len(sizes)])]
				if n, err := conn.Write(piece); n != len(piece) || err != nil {
					t.Errorf("Write of %d bytes = %d, %v", len(piece), n, err)
					return
				}
				rest = rest[len(piece):]
			}
			conn.Conn.(interface{ CloseWrite() error }).CloseWrite()
		}()
		var got []byte
		for i := 0; ; i++ {
			piece := make([]byte, sizes[i%len(sizes)])
			n, err := conn.Read(piece)
			got = append(got, piece[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("Read = %d, %v", n, err)
			}
		}
		if !bytes.Equal(got, sent) {
			t.Errorf("%d bytes came back, want the %d that were sent", len(got), len(sent))
		}
	})
}

// The errors are those of the connection itself.
func TestErrors(t *testing.T) {
	read := func(c net.Conn) error { _, err := c.Read(make([]byte, 10)); return err }
	write := func(c net.Conn) error { _, err := c.Write(make([]byte, 60<<10)); return err }
	past := time.Unix(1, 0)
	tests := []struct {
		name    string
		prepare func(c, peer net.Conn)
		do      func(net.Conn) error
		is      error
	}{
		{"read deadline", func(c, _ net.Conn) { c.SetReadDeadline(past) }, read, os.ErrDeadlineExceeded},
		{"write deadline", func(c, _ net.Conn) { c.SetWriteDeadline(past) }, write, os.ErrDeadlineExceeded},
		{"read of a closed one", func(c, _ net.Conn) { c.Close() }, read, net.ErrClosed},
		{"write to a closed one", func(c, _ net.Conn) { c.Close() }, write, net.ErrClosed},
		{"end", func(_, peer net.Conn) { peer.Close() }, read, io.EOF},
		{"reset", func(c, peer net.Conn) {
			c.Write([]byte("unread"))
			peer.(*net.TCPConn).SetLinger(0)
			peer.Close()
		}, read, syscall.ECONNRESET},
		{"write after the end", func(c, peer net.Conn) {
			peer.Close()
			for _, err := c.Write([]byte("x")); err == nil; { // until the reset has come
				_, err = c.Write([]byte("x"))
			}
			read(c)
		}, write, syscall.EPIPE},
		{"peer that reads nothing", func(c, _ net.Conn) {
			c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			for write(c) == nil {
			}
		}, write, os.ErrDeadlineExceeded},
	}
	t.Parallel()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var errs [2]error
			for i := range errs {
				conn, peer := pair(t, "tcp")
				plain := conn.Conn
				tt.prepare(plain, peer)
				if i == 0 {
					errs[i] = tt.do(conn)
				} else {
					errs[i] = tt.do(plain)
				}
			}
			if !errors.Is(errs[0], tt.is) || reflect.TypeOf(errs[0]) != reflect.TypeOf(errs[1]) ||
				withoutPorts(errs[0]) != withoutPorts(errs[1]) {
				t.Errorf("error %v, want %v, as the connection has it: %v", errs[0], tt.is, errs[1])
			}
		})
	}
}

// withoutPorts returns the text of err without the addresses, which differ from test to
// test.
func withoutPorts(err error) string {
	words := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == ' ' || r == '>' || r == '-' })
	var kept []string
	for _, word := range words {
		if !strings.HasPrefix(word, "127.0.0.1:") {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}

// endings are what ends a wait, and the error of the read then.
var endings = map[string]struct {
	end func(net.Conn)
	is  error
}{
	"deadline": {func(c net.Conn) { c.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	"close":    {func(c net.Conn) { c.Close() }, net.ErrClosed},
}

// A deadline and Close end a read that waits.
func TestReadThatWaits(t *testing.T) {
	bothNetworks(t, func(t *testing.T, network string) {
		for name, tt := range endings {
			conn, _ := pair(t, network)
			ended := make(chan error)
			go func() {
				_, err := conn.Read(make([]byte, 1))
				ended <- err
			}()
			tt.end(conn)
			if err := <-ended; !errors.Is(err, tt.is) {
				t.Errorf("%s: Read = %v, want %v", name, err, tt.is)
			}
		}
	})
}

// A connection without a file descriptor is read and written by its own methods.
func TestWithoutFile(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	conn := rawconn.New(a)
	go func() {
		io.WriteString(conn, "hello")
		conn.Close()
	}()
	if text, err := io.ReadAll(rawconn.New(b)); string(text) != "hello" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if _, err := conn.Ask([]byte("x")); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Ask = %v, want %v", err, errors.ErrUnsupported)
	}
}
