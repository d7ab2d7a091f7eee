package gateway_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wxgate/wxgate/gateway"
)

// greeter is a site with a WebSocket that sends each message back after the
// visitor's openid.
func greeter(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer conn.CloseNow()
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			conn.Write(r.Context(), kind, append([]byte(r.Header.Get("X-WX-OpenID")+" "), message...))
		}
	})
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(greeter(t))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	sites := map[string]*rig{
		"http": newRig(t, greeter(t)),
		"https": newRig(t, nil, func(c *testConfig) {
			c.Upstreams, c.UpstreamCAs = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, secure.URL)}}, roots
		}),
	}
	for name, rig := range sites {
		header := http.Header{"Cookie": {signedIn(t, renewedAgo(13*time.Hour))}}
		conn, res, err := websocket.Dial(t.Context(), rig.URL, &websocket.DialOptions{HTTPHeader: header})
		if err != nil {
			t.Fatalf("%s: dial: %v", name, err)
		}
		if a := (&answer{Response: res}); a.sessionCookie() == "" {
			t.Errorf("%s: the handshake's answer renews no session", name)
		}
		for _, message := range []string{"hello", strings.Repeat("x", 20_000)} {
			if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := conn.Read(t.Context()); err != nil || string(got) != rigOpenID+" "+message {
				t.Errorf("%s: read %d bytes, %v; want the visitor's openid and %d bytes", name, len(got), err, len(message))
			}
		}
		conn.Close(websocket.StatusNormalClosure, "")
		if line := rig.lines.next(t); line["status"] != 101.0 || line["outcome"] != "proxied" {
			t.Errorf("%s: access line %v, want status 101, outcome proxied", name, line)
		}
		_, res, err = websocket.Dial(t.Context(), rig.URL, nil)
		if err == nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: handshake without a session: %v, want 401", name, err)
		}
	}
}

func TestOtherUpgradesAreRemoved(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	tests := []struct {
		method  string
		upgrade []string
	}{
		{"GET", []string{"Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Connection: Upgrade, HTTP2-Settings"}},
		{"GET", []string{"Upgrade: H2C", "Connection: upgrade"}},
		{"GET", []string{"Upgrade: websocket, h2c", "Connection: Upgrade"}},
		{"GET", []string{"Upgrade: h2c", "Upgrade: websocket", "Connection: Upgrade"}},
		{"GET", []string{"Upgrade: websocket/13", "Connection: Upgrade"}},
		{"GET", []string{"Upgrade: TLS/1.2", "Connection: Upgrade"}},
		{"GET", []string{"Upgrade: websocket", "Connection: close"}},
		{"POST", []string{"Upgrade: websocket", "Connection: Upgrade"}},
	}
	for _, test := range tests {
		lines := append([]string{test.method + " / HTTP/1.1", "Host: " + rigHost, "Cookie: " + signedIn(t)}, test.upgrade...)
		e := echoOf(t, rig.ask(t, lines...))
		for _, name := range []string{"Upgrade", "Connection", "Http2-Settings"} {
			if got := e.Header[name]; len(got) > 0 && !(name == "Http2-Settings" && len(test.upgrade) == 2) {
				t.Errorf("%s %q: the site saw %s: %q", test.method, test.upgrade, name, got)
			}
		}
	}
}

func TestUnrequestedUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n", ""} {
		rig := newRig(t, switching(func(conn io.ReadWriter) {
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n"+header+"\r\n")
			io.Copy(io.Discard, conn)
		}))
		a := rig.ask(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t))
		if a.StatusCode != 502 {
			t.Errorf("upstream answers 101 with %q: status %d, want 502", header, a.StatusCode)
		}
	}
}
