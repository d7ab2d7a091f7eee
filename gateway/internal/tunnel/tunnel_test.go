package tunnel_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/tunnel"
)

// lent is a pool of buffers that counts those that are borrowed.
type lent struct {
	size     int
	borrowed atomic.Int32
}

func (l *lent) Get() []byte {
	l.borrowed.Add(1)
	return make([]byte, l.size)
}

func (l *lent) Put([]byte) { l.borrowed.Add(-1) }

// A rig is a tunnel between a visitor and a site.
type rig struct {
	visitor, site net.Conn
	buffers       *lent
	ended         chan struct{}
}

// newRig starts a tunnel over connections that connect makes, near and far end.
func newRig(t *testing.T, connect func(*testing.T) (near, far net.Conn), early ...string) *rig {
	t.Helper()
	r := &rig{buffers: &lent{size: 32 << 10}, ended: make(chan struct{})}
	tun := &tunnel.Tunnel{Buffers: r.buffers}
	for i, far := range []*net.Conn{&r.visitor, &r.site} {
		tun.Sides[i].ReadWriteCloser, *far = connect(t)
		if i < len(early) {
			tun.Sides[i].Early = []byte(early[i])
		}
	}
	t.Cleanup(func() {
		r.visitor.Close()
		r.site.Close()
		<-r.ended
	})
	tun.Start(func() { close(r.ended) }) // a second call would panic
	return r
}

// pipe has neither a file nor CloseWrite.
func pipe(*testing.T) (near, far net.Conn) { return net.Pipe() }

// socket returns a function that connects by the given network.
func socket(network, address string) func(*testing.T) (near, far net.Conn) {
	return func(t *testing.T) (near, far net.Conn) {
		t.Helper()
		at := address
		if network == "unix" {
			at = t.TempDir() + "/s"
		}
		l, err := net.Listen(network, at)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if far, err = net.Dial(network, l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if near, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		return near, far
	}
}

var connections = map[string]func(*testing.T) (near, far net.Conn){
	"tcp":     socket("tcp", "127.0.0.1:0"),
	"unix":    socket("unix", ""),
	"no file": pipe,
}

// Messages of all lengths arrive whole, in both directions at the same time.
func TestMessages(t *testing.T) {
	t.Parallel()
	for name, connect := range connections {
		r := newRig(t, connect)
		go io.Copy(r.site, r.site)
		for _, size := range []int{1, 2, 511, 512, 513, 1024, 32<<10 - 1, 32 << 10, 32<<10 + 1, 100_000} {
			sent := strings.Repeat("message ", size/8+1)[:size]
			go io.WriteString(r.visitor, sent)
			got := make([]byte, size)
			if _, err := io.ReadFull(r.visitor, got); err != nil || string(got) != sent {
				t.Fatalf("%s: %d bytes come back changed, or with %v", name, size, err)
			}
		}
	}
}

// What has come before the tunnel begins is passed on first.
func TestEarly(t *testing.T) {
	t.Parallel()
	for name, connect := range connections {
		r := newRig(t, connect, "from the visitor", "from the site")
		go io.WriteString(r.visitor, "!")
		go io.WriteString(r.site, "!")
		for far, want := range map[net.Conn]string{r.visitor: "from the site!", r.site: "from the visitor!"} {
			got := make([]byte, len(want))
			if _, err := io.ReadFull(far, got); string(got) != want {
				t.Errorf("%s: %q, %v, want %q", name, got, err, want)
			}
		}
	}
}

// The end of one direction is passed on, and the other goes on.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	for name, connect := range connections {
		if name == "no file" {
			continue // a pipe has no half
		}
		for _, first := range []string{"visitor", "site"} {
			r := newRig(t, connect)
			a, b := r.visitor, r.site
			if first == "site" {
				a, b = b, a
			}
			io.WriteString(a, "question")
			a.(interface{ CloseWrite() error }).CloseWrite()
			if got, err := io.ReadAll(b); string(got) != "question" || err != nil {
				t.Errorf("%s, %s first: %q, %v, want the question and the end", name, first, got, err)
			}
			io.WriteString(b, "answer")
			b.Close()
			if got, err := io.ReadAll(a); string(got) != "answer" || err != nil {
				t.Errorf("%s, %s first: %q, %v, want the answer and the end", name, first, got, err)
			}
			<-r.ended
		}
	}
}

