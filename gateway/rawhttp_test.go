package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// newFrontRig is newRig with a server that is configured as that of the command.
func newFrontRig(t testing.TB, site http.Handler, change ...func(*testConfig)) *rig {
	t.Helper()
	g, r := newGateway(t, site, change...)
	r.Server = serveFront(t, g)
	return r
}

// serveFront serves h by HTTP/1.1 and HTTP/2 on one port, as the command does.
func serveFront(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.Protocols = h2c(true)
	server.Config.ReadHeaderTimeout = 10 * time.Second
	server.Config.MaxHeaderBytes = 64 << 10
	server.Config.DisableGeneralOptionsHandler = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // errors are provoked
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// serveBytes is a site that answers the first request of each connection with these
// bytes and closes it. It returns the site's address.
func serveBytes(t testing.TB, answer string) string {
	t.Helper()
	return serveConns(t, func(conn *net.TCPConn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			io.WriteString(conn, answer)
		}
	})
}

// serveConns calls talk for each connection and then closes it. It returns the address.
func serveConns(t testing.TB, talk func(*net.TCPConn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				talk(conn.(*net.TCPConn))
			}()
		}
	}()
	return listener.Addr().String()
}

// An h2Conn is an HTTP/2 connection on which a test writes any frames.
type h2Conn struct {
	*http2.Framer
	conn    net.Conn
	session string // stands for COOKIE in fields
}

// dialHTTP2 opens an HTTP/2 connection to the rig without TLS.
func (r *rig) dialHTTP2(t testing.TB) *h2Conn {
	t.Helper()
	conn := r.dial(t)
	c := &h2Conn{Framer: http2.NewFramer(conn.Conn, conn), conn: conn, session: signedIn(t)}
	c.AllowIllegalWrites = true
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := io.WriteString(conn.Conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c
}

// block is the header block of the fields, each "name: value".
func block(session string, fields ...string) []byte {
	var b bytes.Buffer
	encoder := hpack.NewEncoder(&b)
	for _, field := range fields {
		i := strings.Index(field[1:], ":") + 1 // pseudo headers begin with one
		value := strings.ReplaceAll(strings.TrimPrefix(field[i+1:], " "), "COOKIE", session)
		encoder.WriteField(hpack.HeaderField{Name: field[:i], Value: value})
	}
	return b.Bytes()
}

// An h2Answer is what a server sent on one stream.
type h2Answer struct {
	outcome string   // the status, "RST <code>", "GOAWAY <code>" or "closed"
	header  []string // "name: value" without the status, in the order sent
	body    string
	trailer []string
}

// hear reads the answer on a stream.
func (c *h2Conn) hear(stream uint32) (a h2Answer) {
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			a.outcome = "closed"
			return a
		}
		if end, ok := frame.(*http2.GoAwayFrame); ok && end.ErrCode != http2.ErrCodeNo {
			a.outcome = "GOAWAY " + end.ErrCode.String()
			return a
		}
		if frame.Header().StreamID != stream {
			continue
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			a.add(frame)
		case *http2.DataFrame:
			a.body += string(frame.Data())
		case *http2.RSTStreamFrame:
			if a.outcome == "" { // else the server wants no more of the request
				a.outcome = "RST " + frame.ErrCode.String()
			}
			return a
		}
		if frame.Header().Flags.Has(http2.FlagDataEndStream) { // the same bit in a header
			return a
		}
	}
}

// add takes a header, or the trailer.
func (a *h2Answer) add(frame *http2.MetaHeadersFrame) {
	fields := make([]string, 0, len(frame.Fields))
	for _, field := range frame.RegularFields() {
		fields = append(fields, fmt.Sprintf("%s: %s", field.Name, field.Value))
	}
	switch status := frame.PseudoValue("status"); {
	case status == "":
		a.trailer = fields
	case status[0] != '1': // not an early answer
		a.outcome, a.header = status, fields
	}
}

// A frame is something that a test writes on an HTTP/2 connection.
type frame func(*h2Conn) error

// headers opens stream 1 with the fields.
func headers(end bool, fields ...string) frame {
	return func(c *h2Conn) error {
		return c.WriteHeaders(http2.HeadersFrameParam{
			StreamID: 1, BlockFragment: block(c.session, fields...), EndStream: end, EndHeaders: true,
		})
	}
}

// data sends a piece of the body.
func data(end bool, text string) frame {
	return func(c *h2Conn) error { return c.WriteData(1, end, []byte(text)) }
}

// write sends frames. A server that has given up the connection does not take all.
func (c *h2Conn) write(t testing.TB, frames ...frame) {
	t.Helper()
	for _, f := range frames {
		if err := f(c); err != nil {
			t.Logf("write frame: %v", err)
			return
		}
	}
}
