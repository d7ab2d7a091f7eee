package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wxgate/wxgate/gateway"
)

// A webSocketRig is a gateway with one open WebSocket.
type webSocketRig struct {
	*rig
	gateway *gateway.Gateway
	client  *websocket.Conn
	ended   chan error // how the WebSocket ended for the site
	end     chan struct{}
}

// newWebSocketRig opens a WebSocket of a site behind the proxy, or of a handler
// behind Wrap. The site closes it when end is closed.
func newWebSocketRig(t *testing.T, wrap bool) *webSocketRig {
	t.Helper()
	r := &webSocketRig{ended: make(chan error, 1), end: make(chan struct{})}
	site := http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		conn, err := websocket.Accept(w, request, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer conn.CloseNow()
		if err := conn.Write(context.Background(), websocket.MessageText, []byte("hello")); err != nil {
			t.Errorf("write: %v", err)
		}
		go func() {
			<-r.end
			conn.Close(websocket.StatusNormalClosure, "")
		}()
		_, _, err = conn.Read(context.Background())
		r.ended <- err
	})
	if wrap {
		r.gateway, r.rig = newGateway(t, nil)
		r.Server = httptest.NewServer(r.gateway.Wrap(site))
	} else {
		r.gateway, r.rig = newGateway(t, site)
		r.Server = httptest.NewServer(r.gateway)
	}
	t.Cleanup(r.Close)
	if n := r.open(t); n != 0 {
		t.Errorf("at the start: wxgate_websockets_open = %v, want 0", n)
	}
	var err error
	r.client, _, err = websocket.Dial(t.Context(), r.URL, &websocket.DialOptions{
		HTTPHeader: http.Header{"Cookie": {signedIn(t)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.client.CloseNow() })
	if _, message, err := r.client.Read(t.Context()); string(message) != "hello" {
		t.Fatalf("the client reads %q, %v, want hello", message, err)
	}
	if n := r.open(t); n != 1 {
		t.Errorf("with a WebSocket: wxgate_websockets_open = %v, want 1", n)
	}
	return r
}

// open returns the metric of open WebSockets.
func (r *webSocketRig) open(t *testing.T) float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "wxgate_websockets_open" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no metric wxgate_websockets_open")
	return 0
}

// A WebSocket that is open at the end of the time gets a close frame with status
// 1001, and so does the site, from the client. When Shutdown returns, the access
// line is written.
func TestShutdownClosesWebSockets(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]bool{"proxy": false, "Wrap": true} {
		r := newWebSocketRig(t, wrap)
		read := make(chan error, 1)
		go func() { // coder/websocket answers a close frame while it reads
			_, _, err := r.client.Read(t.Context())
			read <- err
		}()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.gateway.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Shutdown = %v, want the error of the context", name, err)
		}
		select {
		case line := <-r.lines:
			if line["status"] != 101.0 || line["outcome"] != "proxied" {
				t.Errorf("%s: access line %v, want status 101, outcome proxied", name, line)
			}
		default:
			t.Errorf("%s: Shutdown has returned before the access line is written", name)
		}
		if err := <-read; websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("%s: the client reads %v, want status 1001", name, err)
		}
		if err := <-r.ended; websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("%s: the site reads %v, want status 1001", name, err)
		}
		if n := r.open(t); n != 0 {
			t.Errorf("%s: wxgate_websockets_open = %v, want 0", name, n)
		}
		if wrap {
			continue // the handler writes 101 before it fails to hijack
		}
		_, res, err := websocket.Dial(t.Context(), r.URL, &websocket.DialOptions{
			HTTPHeader: http.Header{"Cookie": {signedIn(t)}},
		})
		if err == nil || res == nil || res.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: after Shutdown, a handshake gets %v, %v, want 502", name, res, err)
		}
	}
}

// Shutdown ends as soon as the last WebSocket has ended.
func TestShutdownWaitsForWebSockets(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]bool{"proxy": false, "Wrap": true} {
		r := newWebSocketRig(t, wrap)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- r.gateway.Shutdown(ctx) }()
		select {
		case err := <-ended:
			t.Fatalf("%s: Shutdown = %v while a WebSocket is open", name, err)
		default:
		}
		close(r.end)
		if _, _, err := r.client.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
			t.Errorf("%s: the client reads %v, want the site's status 1000", name, err)
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: Shutdown = %v, want no error", name, err)
		}
	}
}

// Requests that are in flight are the server's: Shutdown does not wait for them.
func TestShutdownWithoutWebSockets(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil)
	if err := g.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown = %v, want no error", err)
	}
}

// A handler that panics after it has taken the connection over leaves nobody to
// close it.
func TestPanicEndsAnUpgradedConnection(t *testing.T) {
	t.Parallel()
	rig := newWrapped(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
		}
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		panic("a bug")
	})
	conn := rig.dial(t)
	conn.say(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "")
	if got, err := io.ReadAll(conn.Conn); !strings.HasPrefix(string(got), "HTTP/1.1 101") || err != nil {
		t.Errorf("the client gets %q, %v, want 101 and the end of the connection", got, err)
	}
}
