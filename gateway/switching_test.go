package gateway_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

// handshake is what a visitor sends to open a WebSocket.
func handshake(t testing.TB) []string {
	return []string{
		"GET /socket HTTP/1.1", "Host: " + rigHost, "Cookie: " + signedIn(t),
		"Connection: Upgrade", "Upgrade: websocket",
	}
}

// switchingSites returns gateways before sites of each kind, which talk on each
// connection that is upgraded, after the header with status 101 and early.
func switchingSites(t *testing.T, early string, talk func(io.ReadWriter)) map[string]*rig {
	t.Helper()
	site := switching(func(conn io.ReadWriter) {
		io.WriteString(conn, switched+early)
		talk(conn)
	})
	socket := serveUnix(t, site)
	return map[string]*rig{
		"http": newRig(t, site),
		"unix": newRig(t, nil, func(c *testConfig) {
			c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, socket)}}
		}),
	}
}

// What either side sends before it has heard of the upgrade arrives first.
func TestEarlyBytesOfAnUpgrade(t *testing.T) {
	t.Parallel()
	for _, early := range []string{"", "e", strings.Repeat("early ", 500)} {
		received := make(chan string, 1)
		sites := switchingSites(t, early, func(conn io.ReadWriter) {
			got, _ := io.ReadAll(conn)
			received <- string(got)
		})
		for name, rig := range sites {
			conn := rig.dial(t)
			io.WriteString(conn.Conn, strings.Join(handshake(t), "\r\n")+"\r\n\r\n"+early)
			res, err := http.ReadResponse(conn.Reader, nil)
			if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%s: %v, %v, want 101", name, res, err)
			}
			conn.Conn.(*net.TCPConn).CloseWrite()
			if got := <-received; got != early {
				t.Errorf("%s: the site reads %d bytes, want the %d that the visitor sent", name, len(got), len(early))
			}
			if got, err := io.ReadAll(conn.Reader); string(got) != early || err != nil {
				t.Errorf("%s: the visitor reads %d bytes, %v, want the site's %d", name, len(got), err, len(early))
			}
		}
	}
}

// The end of one direction is passed on, and the other goes on.
func TestUpgradedConnectionHalfCloses(t *testing.T) {
	t.Parallel()
	for name, rig := range switchingSites(t, "", func(conn io.ReadWriter) {
		got, _ := io.ReadAll(conn)
		conn.Write(got)
	}) {
		conn := rig.dial(t)
		conn.say(t, append(handshake(t), "")...)
		res, err := http.ReadResponse(conn.Reader, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s: %v, %v, want 101", name, res, err)
		}
		io.WriteString(conn.Conn, "question")
		if n := seriesOf(t, rig.registry)["wxgate_http_requests_in_flight{}"]; n != 1 {
			t.Errorf("%s: %v requests in flight, want 1", name, n)
		}
		conn.Conn.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(conn.Reader); string(got) != "question" || err != nil {
			t.Errorf("%s: the visitor reads %q, %v, want the question and the end", name, got, err)
		}
		line := rig.lines.next(t)
		if line["status"] != 101.0 || line["method"] != "GET" || line["path"] != "/socket" || line["host"] != rigHost ||
			line["client_ip"] != "127.0.0.1" || line["user"] == nil {
			t.Errorf("%s: access line %v, want that of the handshake", name, line)
		}
	}
}

// An upgrade that fails leaves no connection to the site.
func TestFailedUpgradeEndsTheConnection(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 1)
	rig := newRig(t, switching(func(conn io.ReadWriter) {
		io.WriteString(conn, strings.Replace(switched, "websocket", "other", 1))
		io.Copy(io.Discard, conn)
		ended <- struct{}{}
	}))
	if a := rig.ask(t, handshake(t)...); a.StatusCode != http.StatusBadGateway {
		t.Errorf("the site switches to another protocol: status %d, want 502", a.StatusCode)
	}
	<-ended
}
