package rawconn_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/gateway/rawconn"
)

// counted is a connection that counts its reads and the read deadlines set.
type counted struct {
	net.Conn
	reads, deadlines atomic.Int32
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Conn.Read(p)
}

func (c *counted) SetReadDeadline(t time.Time) error {
	c.deadlines.Add(1)
	return c.Conn.SetReadDeadline(t)
}

// served returns a connection without a file descriptor, its peer, and what it reads and
// writes.
func served(t *testing.T) (server *rawconn.ServerConn, client net.Conn, inner *counted) {
	t.Helper()
	accepted, client := net.Pipe()
	t.Cleanup(func() { accepted.Close(); client.Close() })
	inner = &counted{Conn: accepted}
	return rawconn.NewServer(inner), client, inner
}

// A read ends at the deadline that was set last, and not at one set before.
func TestServerDeadlines(t *testing.T) {
	t.Parallel()
	const past, none = -time.Minute, time.Duration(0)
	type deadlines []time.Duration // from when they are set
	for _, test := range []struct {
		name    string
		earlier time.Duration // deadline of a read before, which a byte ends
		passed  time.Duration // deadline of a read before, which it ends
		before  deadlines     // set before the read
		during  deadlines     // set while it waits
		want    time.Duration // from the last set; none: it has passed
	}{
		{"set", none, none, deadlines{time.Minute}, nil, time.Minute},
		{"set twice, the later last", none, none, deadlines{time.Minute, time.Hour}, nil, time.Hour},
		{"set twice, the earlier last", none, none, deadlines{time.Hour, time.Minute}, nil, time.Minute},
		{"taken back and set", none, none, deadlines{time.Hour, none, time.Minute}, nil, time.Minute},
		{"past", none, none, deadlines{past}, nil, none},
		{"past, then set", none, none, deadlines{past, time.Minute}, nil, time.Minute},
		{"after one that has passed", none, time.Second, deadlines{time.Minute}, nil, time.Minute},
		{"before one that stands", time.Hour, none, deadlines{time.Minute}, nil, time.Minute},
		{"after one that stands", time.Minute, none, deadlines{time.Hour}, nil, time.Hour},
		{"past while waiting", none, none, deadlines{time.Hour}, deadlines{past}, none},
		{"past while waiting without one", none, none, nil, deadlines{past}, none},
		{"earlier while waiting", none, none, deadlines{time.Hour}, deadlines{time.Minute}, time.Minute},
		{"later while waiting", none, none, deadlines{time.Minute}, deadlines{time.Hour}, time.Hour},
		{"past while waiting after none", none, none, deadlines{none}, deadlines{past}, none},
		{"set while waiting after none", none, none, deadlines{none}, deadlines{time.Minute}, time.Minute},
		{"another while waiting", none, none, deadlines{time.Minute}, deadlines{none, time.Hour}, time.Hour},
	} {
		for _, size := range []int{1, 2} {
			for _, waits := range []time.Duration{time.Millisecond, time.Second} {
				t.Run(fmt.Sprintf("%s, %d bytes, %v", test.name, size, waits), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						server, client, _ := served(t)
						set := func(deadlines ...time.Duration) {
							for _, after := range deadlines {
								var deadline time.Time
								if after != none {
									deadline = time.Now().Add(after)
								}
								if err := server.SetReadDeadline(deadline); err != nil {
									t.Error(err)
								}
							}
						}
						if test.earlier != none {
							set(test.earlier)
							go io.WriteString(client, "x")
							server.Read(make([]byte, 2))
						}
						if test.passed != none {
							set(test.passed)
							server.Read(make([]byte, 2))
						}
						set(test.before...)
						begin, want := time.Now(), test.want
						if test.during != nil {
							want += waits
							time.AfterFunc(waits, func() { set(test.during...) })
						}
						n, err := server.Read(make([]byte, size))
						if took := time.Since(begin); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
							t.Errorf("Read = %d, %v after %v, want a timeout after %v", n, err, took, want)
						}
						// Nothing is lost by it.
						set(none)
						go io.WriteString(client, "ok")
						got := make([]byte, 2)
						if _, err := io.ReadFull(server, got); string(got) != "ok" || err != nil {
							t.Errorf("then read %q, %v, want ok", got, err)
						}
					})
				})
			}
		}
	}
}

