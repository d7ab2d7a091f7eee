package gateway_test

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

// earlyAnswers are what sites do that refuse an upload before they have read it.
var earlyAnswers = []struct {
	name   string
	answer string
	then   func(*net.TCPConn) // before the connection is closed
}{
	{"closes at once", tooLarge + "Connection: close\r\nContent-Length: 9\r\n\r\ntoo large", nil},
	{"closes at once, unannounced", tooLarge + "Content-Length: 9\r\n\r\ntoo large", nil},
	{"closes at once, body in chunks", tooLarge + "Transfer-Encoding: chunked\r\n\r\n9\r\ntoo large\r\n0\r\n\r\n", nil},
	{"closes at once, no body", tooLarge + "Content-Length: 0\r\n\r\n", nil},
	{"closes at once, long body", tooLarge + "Content-Length: 30000\r\n\r\n" + strings.Repeat("x", 30_000), nil},
	{"half-closes and reads", tooLarge + "Content-Length: 9\r\n\r\ntoo large", func(conn *net.TCPConn) {
		conn.CloseWrite()
		io.Copy(io.Discard, conn)
	}},
	{"half-closes and waits", tooLarge + "Content-Length: 9\r\n\r\ntoo large", func(conn *net.TCPConn) {
		conn.CloseWrite()
		conn.Read(make([]byte, 1<<10))
	}},
	{"reads on", tooLarge + "Content-Length: 9\r\n\r\ntoo large", func(conn *net.TCPConn) {
		io.Copy(io.Discard, conn)
	}},
}

const tooLarge = "HTTP/1.1 413 Content Too Large\r\n"

// A site that refuses an upload before it has read it, and closes the connection: the
// visitor gets the answer of the site, not a 502.
func TestEarlyAnswersReachTheVisitor(t *testing.T) {
	t.Parallel()
	for _, site := range earlyAnswers {
		t.Run(site.name, func(t *testing.T) {
			t.Parallel()
			address := serveConns(t, func(conn *net.TCPConn) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				io.WriteString(conn, site.answer)
				if site.then != nil {
					site.then(conn)
				}
			})
			_, want, _ := strings.Cut(site.answer, "\r\n\r\n")
			if strings.Contains(site.answer, "chunked") {
				want = "too large"
			}
			const tries = 6
			framings := []string{"Content-Length: 2097152", "Transfer-Encoding: chunked"}
			rig := newFrontRig(t, nil, func(c *testConfig) {
				for i := range tries * len(framings) { // each with connections of its own
					to := gateway.Upstream{Prefix: fmt.Sprintf("/%d/", i), URL: mustURL(t, "http://"+address)}
					c.Upstreams = append(c.Upstreams, to)
				}
			})
			for i := range tries * len(framings) {
				framing := framings[i%len(framings)]
				if status, body := upload(t, rig, fmt.Sprintf("/%d/", i), framing); status != 413 || body != want {
					t.Errorf("%s: answer %d with %d bytes, want the site's 413 with %d", framing, status, len(body), len(want))
				}
			}
		})
	}
}

// upload sends 2 MiB and reads the answer at the same time.
func upload(t *testing.T, rig *rig, target, framing string) (status int, body string) {
	t.Helper()
	conn := rig.dial(t)
	defer conn.Close()
	conn.say(t, "POST "+target+" HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), framing, "")
	var sending sync.WaitGroup
	sending.Go(func() {
		chunk, end := strings.Repeat("x", 64<<10), ""
		if strings.HasPrefix(framing, "Transfer-Encoding") {
			chunk, end = fmt.Sprintf("%x\r\n%s\r\n", len(chunk), chunk), "0\r\n\r\n"
		}
		for range 32 {
			if _, err := io.WriteString(conn.Conn, chunk); err != nil {
				return // the gateway has closed the connection
			}
		}
		io.WriteString(conn.Conn, end)
	})
	defer sending.Wait()
	defer conn.Close()
	a := readAnswer(t, conn.hear(t, "POST"))
	return a.StatusCode, a.body
}

// The same for the other ways to reach a site.
func TestEarlyAnswersOfOtherUpstreams(t *testing.T) {
	t.Parallel()
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})
	closing := switching(func(conn io.ReadWriter) {
		io.WriteString(conn, tooLarge+"Connection: close\r\nContent-Length: 10\r\n\r\ntoo large\n")
	})
	const tries = 6
	for _, site := range []struct {
		name  string
		serve func(*testing.T) (string, *x509.CertPool)
	}{
		{"unix", func(t *testing.T) (string, *x509.CertPool) { return serveUnix(t, closing), nil }},
		{"https", func(t *testing.T) (string, *x509.CertPool) { return serveTLS(t, closing, false) }},
		{"https, HTTP/2", func(t *testing.T) (string, *x509.CertPool) { return serveTLS(t, refuse, true) }},
		{"h2c", func(t *testing.T) (string, *x509.CertPool) {
			return strings.Replace(serveFront(t, refuse).URL, "http:", "h2c:", 1), nil
		}},
	} {
		t.Run(site.name, func(t *testing.T) {
			t.Parallel()
			address, roots := site.serve(t)
			rig := newFrontRig(t, nil, func(c *testConfig) {
				c.Upstreams, c.UpstreamCAs = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, address)}}, roots
			})
			for range tries {
				if status, body := upload(t, rig, "/", "Content-Length: 2097152"); status != 413 || body != "too large\n" {
					t.Errorf("answer %d %q, want the site's 413", status, body)
				}
			}
		})
	}
}

// serveTLS serves h by https and returns its URL and its CA.
func serveTLS(t *testing.T, h http.Handler, http2 bool) (string, *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

// serveUnix serves h on a Unix socket and returns its URL.
func serveUnix(t *testing.T, h http.Handler) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "site.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: h}}
	server.Start()
	t.Cleanup(server.Close)
	return "unix://" + socket
}

// A client that waits for 100 Continue gets the refusal of the site instead, and sends
// nothing of the body.
func TestEarlyAnswersBeforeContinue(t *testing.T) {
	t.Parallel()
	expect := make(chan string, 1)
	rig := newFrontRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		expect <- r.Header.Get("Expect")
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	}))
	conn := rig.dial(t)
	conn.say(t, "POST / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t),
		"Content-Length: 2097152", "Expect: 100-continue", "")
	a := readAnswer(t, conn.hear(t, "POST"))
	if got := <-expect; a.StatusCode != 413 || got != "100-continue" {
		t.Errorf("answer %d, the site saw Expect: %q; want 413 and 100-continue", a.StatusCode, got)
	}
}
