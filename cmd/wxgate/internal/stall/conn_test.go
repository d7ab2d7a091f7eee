package stall_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/stall"
)

const timeout = time.Minute

// given is a listener that accepts one connection.
type given struct{ conn net.Conn }

func (g given) Accept() (net.Conn, error) { return g.conn, nil }
func (g given) Close() error              { return nil }
func (g given) Addr() net.Addr            { return nil }

// pipe returns the two ends of a connection without buffers, the server's first.
func pipe(t *testing.T) (server, client net.Conn) {
	t.Helper()
	accepted, client := net.Pipe()
	server, err := stall.Limit{Timeout: timeout}.Listener(given{accepted}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		client.Close()
	})
	return server, client
}

func TestWriteTimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		before time.Duration                 // between the first write and the second
		set    func(net.Conn, time.Time)     // before the second
		during func(server, client net.Conn) // the second
		want   time.Duration
		bytes  int
	}{
		{"stalled", 0, nil, nil, timeout, 0},
		{"stalled after a pause", 10 * timeout, nil, nil, timeout, 0},
		{"stalled after a short pause", timeout / 5, nil, nil, timeout, 0},
		{"takes a part", 0, nil, func(_, client net.Conn) {
			for range 3 {
				time.Sleep(timeout / 2)
				client.Read(make([]byte, 2))
			}
		}, timeout/2*3 + timeout, 6},
		{"earlier deadline of the server", 0, func(c net.Conn, now time.Time) {
			c.SetWriteDeadline(now.Add(time.Second))
		}, nil, time.Second, 0},
		{"earlier deadline for both directions", 0, func(c net.Conn, now time.Time) {
			c.SetDeadline(now.Add(time.Second))
		}, nil, time.Second, 0},
		{"later deadline of the server", 0, func(c net.Conn, now time.Time) {
			c.SetWriteDeadline(now.Add(time.Hour))
		}, nil, timeout, 0},
		{"deadline that has passed", 0, func(c net.Conn, now time.Time) {
			c.SetWriteDeadline(now.Add(-time.Second))
		}, nil, 0, 0},
		{"deadline taken back", 0, func(c net.Conn, now time.Time) {
			c.SetWriteDeadline(now.Add(time.Second))
			c.SetWriteDeadline(time.Time{})
		}, nil, timeout, 0},
		{"deadline set meanwhile", 0, nil, func(server, _ net.Conn) {
			time.Sleep(timeout / 2)
			server.SetWriteDeadline(time.Now().Add(time.Second))
		}, timeout/2 + time.Second, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := pipe(t)
				go io.CopyN(io.Discard, client, 5)
				if _, err := io.WriteString(server, "first"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(test.before)
				if test.set != nil {
					test.set(server, time.Now())
				}
				if test.during != nil {
					go test.during(server, client)
				}
				begin := time.Now()
				n, err := io.WriteString(server, "second write")
				// A write that waits looks four times within the timeout.
				took := time.Since(begin)
				if !errors.Is(err, os.ErrDeadlineExceeded) || n != test.bytes || took < test.want || took > test.want+timeout/4 {
					t.Errorf("%d bytes, %v after %v, want %d and a timeout after %v", n, err, took, test.bytes, test.want)
				}
			})
		})
	}
}

// After a stall, nothing more is written, whatever deadline is set: a half message
// would be followed by a whole one.
func TestWritesAfterAStallFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := pipe(t)
		io.WriteString(server, "stalled")
		server.SetWriteDeadline(time.Now().Add(time.Hour))
		go io.Copy(io.Discard, client)
		if n, err := io.WriteString(server, "late"); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d bytes, %v, want a timeout", n, err)
		}
	})
}

// A deadline that is set during a write does not end the limit.
func TestDeadlineDuringAWrite(t *testing.T) {
	t.Parallel()
	for _, deadline := range []time.Duration{time.Hour, 0} {
		synctest.Test(t, func(t *testing.T) {
			server, _ := pipe(t)
			start, failed := time.Now(), make(chan error, 1)
			go func() {
				_, err := io.WriteString(server, "x")
				failed <- err
			}()
			synctest.Wait()
			set := time.Time{}
			if deadline > 0 {
				set = start.Add(deadline)
			}
			server.SetWriteDeadline(set)
			if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) > 2*timeout {
				t.Errorf("deadline %v: %v after %v, want a timeout after %v", deadline, err, time.Since(start), timeout)
			}
		})
	}
}

func TestListenerWithoutTimeout(t *testing.T) {
	t.Parallel()
	conn, _ := net.Pipe()
	if got, _ := (stall.Limit{}).Listener(given{conn}).Accept(); got != conn {
		t.Errorf("Accept = %v, want the connection itself", got)
	}
}

// tcp returns the two ends of a TCP connection, the server's first.
func tcp(t *testing.T, timeout time.Duration) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = (stall.Limit{Timeout: timeout}).Listener(l).Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		client.Close()
	})
	return server, client
}

// net/http closes one direction first, so that the client can read the response.
func TestCloseWrite(t *testing.T) {
	t.Parallel()
	server, client := tcp(t, timeout)
	io.WriteString(server, "bye")
	if err := server.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(client); string(got) != "bye" || err != nil {
		t.Errorf("the client reads %q, %v, want %q and the end", got, err, "bye")
	}
	io.WriteString(client, "thanks")
	if n, err := io.ReadFull(server, make([]byte, 6)); n != 6 || err != nil {
		t.Errorf("the server reads %d bytes, %v, want 6", n, err)
	}
}
