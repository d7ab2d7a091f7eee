package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// patient is the limit in these tests.
const patient = time.Minute

// largeBytes is the size of a large response.
const largeBytes = 256 << 10

// A stallingSite is the server behind the clients of these tests. It notes how its
// last read of a body, or its last write, ended.
type stallingSite struct{ ended chan ending }

type ending struct {
	at  time.Time
	err error
}

func (s *stallingSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	switch r.URL.Path {
	case "/small":
		_, err = io.WriteString(w, "small")
	case "/end": // less than any buffer: net/http writes it after the handler
		_, err = io.WriteString(w, strings.Repeat("e", 1500))
	case "/large":
		_, err = w.Write(make([]byte, largeBytes))
	case "/flushed":
		for err == nil {
			io.WriteString(w, "event\n")
			err = http.NewResponseController(w).Flush()
		}
	case "/silent":
		io.WriteString(w, "a")
		http.NewResponseController(w).Flush()
		time.Sleep(10 * patient)
		_, err = io.WriteString(w, "b")
	case "/late": // the server has other things to do before it reads
		time.Sleep(10 * patient)
		fallthrough
	case "/upload":
		http.NewResponseController(w).SetReadDeadline(time.Time{})
		var body []byte
		body, err = io.ReadAll(r.Body)
		w.Write(body)
	case "/unread":
		w.Write(make([]byte, 8<<10))
	}
	s.ended <- ending{time.Now(), err}
}

// expectCut checks that what waits fails when the client has stalled for the timeout
// since the given time. The writes to a connection look for that four times in it.
func (s *stallingSite) expectCut(t *testing.T, since time.Time) {
	t.Helper()
	select {
	case end := <-s.ended:
		if took := end.at.Sub(since); end.err == nil || took < patient || took > patient*5/4 {
			t.Errorf("ended with %v after %v, want an error after %v", end.err, took, patient)
		}
	case <-time.After(10 * patient):
		t.Errorf("not cut off within %v", 10*patient)
	}
}

func TestStalledReaderIsCutOff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path string
		take int
	}{{"/large", 0}, {"/large", 1}, {"/large", 50_000}, {"/flushed", 0}, {"/flushed", 12}} {
		t.Run(fmt.Sprintf("%d bytes of %s", test.take, test.path), func(t *testing.T) {
			t.Parallel()
			onEachTransport(t, patient, func(t *testing.T, c client, site *stallingSite) {
				c.ask(t, "GET", test.path, false)
				c.header(t)
				c.take(test.take)
				site.expectCut(t, time.Now())
				if _, err := c.take(largeBytes); err == nil {
					t.Error("the response ends without an error")
				}
			})
		})
	}
}

// The end of a response is written when the handler has returned.
func TestStalledReaderOfTheEndIsCutOff(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/small", "/end"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			onEachTransport(t, patient, func(t *testing.T, c client, _ *stallingSite) {
				c.ask(t, "GET", path, false)
				time.Sleep(2 * patient)
				if got, err := c.take(largeBytes); err == nil && len(got) > 0 {
					t.Errorf("%d bytes after %v, want it cut off", len(got), 2*patient)
				}
			})
		})
	}
}

// A reader that goes on is not cut off, however slow it is.
func TestSlowReaderGoesOn(t *testing.T) {
	t.Parallel()
	onEachTransport(t, patient, func(t *testing.T, c client, site *stallingSite) {
		c.ask(t, "GET", "/large", false)
		c.header(t)
		for got := 0; got < largeBytes; {
			time.Sleep(patient / 4)
			part, err := c.take(6 << 10)
			if err != nil {
				t.Fatalf("cut off after %d bytes: %v", got, err)
			}
			got += len(part)
		}
		if end := <-site.ended; end.err != nil {
			t.Errorf("write: %v", end.err)
		}
	})
}