// A deadline that has passed once the server has set another does not end a read.
func TestServerReadGoesOn(t *testing.T) {
	t.Parallel()
	for _, second := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			server, client, _ := served(t)
			server.SetReadDeadline(time.Now().Add(time.Minute))
			go io.WriteString(client, "1")
			server.Read(make([]byte, 2))
			var deadline time.Time
			if second > 0 {
				deadline = time.Now().Add(second)
			}
			server.SetReadDeadline(deadline)
			go func() {
				time.Sleep(30 * time.Minute)
				io.WriteString(client, "2")
			}()
			if n, err := server.Read(make([]byte, 2)); n != 1 || err != nil {
				t.Errorf("deadline after %v: Read = %d, %v, want the byte that came after half of it", second, n, err)
			}
		})
	}
}

// The half dozen of deadlines of a request are not set, nor does the read that looks
// whether the client has left reach the connection, as long as nothing waits for long.
func TestServerRequestsAreCheap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client, inner := served(t)
		const requests = 100
		for i := range requests {
			server.SetReadDeadline(time.Now().Add(time.Minute))
			go io.WriteString(client, "GET")
			io.ReadFull(server, make([]byte, 3))
			server.SetReadDeadline(time.Now().Add(time.Second))
			server.SetReadDeadline(time.Time{})
			aborted := make(chan bool)
			read := func() {
				server.Read(make([]byte, 1))
				close(aborted)
			}
			if i%2 == 0 {
				go read()
				time.Sleep(time.Millisecond)
			}
			server.SetReadDeadline(time.Unix(1, 0))
			if i%2 == 1 { // the request has ended before
				go read()
			}
			<-aborted
			server.SetReadDeadline(time.Time{})
		}
		if reads, deadlines := inner.reads.Load(), inner.deadlines.Load(); reads != requests || deadlines != 1 {
			t.Errorf("%d reads and %d deadlines for %d requests, want one each, and one deadline", reads, deadlines, requests)
		}
	})
}

// A read of one byte sees what comes, and ends with the connection. Only the one that
// looks whether the client has left may be a little late: a frame of HTTP/2 may well have
// one byte, and other requests are behind it.
func TestServerReadsAByte(t *testing.T) {
	t.Parallel()
	const late = 50 * time.Millisecond
	type connection = *rawconn.ServerConn
	takeBack := func(c connection) { c.SetReadDeadline(time.Time{}) }
	befores := []struct {
		name string
		do   func(server connection, client net.Conn)
		size int
		late time.Duration // at most
	}{
		{"nothing", func(connection, net.Conn) {}, 1, 0},
		{"no deadline", func(c connection, _ net.Conn) { takeBack(c) }, 1, late},
		{"no deadline", func(c connection, _ net.Conn) { takeBack(c) }, 2, 0},
		{"a deadline", func(c connection, _ net.Conn) { takeBack(c); c.SetReadDeadline(time.Now().Add(time.Hour)) }, 1, 0},
		{"a read", func(c connection, client net.Conn) {
			takeBack(c)
			go io.WriteString(client, "x")
			c.Read(make([]byte, 2))
		}, 1, 0},
		{"a read of a byte", func(c connection, client net.Conn) {
			takeBack(c)
			go io.WriteString(client, "x")
			c.Read(make([]byte, 1))
		}, 1, 0},
	}
	for _, test := range []struct {
		name string
		come func(server, client net.Conn)
		n    int
		is   error
	}{
		{"a byte", func(_, client net.Conn) { io.WriteString(client, "x") }, 1, nil},
		{"the end", func(_, client net.Conn) { client.Close() }, 0, io.EOF},
	} {
		for _, before := range befores {
			for _, after := range []time.Duration{0, time.Millisecond, time.Minute} {
				synctest.Test(t, func(t *testing.T) {
					server, client, _ := served(t)
					before.do(server, client)
					begin := time.Now()
					time.AfterFunc(after, func() { test.come(server, client) })
					n, err := server.Read(make([]byte, before.size))
					if took := time.Since(begin); n != test.n || !errors.Is(err, test.is) || took > after+before.late {
						t.Errorf("%s after %v, before it %s: Read = %d, %v after %v, want %d, %v",
							test.name, after, before.name, n, err, took, test.n, test.is)
					}
				})
			}
		}
	}
}

