package direct_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway/internal/direct"
	"github.com/wxgate/wxgate/gateway/internal/forward"
)

// A script is what an upstream sends on a connection: for each request one answer, and
// an end of the connection after the last.
type script struct {
	name    string
	answers []string // the last is for all further requests too, unless it ends with hangUp
	once    bool     // what a second request meets depends on the time, with http.Transport
}

const (
	hangUp = "\x00" // at the end of an answer: the upstream closes the connection
	page   = "HTTP/1.1 200 OK\r\nDate: Mon, 02 Mar 2026 08:00:00 GMT\r\nContent-Type: text/plain\r\n"
	whole  = page + "Content-Length: 5\r\n\r\nhello"
)

// scripts are upstreams as they are, and as they should not be.
var scripts = []script{
	{"usual", []string{whole}, false},
	{"closes after each", []string{whole + hangUp}, true},
	{"says that it closes", []string{page + "Connection: close\r\nContent-Length: 5\r\n\r\nhello" + hangUp}, false},
	{"says so, but does not", []string{page + "Connection: close\r\nContent-Length: 5\r\n\r\nhello"}, false},
	{"closes at the second", []string{whole, hangUp}, false},
	{"closes at the first", []string{hangUp}, false},
	{"no length", []string{page + "\r\nhello" + hangUp}, false},
	{"empty", []string{page + "Content-Length: 0\r\n\r\n"}, false},
	{"no content", []string{"HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n"}, false},
	{"no content with a body", []string{"HTTP/1.1 204 No Content\r\nDate: x\r\n\r\nhello"}, true},
	{"not modified", []string{"HTTP/1.1 304 Not Modified\r\nDate: x\r\nEtag: \"1\"\r\n\r\n"}, false},
	{"not modified with a length", []string{"HTTP/1.1 304 Not Modified\r\nDate: x\r\nContent-Length: 5\r\n\r\n"}, false},
	{"chunked", []string{page + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"}, false},
	{"chunked, cut", []string{page + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n wo" + hangUp}, false},
	{"chunked, invalid", []string{page + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n" + hangUp}, false},
	{"trailer", []string{page + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"}, false},
	{"chunked and a length", []string{page + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}, false},
	{"two lengths", []string{page + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!" + hangUp}, false},
	{"the same length twice", []string{page + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"}, false},
	{"negative length", []string{page + "Content-Length: -5\r\n\r\nhello" + hangUp}, false},
	{"cut", []string{page + "Content-Length: 9\r\n\r\nhello" + hangUp}, false},
	{"surplus", []string{page + "Content-Length: 5\r\n\r\nhello and more"}, true},
	{"answers twice", []string{whole + page + "Content-Length: 4\r\n\r\nevil"}, true},
	{"HTTP/1.0", []string{"HTTP/1.0 200 OK\r\nDate: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello" + hangUp}, false},
	{"HTTP/1.0 keep-alive", []string{"HTTP/1.0 200 OK\r\nDate: x\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"}, false},
	{"HTTP/1.0 without a length", []string{"HTTP/1.0 200 OK\r\nDate: x\r\nContent-Type: text/plain\r\n\r\nhello" + hangUp}, false},
	{"early hints", []string{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + whole}, false},
	{"processing, twice", []string{"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + whole}, false},
	{"continue", []string{"HTTP/1.1 100 Continue\r\n\r\n" + whole}, false},
	{"early hints and no more", []string{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + hangUp}, false},
	{"too large, and closes", []string{"HTTP/1.1 431 X\r\nDate: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" + hangUp}, false},
	{"not HTTP", []string{"hello\r\n\r\n" + hangUp}, false},
	{"HTTP/2", []string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hangUp}, false},
	{"invalid status", []string{"HTTP/1.1 2x0 OK\r\n\r\n" + hangUp}, false},
	{"low status", []string{"HTTP/1.1 199 OK\r\nDate: x\r\nContent-Type: text/plain\r\n\r\n" + hangUp}, false},
	{"high status", []string{"HTTP/1.1 999 OK\r\nDate: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"}, false},
	{"header without a colon", []string{"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n" + hangUp}, false},
	{"header that is folded", []string{page + "X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n"}, false},
	{"header that is cut", []string{"HTTP/1.1 200 OK\r\nX-A: 1" + hangUp}, false},
	{"long header", []string{page + "X-A: " + strings.Repeat("a", 60<<10) + "\r\nContent-Length: 5\r\n\r\nhello"}, false},
	{"long body", []string{page + "Content-Length: 100000\r\n\r\n" + strings.Repeat("0123456789", 10_000)}, false},
	{"long body without a length", []string{page + "\r\n" + strings.Repeat("0123456789", 10_000) + hangUp}, false},
	{"upgrade", []string{"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello" + hangUp}, false},
	{"redirect", []string{"HTTP/1.1 302 Found\r\nDate: x\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"}, false},
	{"cookies", []string{page + "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"}, false},
	{"lines end with LF", []string{strings.ReplaceAll(whole, "\r\n", "\n")}, false},
	{"empty lines first", []string{"\r\n\r\n" + whole + hangUp}, false},
	{"nothing after the status line", []string{"HTTP/1.1 200 OK\r\n" + hangUp}, false},
}

// clientRequests are sent twice each: the second meets a connection in use before.
var clientRequests = []string{
	"GET /a?b=c HTTP/1.1\r\n",
	"GET /a HTTP/1.1\r\nRange: bytes=0-3\r\nIf-None-Match: \"1\"\r\n",
	"HEAD /a HTTP/1.1\r\n",
	"OPTIONS * HTTP/1.1\r\n",
	"DELETE /a HTTP/1.1\r\n",
	"GET /a HTTP/1.0\r\n",
	"GET /a HTTP/1.1\r\nTE: trailers\r\n",
	"GET /a HTTP/1.1\r\nExpect: 100-continue\r\n",
	"GET /a HTTP/1.1\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n",
	"DELETE /a HTTP/1.1\r\nContent-Length: 2\r\n",
	"POST /a HTTP/1.1\r\nContent-Length: 2\r\n",
}

// listen calls handle for each connection, in goroutines of their own, and returns the
// address.
func listen(t testing.TB, network, at string, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go handle(c)
		}
	}()
	return listener.Addr().String()
}

// play answers the requests of one connection.
func (s script) play(c net.Conn) {
	defer c.Close()
	requests := bufio.NewReader(c)
	for i := 0; ; i++ {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		answer, ends := strings.CutSuffix(s.answers[min(i, len(s.answers)-1)], hangUp)
		if _, err := io.WriteString(c, answer); err != nil || ends {
			return
		}
	}
}

// through returns the address of a ReverseProxy that sends requests to an upstream by the
// transport that make returns.
func through(t testing.TB, address string, transport http.RoundTripper) string {
	t.Helper()
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL.Scheme, pr.Out.URL.Host = "http", address
			pr.Out.Host = pr.In.Host
		},
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			status := http.StatusBadGateway
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				status = http.StatusGatewayTimeout
			}
			w.WriteHeader(status)
		},
	})
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(proxy.Close)
	return proxy.Listener.Addr().String()
}

const (
	headerTimeout = 5 * time.Second
	loopback      = "127.0.0.1:0"
)

// newDirect returns the transport under test, before an upstream.
func newDirect(t testing.TB, address string) *direct.Transport {
	others := forward.NewTransport(headerTimeout)
	transport := direct.New(direct.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		HeaderTimeout: headerTimeout,
		Others:        others,
	})
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// answers are what a client gets on one connection: the interim ones and the last.
type answers struct {
	Heads    []string // status lines and headers
	Body     string   // without its chunks, whose bounds depend on the time
	Trailer  http.Header
	CutShort bool // then the rest is not compared: it depends on the time how much has left the proxy
}

// read returns the answers to a request, from what a client reads.
func read(raw []byte, request string) answers {
	var a answers
	r := &http.Request{Method: request[:strings.Index(request, " ")]}
	for from := bufio.NewReader(bytes.NewReader(raw)); ; {
		res, err := http.ReadResponse(from, r)
		if err != nil {
			return answers{CutShort: true}
		}
		if res.Header.Get("Date") != "x" {
			res.Header.Set("Date", "of the proxy")
		}
		a.Heads = append(a.Heads, res.Proto+" "+res.Status+fmt.Sprint(res.TransferEncoding, res.ContentLength, res.Header))
		if res.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || len(body) == 0 && res.ContentLength < 0 && len(res.TransferEncoding) == 0 {
			return answers{CutShort: true} // an empty answer of HTTP/1.0 may have been cut short too
		}
		a.Body, a.Trailer = string(body), res.Trailer
		rest, _ := io.ReadAll(from) // never fails
		a.Body += string(rest)
		return a
	}
}

// seen returns what a client sees that sends a request on a connection of its own.
func seen(t *testing.T, address, request string) answers {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !strings.Contains(request, "Connection:") {
		request += "Connection: close\r\n"
	}
	request += "Host: h5.example.com\r\nAccept: */*\r\n\r\n"
	if strings.Contains(request, "Content-Length: 2") {
		request += "xy"
	}
	io.WriteString(c, request)
	var got bytes.Buffer
	io.Copy(&got, c)
	return read(got.Bytes(), request)
}

// Clients see the same as through http.Transport.
func TestSameAsTransport(t *testing.T) {
	t.Parallel()
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			times := 2
			if s.once {
				times = 1
			}
			for _, request := range clientRequests {
				first, second := listen(t, "tcp", loopback, s.play), listen(t, "tcp", loopback, s.play)
				third := listen(t, "tcp", loopback, s.play)
				want := through(t, first, forward.NewTransport(headerTimeout))
				got := through(t, second, newDirect(t, second))
				moved := through(t, third, moving{newDirect(t, third)})
				for i := range times {
					w, g, m := seen(t, want, request), seen(t, got, request), seen(t, moved, request)
					if d := cmp.Diff(w, g); d != "" {
						t.Errorf("%q, time %d: client sees (-http.Transport +direct):\n%s", request, i+1, d)
					}
					if d := cmp.Diff(w, m); d != "" {
						t.Errorf("%q, time %d: client sees (-http.Transport +moved body):\n%s", request, i+1, d)
					}
				}
			}
		})
	}
}
