package upgrade_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/internal/upgrade"
)

// The parts of what a site sends.
const (
	response  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
	text      = "\x81\x05hello"
	empty     = "\x82\x00"
	first     = "\x01\x03hel" // of two fragments
	closing   = "\x88\x02\x03\xe8"
	goingAway = "\x88\x02\x03\xe9" // the gateway's close frame, 1001
)

// long is a frame whose length takes two bytes, longest one whose length takes eight.
var (
	long    = "\x82\x7e\x01\x00" + strings.Repeat("x", 256)
	longest = "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + strings.Repeat("x", 65536)
)

// A hijacker is the ResponseWriter of a request on a connection.
type hijacker struct {
	http.ResponseWriter
	conn  net.Conn
	err   error
	begin func() // called when the handler takes the connection over
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if h.begin != nil {
		h.begin()
	}
	if h.err != nil {
		return nil, nil, h.err
	}
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// A rig is a set with one connection.
type rig struct {
	set    *upgrade.Set
	gauge  prometheus.Gauge
	conn   *upgrade.Conn
	rw     *bufio.ReadWriter
	client net.Conn
}

func newSet() (*upgrade.Set, prometheus.Gauge) {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "open"})
	return upgrade.New(gauge), gauge
}

// newRig returns a set with one connection, whose response was written already or
// not.
func newRig(t testing.TB, switched bool) *rig {
	t.Helper()
	set, gauge := newSet()
	client, server := net.Pipe()
	conn, rw, err := set.Hijack(&hijacker{conn: server}, switched)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{set, gauge, conn, rw, client}
}

// read returns a channel that gets all that the client receives.
func (r *rig) read() <-chan string {
	all := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(r.client)
		all <- string(data)
	}()
	return all
}

// end ends the connection as a handler does that returns.
func (r *rig) end() {
	r.conn.Close()
	r.conn.Returned()
}

func value(t testing.TB, g prometheus.Gauge) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(g)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families[0].GetMetric()[0].GetGauge().GetValue()
}

// expired returns a context that has ended.
func expired(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Shutdown closes a WebSocket between two frames: the client never sees the close
// frame inside another one, after another one, or on a connection that is none.
func TestShutdownSendsCloseFrame(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		before, after string // what the site sends before and after the shutdown begins
		want          string // what the client gets
	}{
		{"idle", response, "", response + goingAway},
		{"after frames", response + text + long + empty, "", response + text + long + empty + goingAway},
		{"a site that goes on", response + text, text + text, response + text + goingAway},
		{"between fragments", response + first, "\x80\x02lo", response + first + goingAway},
		{"in a header", response + "\x81", "\x05hello" + text, response + text + goingAway},
		{"in a length", response + long[:3], long[3:] + text, response + long + goingAway},
		{"in a long length", response + longest[:5], longest[5:] + text, response + longest + goingAway},
		{"in a payload", response + long[:100], long[100:] + text, response + long + goingAway},
		{"a frame that does not end", response + long[:100], "", response + long[:100]},
		{"in the response", response[:40], response[40:] + text, response + goingAway},
		{"at the end of the response", response[:len(response)-1], "\n" + text, response + goingAway},
		{"closed by the site", response + text + closing, "", response + text + closing},
		{"the site closes now", response + text + closing[:3], closing[3:] + text, response + text + closing},
		{"masked, against the rules", response + "\x81\x85abcdhel", "lo" + text, response + "\x81\x85abcdhello" + goingAway},
		{"no WebSocket", "HTTP/1.1 200 OK\r\n\r\n" + text, text, "HTTP/1.1 200 OK\r\n\r\n" + text + text},
		{"refused", "HTTP/1.1 400 Bad Request\r\n\r\n", "", "HTTP/1.1 400 Bad Request\r\n\r\n"},
		{"no HTTP", "SSH-2.0-x 101\r\n\r\n", "", "SSH-2.0-x 101\r\n\r\n"},
		{"nothing", "", "", ""},
	} {
		for _, size := range []int{1, 7, 1 << 20} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, false)
				received := r.read()
				write(t, r.conn, tt.before, size)
				ended := make(chan error, 1)
				began := time.Now()
				go func() { ended <- r.set.Shutdown(expired(t)) }()
				synctest.Wait() // until it waits for the client
				write(t, r.conn, tt.after, size)
				if got := <-received; got != tt.want {
					t.Errorf("%s, %d bytes at once: the client gets\n%q, want\n%q", tt.name, size, got, tt.want)
				}
				r.end()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("%s: Shutdown = %v, want the error of the context", tt.name, err)
				}
				if took := time.Since(began); took != time.Second {
					t.Errorf("%s: Shutdown took %v, want the second that clients have", tt.name, took)
				}
			})
		}
	}
}

// write sends text in pieces of a size.
func write(t testing.TB, w io.Writer, text string, size int) {
	t.Helper()
	for len(text) > 0 {
		n := min(size, len(text))
		if written, err := io.WriteString(w, text[:n]); err != nil || written != n {
			t.Fatalf("Write = %d, %v, want %d", written, err, n)
		}
		text = text[n:]
	}
}

// A handler may write the response before it takes the connection over.
func TestSwitchedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, true)
		received := r.read()
		r.rw.WriteString(text)
		r.rw.Flush() // through the writer that net/http returns, too
		go r.set.Shutdown(expired(t))
		if got := <-received; got != text+goingAway {
			t.Errorf("the client gets %q, want %q", got, text+goingAway)
		}
		r.end()
	})
}

