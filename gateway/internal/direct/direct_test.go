package direct_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/direct"
)

// get sends a GET and returns the body of its response.
func get(ctx context.Context, t testing.TB, transport http.RoundTripper) (string, error) {
	t.Helper()
	res, err := send(ctx, transport, http.MethodGet, nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

func send(ctx context.Context, transport http.RoundTripper, method string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://h5.example.com/", body)
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(r)
}

// A peer is the upstream's side of the connections of a transport.
type peer struct {
	transport *direct.Transport
	accepted  chan *peerConn
	dialled   atomic.Int32
}

type peerConn struct {
	net.Conn
	requests *bufio.Reader
}

// newPeer returns a peer whose connections the test itself answers.
func newPeer(t *testing.T, timeout time.Duration) *peer {
	t.Helper()
	p := &peer{accepted: make(chan *peerConn)}
	ctx := t.Context()
	address := listen(t, "tcp", loopback, func(c net.Conn) {
		select {
		case p.accepted <- &peerConn{c, bufio.NewReader(c)}:
		case <-ctx.Done():
		}
	})
	p.transport = direct.New(direct.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			p.dialled.Add(1)
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		HeaderTimeout: timeout,
	})
	t.Cleanup(p.transport.CloseIdleConnections)
	return p
}

// start sends a GET, whose end the returned function awaits.
func (p *peer) start(ctx context.Context, t *testing.T) func() (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := get(ctx, t, p.transport)
		done <- result{text, err}
	}()
	return func() (string, error) {
		r := <-done
		return r.text, r.err
	}
}

// used returns the one connection of the transport, after a request on it.
func (p *peer) used(t *testing.T) *peerConn {
	t.Helper()
	end := p.start(t.Context(), t)
	c := <-p.accepted
	c.request(t)
	answer(t, c, whole)
	if text, err := end(); text != "hello" || err != nil {
		t.Fatalf("first response: %q, %v", text, err)
	}
	return c
}

// request reads the next request of a connection.
func (c *peerConn) request(t *testing.T) {
	t.Helper()
	if _, err := http.ReadRequest(c.requests); err != nil {
		t.Fatalf("the upstream reads a request: %v", err)
	}
}

// ended waits until the transport has closed the connection.
func (c *peerConn) ended(t *testing.T) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.requests.Read(make([]byte, 1)); n > 0 || errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		t.Errorf("the upstream reads %d bytes, %v; want the end of the connection", n, err)
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

func answer(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("the upstream answers: %v", err)
	}
}

// One connection serves request after request.
func TestReuse(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	var c *peerConn
	for i := range 3 {
		end := p.start(t.Context(), t)
		if i == 0 {
			c = <-p.accepted
		}
		c.request(t)
		answer(t, c, whole)
		if text, err := end(); text != "hello" || err != nil {
			t.Errorf("response %d: %q, %v", i+1, text, err)
		}
	}
	if n := p.dialled.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	p.transport.CloseIdleConnections()
	c.ended(t)
}

// What comes on an idle connection is the answer to no request.
func TestUnaskedAnswer(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{"an answer": page + "Content-Length: 4\r\n\r\nevil", "a byte": "H"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, time.Minute)
			first := p.used(t)
			answer(t, first, more)
			end := p.start(t.Context(), t)
			second := <-p.accepted
			second.request(t)
			answer(t, second, whole)
			if text, err := end(); text != "hello" || err != nil {
				t.Errorf("second response: %q, %v; want the answer to it", text, err)
			}
			first.ended(t)
		})
	}
}

// A connection that the upstream has closed costs no request.
func TestClosedWhileIdle(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	first := p.used(t)
	first.Close()
	end := p.start(t.Context(), t)
	second := <-p.accepted
	second.request(t)
	answer(t, second, whole)
	if text, err := end(); text != "hello" || err != nil {
		t.Errorf("second response: %q, %v", text, err)
	}
}