// Without half a connection to close, the end of one is that of both.
func TestEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, pipe)
	r.visitor.Close()
	if n, err := r.site.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		t.Errorf("the site reads %d bytes, %v, want the end", n, err)
	}
	<-r.ended
}

// An error of one connection closes both.
func TestReset(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"visitor", "site"} {
		r := newRig(t, connections["tcp"])
		a, b := r.visitor, r.site
		if first == "site" {
			a, b = b, a
		}
		io.WriteString(a, "x")
		io.ReadFull(b, make([]byte, 1)) // both directions wait now
		a.(*net.TCPConn).SetLinger(0)   // a reset, not an end
		a.Close()
		if n, err := b.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("%s first: the other reads %d bytes, %v, want the end", first, n, err)
		}
		<-r.ended
	}
}

// A side that waits has borrowed no buffer, however long the messages were before.
func TestIdleHasNoBuffer(t *testing.T) {
	t.Parallel()
	for name, connect := range connections {
		for _, size := range []int{1, 100, 511, 513, 20_000, 32 << 10, 40_000} {
			r := newRig(t, connect)
			go r.site.Write(make([]byte, size))
			if _, err := io.ReadFull(r.visitor, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			for since := time.Now(); r.buffers.borrowed.Load() != 0; runtime.Gosched() {
				if time.Since(since) > 10*time.Second {
					t.Fatalf("%s: after %d bytes, a buffer stays borrowed", name, size)
				}
			}
			r.visitor.Close()
			r.site.Close()
			if <-r.ended; r.buffers.borrowed.Load() != 0 {
				t.Errorf("%s: after the end, a buffer stays borrowed", name)
			}
		}
	}
}

// failing is a side whose Write fails.
type failing struct{ net.Conn }

func (failing) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestWriteFails(t *testing.T) {
	t.Parallel()
	near, visitor := pipe(t)
	other, site := pipe(t)
	buffers, ended := &lent{size: 1024}, make(chan struct{})
	tun := &tunnel.Tunnel{Buffers: buffers}
	tun.Sides[0].ReadWriteCloser, tun.Sides[1].ReadWriteCloser = near, failing{other}
	tun.Start(func() { close(ended) })
	io.WriteString(visitor, "x")
	<-ended
	if _, err := site.Write([]byte("x")); err == nil {
		t.Error("the site's connection is open, want it closed")
	}
	if n := buffers.borrowed.Load(); n != 0 {
		t.Errorf("%d buffers are borrowed, want none", n)
	}
}

// panicking is a side of a tunnel whose Read panics.
type panicking struct {
	net.Conn
	closed atomic.Bool
}

func (p *panicking) Read([]byte) (int, error) { panic("planted") }

func (p *panicking) Close() error {
	p.closed.Store(true)
	return p.Conn.Close()
}

// A panic ends the tunnel, and not the process. It is logged.
func TestPanic(t *testing.T) {
	t.Parallel()
	for name, inEnd := range map[string]bool{"of a side": false, "at the end": true} {
		var log strings.Builder
		near, far := net.Pipe()
		broken := &panicking{Conn: near}
		other, site := net.Pipe()
		tun := &tunnel.Tunnel{Buffers: &lent{size: 10}, Logger: zerolog.New(&log)}
		tun.Sides[0].ReadWriteCloser, tun.Sides[1].ReadWriteCloser = broken, other
		ended := make(chan struct{})
		tun.Start(func() {
			defer close(ended)
			if inEnd {
				panic("planted")
			}
		})
		<-ended
		if _, err := site.Read(make([]byte, 1)); err != io.EOF || !broken.closed.Load() {
			t.Errorf("%s: the site reads %v, closed %t, want both sides closed", name, err, broken.closed.Load())
		}
		if !strings.Contains(log.String(), `"panic":"string"`) || strings.Contains(log.String(), "planted") {
			t.Errorf("%s: log %s, want the panic without its value", name, log.String())
		}
		far.Close()
	}
}
