package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/rs/zerolog"
	"golang.org/x/net/http/httpguts"
)

// An unreadable request is one that the server answers itself: the gateway does not see it.
type unreadable struct {
	status int
	why    string
}

// Error returns the line that explains the answer.
func (u *unreadable) Error() string {
	return fmt.Sprintf("%d: the server refuses the request before any rule: %s", u.status, u.why)
}

// lineFault says why no server reads a request line; "" if it may. A browser encodes
// such signs in an address.
func lineFault(method, target string) string {
	if !httpguts.ValidHeaderFieldName(method) { // a method is a token too
		return fmt.Sprintf("%q is no method", method)
	}
	for _, c := range []byte(target) {
		switch {
		case c == ' ':
			return "a space in the address; write it as %20"
		case c < ' ' || c == 0x7f:
			return fmt.Sprintf("a control character in the address; write it as %%%02X", c)
		}
	}
	_, err := url.ParseRequestURI(target)
	if escape, ok := errors.AsType[url.EscapeError](err); ok {
		return fmt.Sprintf("the percent-encoding %q in the path is invalid; write a percent sign as %%25",
			string(escape))
	}
	return ""
}

// receive returns the request in text as the server of `serve` reads it, without a
// body. An [*unreadable] error is what the server answers.
func receive(text string) (*http.Request, error) {
	received := make(chan *http.Request, 1)
	server := newHTTPServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r = r.Clone(context.WithoutCancel(r.Context()))
		r.Body = http.NoBody
		received <- r
	}), zerolog.Nop(), 0)
	client, conn := net.Pipe()
	defer client.Close()
	defer server.Close()
	go server.Serve(&oneConn{conn: conn, closed: make(chan struct{})})
	go io.WriteString(client, text)
	answer := make(chan *unreadable, 1)
	go func() { answer <- readAnswer(client) }()
	select {
	case r := <-received:
		return r, nil
	case refused := <-answer:
		select {
		case r := <-received: // its answer was as fast
			return r, nil
		default:
			return nil, refused
		}
	}
}

// readAnswer reads the server's answer to what it does not read as a request.
func readAnswer(conn net.Conn) *unreadable {
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		return &unreadable{http.StatusBadRequest, "it cannot be read"}
	}
	defer res.Body.Close()
	text, _ := reader.Peek(reader.Buffered())    // the server waits before it ends the connection
	_, why, _ := strings.Cut(string(text), ": ") // behind the status
	if res.StatusCode == http.StatusNotImplemented {
		why = string(text)
	}
	return &unreadable{res.StatusCode, strings.ToLower(cmp.Or(why, http.StatusText(res.StatusCode)))}
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   net.Conn // nil: accepted
	once   sync.Once
	closed chan struct{}
}

// Accept implements [net.Listener].
func (l *oneConn) Accept() (net.Conn, error) {
	if conn := l.conn; conn != nil {
		l.conn = nil
		return conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// Close implements [net.Listener].
func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener].
func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{Net: "pipe"} }
