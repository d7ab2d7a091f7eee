package wechat_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wxgate/wxgate/wechat"
)

// net/http repeats a GET when a kept-alive connection breaks before the response.
// CheckToken is a call that may be repeated: it shows that these tests do cause a
// repetition.

func TestCodeIsSentOnce(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*net.TCPConn){
		"reset":  func(c *net.TCPConn) { c.SetLinger(0) },
		"closed": func(c *net.TCPConn) {},
	}
	calls := []struct {
		name string
		call func(*testing.T, *wechat.Client) error
		want int
	}{
		{"Exchange", func(t *testing.T, c *wechat.Client) error { _, err := c.Exchange(t.Context(), "code"); return err }, 1},
		{"Refresh", func(t *testing.T, c *wechat.Client) error { _, err := c.Refresh(t.Context(), "RT"); return err }, 1},
		{"CheckToken", func(t *testing.T, c *wechat.Client) error { return c.CheckToken(t.Context(), "AT", "oVisitor") }, 2},
	}
	for end, prepare := range ends {
		for _, test := range calls {
			t.Run(end+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				var mu sync.Mutex
				var addresses []string
				c := serve(t, func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					addresses = append(addresses, r.RemoteAddr)
					if len(addresses) == 1 {
						io.WriteString(w, strings.Replace(grantBody, "{", `{"errcode":0,`, 1))
						return
					}
					if r.ContentLength != 0 || len(r.TransferEncoding) != 0 {
						t.Errorf("request has a body: length %d, encoding %q", r.ContentLength, r.TransferEncoding)
					}
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					prepare(conn.(*net.TCPConn))
					conn.Close()
				})
				if err := test.call(t, c); err != nil {
					t.Fatalf("first call: %v", err)
				}
				if err := test.call(t, c); err == nil {
					t.Error("second call succeeded over a broken connection")
				}
				mu.Lock()
				defer mu.Unlock()
				if len(addresses) < 2 || addresses[0] != addresses[1] {
					t.Errorf("second call came over another connection: %q", addresses)
				}
				if got := len(addresses) - 1; got != test.want {
					t.Errorf("broken call arrived %d times, want %d", got, test.want)
				}
			})
		}
	}
}

// The caller's own transport may use HTTP/2, where a server can end a stream in
// ways after which net/http repeats the request.
func TestCodeIsSentOnceOverHTTP2(t *testing.T) {
	t.Parallel()
	ends := map[string]func(stream uint32) []byte{
		"refused stream": func(stream uint32) []byte { return resetFrame(stream, 0x7) },
		"protocol error": func(stream uint32) []byte { return resetFrame(stream, 0x1) },
		"going away":     func(stream uint32) []byte { return frame(frameGoAway, 0, 0, make([]byte, 8)) }, // last stream handled: 0
	}
	for end, finish := range ends {
		for call, want := range map[string]int{"Exchange": 1, "CheckToken": 2} {
			t.Run(end+"/"+call, func(t *testing.T) {
				t.Parallel()
				server := httptest.NewUnstartedServer(nil)
				var mu sync.Mutex
				arrived := 0
				server.TLS = &tls.Config{NextProtos: []string{"h2"}}
				server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
					"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) {
						serveHTTP2(conn, func(stream uint32) []byte {
							mu.Lock()
							defer mu.Unlock()
							arrived++
							if arrived == 1 {
								return finish(stream)
							}
							return resetFrame(stream, 0x2) // internal error: never repeated
						})
					},
				}
				server.StartTLS()
				t.Cleanup(server.Close)
				transport := &http.Transport{
					TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
					ForceAttemptHTTP2: true,
				}
				t.Cleanup(transport.CloseIdleConnections)
				c := &wechat.Client{APIURL: server.URL, Transport: transport}
				var err error
				if call == "Exchange" {
					_, err = c.Exchange(t.Context(), "code")
				} else {
					err = c.CheckToken(t.Context(), "AT", "oVisitor")
				}
				if err == nil {
					t.Error("call succeeded without an answer")
				}
				mu.Lock()
				defer mu.Unlock()
				if arrived != want {
					t.Errorf("%s arrived %d times, want %d (%v)", call, arrived, want, err)
				}
			})
		}
	}
}

// serveHTTP2 is a minimal HTTP/2 server for one connection. It sends the frame
// that answer returns for each stream whose request is complete.
func serveHTTP2(conn net.Conn, answer func(stream uint32) []byte) {
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	conn.Write(frame(frameSettings, 0, 0, nil))
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		if _, err := io.CopyN(io.Discard, conn, length); err != nil {
			return
		}
		const endOrAck = 0x1
		switch {
		case kind == frameSettings && flags&endOrAck == 0:
			conn.Write(frame(frameSettings, endOrAck, 0, nil))
		case (kind == frameData || kind == frameHeaders) && flags&endOrAck != 0:
			conn.Write(answer(stream))
		}
	}
}

// Frame types of HTTP/2 (RFC 9113, section 6).
const (
	frameData     = 0x0
	frameHeaders  = 0x1
	frameReset    = 0x3
	frameSettings = 0x4
	frameGoAway   = 0x7
)

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}

func resetFrame(stream, code uint32) []byte {
	return frame(frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, code))
}

// The client does not trust the certificate, but offers its protocols before that.
func TestDefaultTransportSpeaksHTTP1(t *testing.T) {
	t.Parallel()
	offered := make(chan []string, 1)
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // without the failing handshake
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		offered <- hello.SupportedProtos
		return nil, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	c := &wechat.Client{APIURL: server.URL}
	if _, err := c.Exchange(t.Context(), "code"); err == nil {
		t.Error("Exchange trusts an unknown certificate")
	}
	if got := <-offered; slices.Contains(got, "h2") { // a server would choose it
		t.Errorf("default transport offers %q, want no h2", got)
	}
}

func TestDefaultTransportKeepsConnections(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]bool{}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.RemoteAddr] = true
		io.WriteString(w, grantBody)
	})
	for range 5 {
		if _, err := c.Exchange(t.Context(), "code"); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 1 {
		t.Errorf("five calls used %d connections, want 1", len(seen))
	}
}