// Shutdown ends with the last connection, which is closed and whose handler has
// returned. It sends nothing then.
func TestShutdownWaits(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"closed first", "returned first"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, true)
			received := r.read()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			ended := make(chan error, 1)
			go func() { ended <- r.set.Shutdown(ctx) }()
			steps := []func(){func() { r.conn.Close() }, r.conn.Returned}
			if order == "returned first" {
				steps[0], steps[1] = steps[1], steps[0]
			}
			for _, step := range steps {
				time.Sleep(10 * time.Second)
				select {
				case err := <-ended:
					t.Fatalf("%s: Shutdown = %v before the connection has ended", order, err)
				default:
				}
				step()
			}
			if err := <-ended; err != nil || time.Since(began) != 20*time.Second {
				t.Errorf("%s: Shutdown = %v after %v, want no error after 20s", order, err, time.Since(began))
			}
			if got := <-received; got != "" {
				t.Errorf("%s: the client gets %q, want nothing", order, got)
			}
		})
	}
}

// A client that answers the close frame ends the shutdown, one that takes no data
// does not hold it up.
func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		client func(*rig)
		took   time.Duration
	}{
		{"answers", func(r *rig) {
			io.ReadFull(r.client, make([]byte, len(goingAway)))
			r.end()
		}, 0},
		{"stalls", func(*rig) {}, time.Second + time.Second},
		{"stalls in a frame of the site", func(r *rig) { r.conn.Write([]byte(text)) }, time.Second + time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, true)
			go tt.client(r)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			if err := r.set.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: Shutdown = %v, want the error of the context", tt.name, err)
			}
			if took := time.Since(began) - time.Minute; took != tt.took {
				t.Errorf("%s: Shutdown took %v after its timeout, want %v", tt.name, took, tt.took)
			}
			synctest.Wait()
			r.end()
		})
	}
}

func TestHijackBesideShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set, gauge := newSet()
		client, server := net.Pipe()
		h := &hijacker{conn: server, begin: func() {
			// Not in the server's hands any more, and not yet in the handler's.
			if err := set.Shutdown(expired(t)); err != nil {
				t.Errorf("Shutdown = %v, want none: it closed no connection", err)
			}
		}}
		if _, _, err := set.Hijack(h, true); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Hijack during Shutdown = %v, want %v", err, http.ErrServerClosed)
		}
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the client reads %v, want the end", err)
		}
		for _, switched := range []bool{false, true} {
			client, h.conn = net.Pipe()
			taken := false
			h.begin = func() { taken = true }
			if _, _, err := set.Hijack(h, switched); !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("Hijack after Shutdown = %v, want %v", err, http.ErrServerClosed)
			}
			if taken != switched {
				t.Errorf("a connection on which 101 was sent, %t, is taken over: %t, want the same", switched, taken)
			}
			if !switched {
				continue
			}
			if _, err := client.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the client reads %v, want the end", err)
			}
		}
		if err := set.Shutdown(t.Context()); err != nil || value(t, gauge) != 0 {
			t.Errorf("Shutdown = %v with %v open, want nothing left", err, value(t, gauge))
		}
	})
}

// A connection that cannot be taken over is not waited for.
func TestHijackFails(t *testing.T) {
	t.Parallel()
	set, _ := newSet()
	if _, _, err := set.Hijack(&hijacker{err: http.ErrNotSupported}, false); !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("Hijack = %v, want %v", err, http.ErrNotSupported)
	}
	if err := set.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}

func TestGauge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, false)
		r.read()
		want := func(when string, n float64) {
			if got := value(t, r.gauge); got != n {
				t.Errorf("%s: %v WebSockets open, want %v", when, got, n)
			}
		}
		want("taken over", 0)
		write(t, r.conn, response, 10)
		want("upgraded", 1)
		write(t, r.conn, text, 10)
		want("after a frame", 1)
		r.conn.Returned()
		want("handler returned", 1)
		r.conn.Close()
		want("closed", 0)
		r.conn.Close()
		want("closed again", 0)
	})
}

// Many connections at once, some of which end by themselves.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	set, gauge := newSet()
	var all sync.WaitGroup
	for n := range 200 {
		client, server := net.Pipe()
		conn, _, err := set.Hijack(&hijacker{conn: server}, true)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer conn.Returned()
			defer conn.Close()
			for range n {
				if _, err := conn.Write([]byte(text)); err != nil {
					return
				}
			}
		})
		all.Go(func() { io.Copy(io.Discard, client) })
	}
	err := set.Shutdown(expired(t))
	all.Wait()
	if open := value(t, gauge); open != 0 {
		t.Errorf("Shutdown = %v, and %v WebSockets are open", err, open)
	}
}

// holding is a connection that may hold back what it has read.
type holding struct{ *net.TCPConn }

// frank is one that says that it does not.
type frank struct{ holding }

func (frank) Unbuffered() {}

// The file descriptor of a connection is read only if nothing is held back.
func TestSyscallConn(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	tcp := dialled.(*net.TCPConn)
	for _, tt := range []struct {
		conn net.Conn
		want bool
	}{{tcp, true}, {holding{tcp}, false}, {frank{holding{tcp}}, true}} {
		if raw, err := (&upgrade.Conn{Conn: tt.conn}).SyscallConn(); (raw != nil && err == nil) != tt.want {
			t.Errorf("%T: SyscallConn = %v, %v, want one: %t", tt.conn, raw, err, tt.want)
		}
	}
}
