package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// refusing is a connection to a server that closes it while the body is written. What
// it has sent is read a second later.
type refusing struct {
	net.Conn // nil
	answer   *strings.Reader
	cause    error // of the failed Write
	closed   chan struct{}
}

func (c *refusing) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "POST") {
		return len(p), nil
	}
	return 0, &net.OpError{Op: "write", Err: c.cause}
}

func (c *refusing) Read(p []byte) (int, error) {
	var sent <-chan time.Time // never
	switch {
	case c.answer == nil:
	case c.answer.Len() == 0:
		return 0, io.EOF
	default:
		sent = time.After(time.Second)
	}
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	case <-sent:
		return c.answer.Read(p)
	}
}

func (c *refusing) Close() error {
	close(c.closed)
	return nil
}

func TestAnswerBeforeWriteError(t *testing.T) {
	t.Parallel()
	const tooLarge = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo large"
	tests := []struct {
		name   string
		answer string // "-": the connection stays silent
		cause  error
		status int // 0: an error
		after  time.Duration
	}{
		{"broken pipe", tooLarge, syscall.EPIPE, 413, time.Second},
		{"reset", tooLarge, syscall.ECONNRESET, 413, time.Second},
		{"no answer", "", syscall.EPIPE, 0, 0},
		{"incomplete answer", "HTTP/1.1 413", syscall.EPIPE, 0, time.Second},
		{"silence", "-", syscall.EPIPE, 0, answerWait},
		{"another error", tooLarge, syscall.EHOSTUNREACH, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &refusing{cause: tt.cause, closed: make(chan struct{})}
				if tt.answer != "-" {
					server.answer = strings.NewReader(tt.answer)
				}
				transport := NewTransport(time.Minute)
				transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
					return AnswerFirst(server), nil
				}
				body := strings.NewReader(strings.Repeat("x", 1<<20))
				r, err := http.NewRequestWithContext(t.Context(), "POST", "http://site.example/", io.NopCloser(body))
				if err != nil {
					t.Fatal(err)
				}
				start, status, got := time.Now(), 0, ""
				res, err := transport.RoundTrip(r)
				after := time.Since(start)
				if err == nil {
					text, err := io.ReadAll(res.Body)
					if err != nil {
						t.Errorf("read answer: %v", err)
					}
					status, got = res.StatusCode, string(text)
				}
				if status != tt.status || after != tt.after || status == 413 && got != "too large" {
					t.Errorf("answer %d %q, %v after %v; want %d after %v", status, got, err, after, tt.status, tt.after)
				}
				<-server.closed
			})
		})
	}
}

// Two WebSocket ends rely on CloseWrite.
func TestCloseWrite(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, err := NewDialer().DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Errorf("CloseWrite: %v", err)
	}
	if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the server reads %d bytes, %v; want the end", n, err)
	}
	pipe, _ := net.Pipe()
	if err := AnswerFirst(pipe).(*conn).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite of a pipe: %v, want it unsupported", err)
	}
}