// A request on a connection that the upstream closes meanwhile is sent again, once,
// unless it may have changed something.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method  string
		partial string // of the answer on the used connection
		want    int32  // connections
	}{
		{http.MethodGet, "", 2},
		{http.MethodHead, "", 2},
		{http.MethodOptions, "", 2},
		{http.MethodDelete, "", 1},
		{http.MethodGet, "HTTP/1.1 200 OK\r\n", 1},
		{http.MethodGet, "H", 1},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.partial, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, time.Minute)
			first := p.used(t)
			failed := make(chan error, 1)
			go func() {
				res, err := send(t.Context(), p.transport, tt.method, nil)
				if err == nil {
					res.Body.Close()
				}
				failed <- err
			}()
			first.request(t)
			answer(t, first, tt.partial)
			first.Close()
			if tt.want == 2 {
				second := <-p.accepted
				second.request(t)
				second.Close() // and again: that is the end
			}
			if err := <-failed; err == nil {
				t.Error("no error, want that of the last connection")
			}
			if n := p.dialled.Load(); n != tt.want {
				t.Errorf("%d connections, want %d", n, tt.want)
			}
		})
	}
}

// When a visitor leaves, the connection ends, before an answer and in the midst of one.
func TestVisitorLeaves(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{
		"before the answer": "",
		"in the header":     "HTTP/1.1 200 OK\r\nX-A",
		"in the body":       page + "Content-Length: 9\r\n\r\nhello",
		"in a chunk":        page + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, time.Minute)
			left := errors.New("the visitor has left")
			ctx, leave := context.WithCancelCause(t.Context())
			end := p.start(ctx, t)
			c := <-p.accepted
			c.request(t)
			answer(t, c, part)
			leave(left)
			if _, err := end(); !errors.Is(err, left) {
				t.Errorf("error %v, want the cause of the context", err)
			}
			c.ended(t)
		})
	}
}

// A connection ends with a response after which it is not known what comes next.
func TestConnectionEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer string
		read   int // bytes before Close; -1: all
	}{
		"nothing is read":    {whole, 0},
		"a part is read":     {page + "Content-Length: 9\r\n\r\nhello", 5},
		"it says so":         {page + "Connection: close\r\nContent-Length: 5\r\n\r\nhello", -1},
		"surplus":            {whole + "x", -1},
		"surplus of nothing": {"HTTP/1.1 204 No Content\r\n\r\nx", -1},
		"body announced":     {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", -1},
		"chunks announced":   {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", -1},
		"invalid chunk":      {page + "Transfer-Encoding: chunked\r\n\r\nz\r\n", -1},
		"invalid status":     {"HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n", -1},
		"unasked upgrade":    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, time.Minute)
			go func() {
				res, err := send(t.Context(), p.transport, http.MethodGet, nil)
				if err != nil {
					return
				}
				if tt.read < 0 {
					io.ReadAll(res.Body)
				} else {
					io.ReadFull(res.Body, make([]byte, tt.read))
				}
				res.Body.Close()
				if n, err := res.Body.Read(make([]byte, 1)); n > 0 || err == nil {
					t.Errorf("a closed body gives %d bytes, %v", n, err)
				}
			}()
			c := <-p.accepted
			c.request(t)
			answer(t, c, tt.answer)
			c.ended(t)
		})
	}
}

// The wait for a header has a limit, and that for a body has none.
func TestHeaderTimeout(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{
		"silence": "", "half a header": "HTTP/1.1 200 OK\r\n", "interim": "HTTP/1.1 103 Early Hints\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, 50*time.Millisecond)
			end := p.start(t.Context(), t)
			c := <-p.accepted
			c.request(t)
			answer(t, c, part)
			if _, err := end(); !isTimeout(err) {
				t.Errorf("error %v, want a timeout", err)
			}
			c.ended(t)
		})
	}
	t.Run("slow body", func(t *testing.T) {
		t.Parallel()
		p := newPeer(t, 50*time.Millisecond)
		end := p.start(t.Context(), t)
		c := <-p.accepted
		c.request(t)
		answer(t, c, page+"Content-Length: 5\r\n\r\nhe")
		<-time.After(100 * time.Millisecond) // there is no other sign that a deadline did not come
		answer(t, c, "llo")
		if text, err := end(); text != "hello" || err != nil {
			t.Errorf("response: %q, %v", text, err)
		}
	})
}

