package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/stall"
)

// transports are the ways in which a client reaches a server.
var transports = []struct {
	name     string
	protocol string // of ALPN; empty: no TLS
	dial     func(*testing.T, net.Conn) client
}{
	{"HTTP/1.1", "", dialHTTP1},
	{"HTTP/1.1 over TLS", "http/1.1", dialHTTP1},
	{"HTTP/2 in the clear", "", dialHTTP2},
	{"HTTP/2 over TLS", "h2", dialHTTP2},
}

// A client makes one request after another on a connection, and takes no more of a
// response than a test asks for.
type client interface {
	// ask sends the header of a request. The body of one with a body is sent by send.
	ask(t *testing.T, method, path string, body bool)
	// send sends a part of the body, and its end if it is the last.
	send(part string, last bool) error
	// header waits for the header of the response.
	header(t *testing.T) http.Header
	// take takes n bytes of the response's body. Fewer come at its end, and over
	// HTTP/2 if the server has not sent them yet.
	take(n int) ([]byte, error)
}

// onEachTransport runs test in a bubble for each transport, with a client of a server
// that serves the site as the program does.
func onEachTransport(t *testing.T, timeout time.Duration, test func(*testing.T, client, *stallingSite)) {
	t.Helper()
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				site := &stallingSite{make(chan ending, 10)}
				var config *tls.Config
				if transport.protocol != "" {
					config = newTLSConfig(t)
				}
				conn := dialServer(t, timeout, site, config)
				if transport.protocol != "" {
					conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{transport.protocol}})
				}
				test(t, transport.dial(t, conn), site)
			})
		})
	}
}

// dialServer serves handler as the program does, and returns a connection without
// buffers to it.
func dialServer(t *testing.T, timeout time.Duration, handler http.Handler, config *tls.Config) net.Conn {
	t.Helper()
	pipes := &pipeListener{make(chan net.Conn), make(chan struct{})}
	listener := stall.Limit{Timeout: timeout}.Listener(pipes)
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	s := newHTTPServer(handler, zerolog.Nop(), timeout)
	go s.Serve(listener)
	conn, served := net.Pipe()
	pipes.conns <- served
	t.Cleanup(func() {
		conn.Close()
		s.Close()
		time.Sleep(time.Second) // net/http sleeps before it closes some connections
	})
	return conn
}

func newTLSConfig(t *testing.T) *tls.Config {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}},
		NextProtos:   []string{"h2", "http/1.1"},
	}
}

// clientHTTP1 is a client of HTTP/1.1.
type clientHTTP1 struct {
	net.Conn
	reader   *bufio.Reader
	response *http.Response
}

func dialHTTP1(_ *testing.T, conn net.Conn) client {
	return &clientHTTP1{Conn: conn, reader: bufio.NewReaderSize(conn, 16)}
}

func (c *clientHTTP1) ask(t *testing.T, method, path string, body bool) {
	t.Helper()
	head := method + " " + path + " HTTP/1.1\r\nHost: h5.example.com\r\n"
	if body {
		head += "Transfer-Encoding: chunked\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

func (c *clientHTTP1) send(part string, last bool) error {
	var text bytes.Buffer
	chunks := httputil.NewChunkedWriter(&text)
	io.WriteString(chunks, part)
	if last {
		chunks.Close()
		text.WriteString("\r\n")
	}
	_, err := c.Write(text.Bytes())
	return err
}

func (c *clientHTTP1) header(t *testing.T) http.Header {
	t.Helper()
	var err error
	if c.response, err = http.ReadResponse(c.reader, nil); err != nil {
		t.Fatalf("header: %v", err)
	}
	return c.response.Header
}

func (c *clientHTTP1) take(n int) ([]byte, error) {
	if c.response == nil {
		return io.ReadAll(io.LimitReader(c.reader, int64(n)))
	}
	return io.ReadAll(io.LimitReader(c.response.Body, int64(n)))
}

// clientHTTP2 is a client of HTTP/2 without a window: the server may send what take
// asks for. It always reads the connection.
type clientHTTP2 struct {
	framer  *http2.Framer
	encoded bytes.Buffer
	encoder *hpack.Encoder
	maximum chan uint32 // concurrent streams that the server allows

	id, next uint32           // of the last stream, and of the next
	headers  chan http.Header // of all responses
	bodies   chan *bytes.Buffer
	ended    chan error // of the stream or the connection; nil: its end
}

func dialHTTP2(t *testing.T, conn net.Conn) client {
	t.Helper()
	c := &clientHTTP2{
		framer:  http2.NewFramer(conn, conn),
		next:    1,
		maximum: make(chan uint32, 10),
		headers: make(chan http.Header, 200),
		bodies:  make(chan *bytes.Buffer, 1),
		ended:   make(chan error, 200),
	}
	c.bodies <- new(bytes.Buffer)
	c.encoder = hpack.NewEncoder(&c.encoded)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	go func() {
		for err := error(nil); err == nil; {
			err = c.read()
		}
	}()
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	return c
}

// errReset is the end of a stream that the server resets.
var errReset = errors.New("stream reset")

// read reads one frame.
func (c *clientHTTP2) read() error {
	frame, err := c.framer.ReadFrame()
	if err != nil {
		c.ended <- err
		return err
	}
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if n, ok := f.Value(http2.SettingMaxConcurrentStreams); ok {
			c.maximum <- n
		}
	case *http2.MetaHeadersFrame:
		h := make(http.Header)
		for _, field := range f.Fields {
			h.Add(field.Name, field.Value)
		}
		c.headers <- h
	case *http2.DataFrame:
		body := <-c.bodies
		body.Write(f.Data())
		c.bodies <- body
		if f.StreamEnded() {
			c.ended <- nil
		}
	case *http2.RSTStreamFrame:
		if f.ErrCode != http2.ErrCodeNo { // it follows a response to half a request
			c.ended <- errReset
		}
	}
	return nil
}

func (c *clientHTTP2) ask(t *testing.T, method, path string, body bool) {
	t.Helper()
	c.askWith(t, method, path, body)
}

// askWith is ask with further header fields.
func (c *clientHTTP2) askWith(t *testing.T, method, path string, body bool, further ...hpack.HeaderField) {
	t.Helper()
	c.encoded.Reset()
	for _, field := range append([]hpack.HeaderField{
		{Name: ":method", Value: method}, {Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: "h5.example.com"}, {Name: ":path", Value: path},
	}, further...) {
		c.encoder.WriteField(field)
	}
	c.id = c.next
	c.next += 2
	if err := c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: c.id, BlockFragment: c.encoded.Bytes(), EndHeaders: true, EndStream: !body,
	}); err != nil {
		t.Fatal(err)
	}
}

func (c *clientHTTP2) send(part string, last bool) error {
	return c.framer.WriteData(c.id, last, []byte(part))
}

func (c *clientHTTP2) header(*testing.T) http.Header { return <-c.headers }

func (c *clientHTTP2) take(n int) ([]byte, error) {
	// A stream that has ended takes no window.
	c.framer.WriteWindowUpdate(c.id, uint32(n))
	c.framer.WriteWindowUpdate(0, uint32(n))
	synctest.Wait()
	got := <-c.bodies
	c.bodies <- new(bytes.Buffer)
	select {
	case err := <-c.ended:
		return got.Bytes(), err
	default:
		return got.Bytes(), nil
	}
}
