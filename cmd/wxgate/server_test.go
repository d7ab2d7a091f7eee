package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// A pipeListener hands out connections without a network, which work inside a
// synctest bubble.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// dialPipe serves handler as the program does and returns a connection to it.
func dialPipe(t *testing.T, handler http.HandlerFunc) net.Conn {
	t.Helper()
	l := &pipeListener{make(chan net.Conn), make(chan struct{})}
	s := newHTTPServer(handler, zerolog.Nop())
	go s.Serve(l)
	client, served := net.Pipe()
	l.conns <- served
	t.Cleanup(func() {
		client.Close()
		s.Close()
	})
	return client
}

func TestSlowHeaderEndsTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := dialPipe(t, func(http.ResponseWriter, *http.Request) { t.Error("the handler got half a request") })
		begin := time.Now()
		go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h5.example.com\r\nX-Slow: ")
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("read: %v", err)
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("a header that does not end ended the connection after %v, want 10s", took)
		}
	})
}

func TestSlowBodiesGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := dialPipe(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Write(body)
			http.NewResponseController(w).Flush()
			time.Sleep(time.Hour)
			io.WriteString(w, ",done")
		})
		go func() {
			io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h5.example.com\r\nContent-Length: 2\r\n\r\na")
			time.Sleep(time.Hour)
			io.WriteString(conn, "b")
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); string(body) != "ab,done" || err != nil {
			t.Errorf("body = %q, %v, want %q", body, err, "ab,done")
		}
	})
}

func TestIdleConnectionEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := dialPipe(t, func(http.ResponseWriter, *http.Request) {})
		go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h5.example.com\r\n\r\n")
		reader := bufio.NewReader(conn)
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		begin := time.Now()
		io.ReadAll(reader)
		if took := time.Since(begin); took != 2*time.Minute {
			t.Errorf("an idle connection ended after %v, want 2m", took)
		}
	})
}