// A header may have 10 MiB, like http.Transport's.
func TestLongHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mebibytes int
		fails     bool
	}{{9, false}, {11, true}} {
		p := newPeer(t, time.Minute)
		end := p.start(t.Context(), t)
		c := <-p.accepted
		c.request(t)
		line := "X-A: " + strings.Repeat("a", 1<<10-7) + "\r\n"
		io.WriteString(c, page+strings.Repeat(line, tt.mebibytes<<10)+"Content-Length: 5\r\n\r\nhello")
		if text, err := end(); (err != nil) != tt.fails {
			t.Errorf("header of %d MiB: %q, %v", tt.mebibytes, text, err)
		}
		c.Close()
	}
}

// An upstream that refuses a request before it has read it is heard.
func TestAnswerBeforeEnd(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	done := make(chan int, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h5.example.com/", nil)
		if err != nil {
			panic(err) // the test's own mistake
		}
		r.Header.Set("X-Long", strings.Repeat("a", 16<<20))
		res, err := p.transport.RoundTrip(r)
		if err != nil {
			t.Errorf("error %v, want the answer", err)
			done <- 0
			return
		}
		res.Body.Close()
		done <- res.StatusCode
	}()
	c := <-p.accepted
	if _, err := c.requests.ReadByte(); err != nil {
		t.Fatal(err)
	}
	answer(t, c, "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	c.Close()
	if status := <-done; status != 431 {
		t.Errorf("status %d, want 431", status)
	}
}

// The end of a body stays its end.
func TestReadAfterEnd(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, err := send(t.Context(), p.transport, http.MethodGet, nil)
		if err != nil {
			t.Error(err)
			return
		}
		io.ReadAll(res.Body)
		if n, err := res.Body.Read(make([]byte, 1)); n > 0 || err != io.EOF {
			t.Errorf("after the end: %d bytes, %v, want the end again", n, err)
		}
		res.Body.Close()
		if n, err := res.Body.Read(make([]byte, 1)); n > 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("after Close: %d bytes, %v", n, err)
		}
	}()
	c := <-p.accepted
	c.request(t)
	answer(t, c, whole)
	<-done
}

// A visitor who has left costs no connection.
func TestLeftBefore(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	c := p.used(t)
	ctx, leave := context.WithCancelCause(t.Context())
	left := errors.New("the visitor has left")
	leave(left)
	if _, err := get(ctx, t, p.transport); !errors.Is(err, left) {
		t.Errorf("error %v, want the cause of the context", err)
	}
	end := p.start(t.Context(), t)
	c.request(t)
	answer(t, c, whole)
	if text, err := end(); text != "hello" || err != nil || p.dialled.Load() != 1 {
		t.Errorf("response %q, %v, over %d connections; want the first connection", text, err, p.dialled.Load())
	}
}

// After CloseIdleConnections, the connection of a request that was under way ends with it.
func TestCloseBesideRequest(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	end := p.start(t.Context(), t)
	c := <-p.accepted
	c.request(t)
	p.transport.CloseIdleConnections()
	answer(t, c, whole)
	if text, err := end(); text != "hello" || err != nil {
		t.Errorf("response %q, %v", text, err)
	}
	c.ended(t)
}

// hooked is a connection that does something before it writes.
type hooked struct {
	*net.UnixConn
	before func()
}

func (h *hooked) Write(p []byte) (int, error) {
	h.before()
	return h.UnixConn.Write(p)
}

func (h *hooked) SyscallConn() (syscall.RawConn, error) {
	raw, err := h.UnixConn.SyscallConn()
	return hookedRaw{raw, h.before}, err
}

type hookedRaw struct {
	syscall.RawConn
	before func()
}

func (h hookedRaw) Write(f func(uintptr) bool) error {
	h.before()
	return h.RawConn.Write(f)
}