// A deadline in the past, or Close, ends at once a read of one byte, be it before, at
// once, or after it looks at the connection.
func TestServerEndsAReadOfAByte(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, time.Millisecond, time.Minute} {
		for name, end := range map[string]func(net.Conn){
			"Close":    func(c net.Conn) { c.Close() },
			"deadline": func(c net.Conn) { c.SetDeadline(time.Unix(1, 0)) },
		} {
			synctest.Test(t, func(t *testing.T) {
				server, _, _ := served(t)
				server.SetReadDeadline(time.Time{})
				begin := time.Now()
				if after == 0 {
					end(server)
				} else {
					time.AfterFunc(after, func() { end(server) })
				}
				n, err := server.Read(make([]byte, 1))
				var is bool
				if name == "Close" {
					is = errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) // of net.Pipe
				} else {
					is = errors.Is(err, os.ErrDeadlineExceeded)
				}
				if took := time.Since(begin); n != 0 || !is || took != after {
					t.Errorf("%s after %v: Read = %d, %v after %v, want its error then", name, after, n, err, took)
				}
				if err := server.SetReadDeadline(time.Time{}); (name == "Close") != errors.Is(err, net.ErrClosed) {
					t.Errorf("SetReadDeadline after %s: %v", name, err)
				}
			})
		}
	}
}

// Of many reads of a byte at once, none is forgotten.
func TestServerReadsBytesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _, _ := served(t)
		server.SetReadDeadline(time.Time{})
		ended := make(chan error)
		for range 5 {
			go func() {
				_, err := server.Read(make([]byte, 1))
				ended <- err
			}()
		}
		time.Sleep(time.Millisecond)
		server.SetDeadline(time.Unix(1, 0))
		for range 5 {
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%v, want a timeout", err)
			}
		}
	})
}

// Who waits on the file descriptor is ended by each deadline.
func TestServerSyscallConn(t *testing.T) {
	bothNetworks(t, func(t *testing.T, network string) {
		conn, _ := pair(t, network)
		for _, before := range []bool{true, false} {
			server := rawconn.NewServer(conn.Conn)
			if before {
				server.SetReadDeadline(time.Unix(1, 0))
			}
			raw, err := server.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			if !before {
				server.SetReadDeadline(time.Unix(1, 0))
			}
			if err := raw.Read(func(uintptr) bool { return false }); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("set before: %t: %v, want a timeout", before, err)
			}
		}
	})
	server, _, _ := served(t)
	if _, err := server.SyscallConn(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without a file descriptor: %v, want %v", err, errors.ErrUnsupported)
	}
	var _ syscall.Conn = server
}

// servers is a listener of ServerConns.
type servers struct{ net.Listener }

func (l servers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return rawconn.NewServer(c), nil
}

// net/http answers on such connections: one request after the other, several at once, and
// those whose client leaves.
func TestServerServes(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan bool, 1)
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		IdleTimeout:       time.Hour,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				<-r.Context().Done()
				left <- true
				return
			}
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s%s", r.URL.Path, body)
		}),
	}
	go server.Serve(servers{l})
	t.Cleanup(func() { server.Close() })
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const get, post = "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
	in := bufio.NewReader(client)
	answer := func(want string) {
		t.Helper()
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != want || err != nil {
			t.Fatalf("body %q, %v, want %q", body, err, want)
		}
	}
	for i := range 1000 {
		fmt.Fprintf(client, get, i)
		answer(fmt.Sprintf("/%d", i))
		fmt.Fprintf(client, post, i)
		answer(fmt.Sprintf("/%dbody", i))
	}
	for i := range 100 {
		fmt.Fprintf(client, get+post+get, i, i+1, i+2)
		answer(fmt.Sprintf("/%d", i))
		answer(fmt.Sprintf("/%dbody", i+1))
		answer(fmt.Sprintf("/%d", i+2))
	}
	io.WriteString(client, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
	client.Close()
	<-left
}
