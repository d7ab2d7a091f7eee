package faults_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// exchange sends a request and returns the status of the answer, which it reads to
// its end; 0 if there is none.
func exchange(conn net.Conn, request string) int {
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, request)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// dial opens a connection to the first gateway, until the end of the test.
func (f *fleet) dial() net.Conn {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.gateways[0].address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	return conn
}

// header returns the first lines of a request of the visitor, without the empty one.
func (v *visitor) header(method, path string) string {
	return fmt.Sprintf("%s %s?visitor=%s HTTP/1.1\r\nHost: h\r\nSec-Fetch-Mode: cors\r\nCookie: %s\r\n",
		method, path, v.id, v.cookies())
}

// largeBytes is more than all buffers on the way hold.
const largeBytes = 32 << 20

// answerLarge answers /large with that much, others as usual.
func answerLarge(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/large" {
		answer(w, r)
		return
	}
	part := make([]byte, 32<<10)
	for range largeBytes / len(part) {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

// Clients that send a header byte by byte, never send the body that they announced,
// or never read their answer are cut off, and hold up nobody meanwhile.
func TestSlowClients(t *testing.T) {
	slow(t)
	f := newFleet(t, options{environ: []string{"WXGATE_STALL_TIMEOUT=2s"}})
	f.site.set(answerLarge)
	v := f.visitors[0]
	const each = 30
	var noHeader, noBody atomic.Int32 // clients that are cut off
	var unread []net.Conn
	var clients sync.WaitGroup
	seen := f.during(func() {
		for range each {
			header, body, answer := f.dial(), f.dial(), f.dial()
			clients.Go(func() {
				noHeader.Add(trickle(header, v.header("GET", "/page")+strings.Repeat("X-Slow: 1\r\n", 100)))
			})
			clients.Go(func() {
				io.WriteString(body, v.header("POST", "/page")+"Content-Length: 1000\r\n\r\n")
				_, ended := drained(body)
				noBody.Add(ended)
			})
			io.WriteString(answer, v.header("GET", "/large")+"\r\n")
			unread = append(unread, answer)
		}
		clients.Wait() // ten seconds for the headers
		eventually(t, "the requests of slow clients have ended", func() bool {
			return f.log.lines(`"message":"request"`, `"path":"/large"`) == each
		})
	})
	if h, b := noHeader.Load(), noBody.Load(); h != each || b != each {
		t.Errorf("cut off are %d clients that send no header and %d that send no body, of %d each", h, b, each)
	}
	for _, conn := range unread {
		if n, ended := drained(conn); ended == 0 || n >= largeBytes {
			t.Errorf("a client that read nothing finds %d bytes, and then the end: %d; want a part and the end",
				n, ended)
		}
	}
	f.verdict(seen, "200")
}

// trickle sends text, a byte at a time, until the gateway ends the connection. It
// returns 1 if it does.
func trickle(conn net.Conn, text string) int32 {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		drained(conn)
	}()
	for i := range len(text) {
		select {
		case <-gone:
			return 1
		case <-time.After(500 * time.Millisecond):
			if _, err := conn.Write([]byte{text[i]}); err != nil {
				return 1
			}
		}
	}
	return 0
}

// drained reads to the end of a connection. It returns how much there was, and 1 if
// the end came before that of patience.
func drained(conn net.Conn) (n int64, ended int32) {
	conn.SetReadDeadline(time.Now().Add(patience))
	n, err := io.Copy(io.Discard, conn)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return n, 0
	}
	return n, 1
}

// A header of 64 KiB and more is refused with 431.
func TestLargeHeaders(t *testing.T) {
	f := newFleet(t, options{})
	v := f.visitors[0]
	var refused atomic.Int32
	seen := f.during(func() {
		var clients sync.WaitGroup
		for range 100 {
			conn := f.dial()
			clients.Go(func() {
				large := "X-Large: " + strings.Repeat("x", 80<<10) + "\r\n\r\n"
				if exchange(conn, v.header("GET", "/page")+large) == http.StatusRequestHeaderFieldsTooLarge {
					refused.Add(1)
				}
			})
		}
		clients.Wait()
	})
	if n := refused.Load(); n != 100 {
		t.Errorf("%d of 100 requests with a large header get 431", n)
	}
	f.verdict(seen, "200")
}

// A header just below the limit is served.
func TestHeadersBelowTheLimit(t *testing.T) {
	f := newFleet(t, options{})
	v := f.visitors[0]
	large := "X-Large: " + strings.Repeat("x", 56<<10) + "\r\n\r\n"
	if status := exchange(f.dial(), v.header("GET", "/page")+large); status != 200 {
		t.Errorf("a header of 57 KiB: status %d, want 200", status)
	}
}

// One client that asks for 100,000 logins gets 429, needs no memory, and keeps
// nobody else from signing in.
func TestManyLogins(t *testing.T) {
	slow(t)
	for _, store := range []func(*testing.T) store{inCookies, inRedis} {
		kept := store(t)
		t.Run(kept.name, func(t *testing.T) { manyLogins(t, kept) })
	}
}

func manyLogins(t *testing.T, kept store) {
	const n = 100_000
	f := newFleet(t, options{
		store: kept, environ: []string{"WXGATE_LOGIN_RATE=600/1m", "WXGATE_ACCESS_LOG=false"},
	})
	before, begin := f.gateways[0].peakMemory(), time.Now()
	counts := newTally()
	newcomer := f.newVisitor("newcomer")
	seen := f.during(func() {
		f.askForLogins(n, counts)
		newcomer.address = "192.0.2.1"
		newcomer.signIn()
	})
	t.Logf("logins of one client: %v", counts)
	most := 600 + 10*int(time.Since(begin).Seconds()+1)
	if logins := counts.of("302"); logins < 600 || logins > most || counts.of("429")+logins != n {
		t.Errorf("logins of one client: %v, want 600 to %d redirects, and 429 for all others", counts, most)
	}
	refused := `wxgate_http_requests_total{code="429",outcome="error"}`
	if got, want := f.gateways[0].metric(refused), fmt.Sprint(counts.of("429")); got != want {
		t.Errorf("%s is %s, want %s", refused, got, want)
	}
	if more := f.gateways[0].peakMemory() - before; more > 64<<20 {
		t.Errorf("%d logins need %d MiB, want at most 64", n, more>>20)
	}
	f.visitors = append(f.visitors, newcomer)
	f.verdict(seen, "200")
}

// askForLogins opens pages without a session, n times, over eight connections, a
// hundred requests at a time.
func (f *fleet) askForLogins(n int, counts *tally) {
	const connections, batch = 8, 100
	const request = "HEAD /page HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n"
	var clients sync.WaitGroup
	for range connections {
		conn := f.dial()
		clients.Go(func() {
			reader := bufio.NewReader(conn)
			for range n / connections / batch {
				conn.SetDeadline(time.Now().Add(patience))
				io.WriteString(conn, strings.Repeat(request, batch))
				for range batch {
					res, err := http.ReadResponse(reader, &http.Request{Method: http.MethodHead})
					if err != nil {
						counts.add("no answer", 0, err)
						return
					}
					counts.add(strconv.Itoa(res.StatusCode), 0, nil)
				}
			}
		})
	}
	clients.Wait()
}