// Bytes that come before any of a request has left are no answer to it. The request is
// too long to be written at once.
func TestAnswerToNothing(t *testing.T) {
	t.Parallel()
	accepted := make(chan *peerConn, 2)
	address := listen(t, "unix", filepath.Join(t.TempDir(), "s"), func(c net.Conn) {
		accepted <- &peerConn{c, bufio.NewReader(c)}
	})
	var first *peerConn
	reused := false
	transport := direct.New(direct.Config{Dial: func(ctx context.Context) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "unix", address)
		if err != nil {
			return nil, err
		}
		return &hooked{c.(*net.UnixConn), func() {
			if reused {
				reused = false
				answer(t, first, page+"Content-Length: 4\r\n\r\nevil")
				first.Close()
			}
		}}, nil
	}})
	defer transport.CloseIdleConnections()
	for i := range 2 {
		reused = i == 1
		done := make(chan struct{})
		go func() {
			defer close(done)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://h5.example.com/", nil)
			r.Header.Set("Referer", strings.Repeat("x", 5000))
			res, err := transport.RoundTrip(r)
			if err != nil {
				t.Errorf("response %d: %v", i+1, err)
				return
			}
			if text, err := io.ReadAll(res.Body); string(text) != "hello" || err != nil {
				t.Errorf("response %d: %q, %v", i+1, text, err)
			}
		}()
		select {
		case c := <-accepted:
			c.request(t)
			first = cmp.Or(first, c)
			answer(t, c, whole)
		case <-done:
		}
		<-done
	}
	if reused {
		t.Error("the second request was not written to the first connection")
	}
}

// marked answers requests that a Transport does not take itself.
type marked struct{}

var errMarked = errors.New("sent by the other transport")

func (marked) RoundTrip(*http.Request) (*http.Response, error) { return nil, errMarked }

// Requests that need more than a connection go to the other transport.
func TestOthers(t *testing.T) {
	t.Parallel()
	dialled := errors.New("dialled")
	transport := direct.New(direct.Config{
		Dial:   func(context.Context) (net.Conn, error) { return nil, dialled },
		Others: marked{},
	})
	tests := []struct {
		name   string
		method string
		change func(*http.Request)
		want   error
	}{
		{"GET", "GET", func(*http.Request) {}, dialled},
		{"HEAD", "HEAD", func(*http.Request) {}, dialled},
		{"OPTIONS", "OPTIONS", func(*http.Request) {}, dialled},
		{"DELETE", "DELETE", func(*http.Request) {}, dialled},
		{"no body", "GET", func(r *http.Request) { r.Body = http.NoBody }, dialled},
		{"POST", "POST", func(*http.Request) {}, errMarked},
		{"TRACE", "TRACE", func(*http.Request) {}, errMarked},
		{"lower case", "get", func(*http.Request) {}, errMarked},
		{"body", "GET", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("")) }, errMarked},
		{"length", "DELETE", func(r *http.Request) { r.ContentLength = 2 }, errMarked},
		{"https", "GET", func(r *http.Request) { r.URL.Scheme = "https" }, errMarked},
		{"no host", "GET", func(r *http.Request) { r.URL.Host = "" }, errMarked},
		{"close", "GET", func(r *http.Request) { r.Close = true }, errMarked},
		{"upgrade", "GET", switching("Upgrade"), dialled},
		{"upgrade of no GET", "HEAD", switching("Upgrade"), errMarked},
		{"upgrade and more", "GET", switching("Upgrade, close"), errMarked},
		{"two upgrades", "GET", func(r *http.Request) {
			switching("Upgrade")(r)
			r.Header.Add("Upgrade", "h2c")
		}, errMarked},
		{"upgrade without a connection", "GET", func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }, errMarked},
		{"connection", "GET", func(r *http.Request) { r.Header.Set("Connection", "upgrade") }, errMarked},
		{"expect", "GET", func(r *http.Request) { r.Header.Set("Expect", "100-continue") }, errMarked},
		{"TE", "GET", func(r *http.Request) { r.Header.Set("TE", "trailers") }, dialled},
		{"trailer", "GET", func(r *http.Request) { r.Trailer = http.Header{"X-A": nil} }, errMarked},
		{"encoding", "GET", func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, errMarked},
		{"invalid name", "GET", func(r *http.Request) { r.Header["X A"] = []string{"1"} }, errMarked},
		{"invalid value", "GET", func(r *http.Request) { r.Header["X-A"] = []string{"1\r\nX-B: 2"} }, errMarked},
	}
	for _, tt := range tests {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, "http://h5.example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		tt.change(r)
		if _, err := transport.RoundTrip(r); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