// A client is not at fault if there is nothing to send.
func TestSilentStreamGoesOn(t *testing.T) {
	t.Parallel()
	onEachTransport(t, patient, func(t *testing.T, c client, site *stallingSite) {
		c.ask(t, "GET", "/silent", false)
		c.header(t)
		if got, err := c.take(1); string(got) != "a" || err != nil {
			t.Errorf("before the silence: %q, %v, want %q", got, err, "a")
		}
		<-site.ended
		if got, err := c.take(1); string(got) != "b" || err != nil {
			t.Errorf("after the silence: %q, %v, want %q", got, err, "b")
		}
	})
}

func TestStalledSenderIsCutOff(t *testing.T) {
	t.Parallel()
	for _, parts := range []string{"", "x", "xyz"} {
		t.Run(fmt.Sprintf("after %q", parts), func(t *testing.T) {
			t.Parallel()
			onEachTransport(t, patient, func(t *testing.T, c client, site *stallingSite) {
				c.ask(t, "POST", "/upload", true)
				for part := range strings.SplitSeq(parts, "") {
					time.Sleep(patient / 2)
					c.send(part, false)
				}
				since := time.Now()
				end := <-site.ended
				if took := end.at.Sub(since); !errors.Is(end.err, os.ErrDeadlineExceeded) || took != patient {
					t.Errorf("ended with %v after %v, want %v after %v", end.err, took, os.ErrDeadlineExceeded, patient)
				}
			})
		})
	}
}

func TestSlowSenderGoesOn(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/upload", "/late"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			onEachTransport(t, patient, func(t *testing.T, c client, _ *stallingSite) {
				c.ask(t, "POST", path, true)
				for part := range strings.SplitSeq("slow upload", "") {
					time.Sleep(patient * 3 / 4)
					if err := c.send(part, false); err != nil {
						t.Fatalf("send: %v", err)
					}
				}
				c.send("", true)
				c.header(t)
				if got, err := c.take(100); string(got) != "slow upload" || err != nil {
					t.Errorf("the server got %q, %v, want all of it", got, err)
				}
			})
		})
	}
}

// Over HTTP/1.1, a body that no handler reads delays the response.
func TestUnreadBodyDelaysLittle(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]time.Duration{
		patient:         10 * time.Second,
		3 * time.Second: 3 * time.Second,
	} {
		t.Run(timeout.String(), func(t *testing.T) {
			t.Parallel()
			onEachTransport(t, timeout, func(t *testing.T, c client, _ *stallingSite) {
				begin := time.Now()
				c.ask(t, "POST", "/unread", true)
				c.header(t)
				if got, err := c.take(8 << 10); len(got) != 8<<10 || err != nil {
					t.Errorf("%d bytes, %v, want the response", len(got), err)
				}
				if took := time.Since(begin); took > want {
					t.Errorf("the response took %v, want %v at most", took, want)
				}
			})
		})
	}
}

func TestNoStallLimit(t *testing.T) {
	t.Parallel()
	onEachTransport(t, 0, func(t *testing.T, c client, _ *stallingSite) {
		c.ask(t, "GET", "/large", false)
		c.header(t)
		time.Sleep(10 * patient)
		if got, err := c.take(largeBytes); len(got) != largeBytes || err != nil {
			t.Errorf("%d bytes, %v, want all %d", len(got), err, largeBytes)
		}
	})
	onEachTransport(t, 0, func(t *testing.T, c client, _ *stallingSite) {
		c.ask(t, "POST", "/upload", true)
		time.Sleep(10 * patient)
		c.send("x", true)
		c.header(t)
		if got, err := c.take(1); string(got) != "x" || err != nil {
			t.Errorf("the server got %q, %v, want %q", got, err, "x")
		}
	})
}

// A small response has a length: nothing flushes it before its end.
func TestSmallResponseHasItsLength(t *testing.T) {
	t.Parallel()
	onEachTransport(t, patient, func(t *testing.T, c client, _ *stallingSite) {
		c.ask(t, "GET", "/small", false)
		if got := c.header(t).Get("Content-Length"); got != "5" {
			t.Errorf("Content-Length %q, want 5", got)
		}
	})
}

// A stream that stalls is reset alone. The connection goes on.
func TestStalledStreamLeavesTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := &stallingSite{make(chan ending, 200)}
		c := dialHTTP2(t, dialServer(t, patient, site, nil)).(*clientHTTP2)
		if got := <-c.maximum; got != 100 {
			t.Fatalf("the server allows %d concurrent streams, want 100", got)
		}
		for range 100 {
			c.ask(t, "GET", "/large", false)
		}
		synctest.Wait()
		since := time.Now()
		for range 100 {
			site.expectCut(t, since)
		}
		synctest.Wait()
		for len(c.ended) > 0 {
			if err := <-c.ended; err != errReset {
				t.Errorf("a stream ended with %v, want %v", err, errReset)
			}
		}
		c.ask(t, "GET", "/small", false)
		if got, err := c.take(5); string(got) != "small" || err != nil {
			t.Errorf("the next response is %q, %v, want %q", got, err, "small")
		}
	})
}

// net/http answers some requests of HTTP/2 before any handler. Their streams end too.
func TestStalledReaderOfTheServersOwnResponseIsCutOff(t *testing.T) {
	t.Parallel()
	large := hpack.HeaderField{Name: "x", Value: strings.Repeat("a", 3900)} // a byte each after the first
	for _, test := range []struct {
		status string
		fields []hpack.HeaderField
	}{
		{"400", []hpack.HeaderField{{Name: "te", Value: "gzip"}}},
		{"400", []hpack.HeaderField{{Name: "connection", Value: "close"}}},
		{"431", slices.Repeat([]hpack.HeaderField{large}, 40)},
	} {
		t.Run(test.status+" for "+test.fields[0].Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := dialHTTP2(t, dialServer(t, patient, &stallingSite{}, nil)).(*clientHTTP2)
				since := time.Now()
				c.askWith(t, "GET", "/small", false, test.fields...)
				if got := c.header(t).Get(":status"); got != test.status {
					t.Errorf("status %s, want %s", got, test.status)
				}
				select {
				case err := <-c.ended:
					if took := time.Since(since); err != errReset || took != patient {
						t.Errorf("ended with %v after %v, want %v after %v", err, took, errReset, patient)
					}
				case <-time.After(10 * patient):
					t.Errorf("not cut off within %v", 10*patient)
				}
			})
		})
	}
}

// A client that does not read its connection gets not even control frames.
func TestStalledConnectionIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := dialServer(t, patient, &stallingSite{make(chan ending, 10)}, nil)
		go func() {
			io.WriteString(conn, http2.ClientPreface)
			http2.NewFramer(conn, conn).WriteSettings()
		}()
		time.Sleep(2 * patient)
		if n, err := io.Copy(io.Discard, conn); n > 0 || err != nil {
			t.Errorf("%d bytes, %v after %v, want the end", n, err, 2*patient)
		}
	})
}

// A webSocket takes over its connection, is silent for long, then writes until that
// fails.
func webSocket(ended chan<- ending) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		time.Sleep(10 * patient)
		for err == nil {
			_, err = io.WriteString(conn, "message")
		}
		ended <- ending{time.Now(), err}
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"in the clear": false, "over TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				site := &stallingSite{make(chan ending, 10)}
				var config *tls.Config
				if secure {
					config = newTLSConfig(t)
				}
				conn := dialServer(t, patient, webSocket(site.ended), config)
				if secure {
					conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
				}
				io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h5.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
				var got bytes.Buffer
				for !bytes.HasSuffix(got.Bytes(), []byte("message")) {
					if _, err := io.CopyN(&got, conn, 1); err != nil {
						t.Fatalf("%q, %v, want a message after the silence", got.String(), err)
					}
				}
				site.expectCut(t, time.Now())
			})
		})
	}
}
