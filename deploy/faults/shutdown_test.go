package faults_test

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Visitors do not notice that a replica ends: neither those whose browser keeps
// connections to it, nor those behind an nginx that does, or that sends new ones to
// the last. Posts are not lost either, which nobody may repeat.
func TestSIGTERM(t *testing.T) {
	for _, tt := range []struct {
		front front
		store func(*testing.T) store
	}{
		{service, inCookies}, {nginxService, inRedis}, {nginxAlone, inCookies},
	} {
		t.Run(string(tt.front), func(t *testing.T) {
			f := newFleet(t, options{gateways: 2, front: tt.front, store: tt.store(t)})
			posts := func(int) visit { return visit{script: true, method: http.MethodPost, body: "a=1"} }
			seen := f.duringLoad(loadOptions{rate: 400, visit: posts}, func() {
				f.gateways[0].signal(syscall.SIGTERM)
				f.gateways[0].exit()
			})
			f.verdict(seen, "200")
		})
	}
}

// Clients that stop when readiness turns 503, as a balancer does that looks at it,
// lose no request that they have sent.
func TestSIGTERMWithReadiness(t *testing.T) {
	f := newFleet(t, options{})
	f.site.set(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(300 * time.Millisecond) // many requests are in flight
		answer(w, r)
	})
	g := f.gateways[0]
	ready, stop := context.WithCancel(t.Context())
	seen := f.duringLoad(loadOptions{rate: 400, until: ready}, func() {
		g.signal(syscall.SIGTERM)
		eventually(t, "readiness is 503", func() bool { return g.ready() == http.StatusServiceUnavailable })
		stop()
		g.exit()
	})
	f.verdict(seen, "200")
}

// A replica that is killed takes only requests with it that nginx may not repeat.
func TestSIGKILLBehindNginx(t *testing.T) {
	f := newFleet(t, options{gateways: 2, front: nginxAlone})
	f.site.set(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond) // some are in flight
		answer(w, r)
	})
	killed := f.gateways[0]
	seen := f.duringLoad(loadOptions{visit: gets}, func() {
		killed.signal(syscall.SIGKILL)
		killed.exit()
		time.Sleep(calm)
	})
	f.gateways = f.gateways[1:]
	f.verdict(seen, "200")
}

// In a rolling restart of two replicas no request fails. Each WebSocket gets status
// 1001 when its replica ends, and its visitor can open another at once.
func TestRollingRestart(t *testing.T) {
	slow(t)
	f := newFleet(t, options{
		gateways: 2, front: nginxService, environ: []string{"WXGATE_SHUTDOWN_TIMEOUT=500ms"},
	})
	f.site.set(answerSockets)
	var sockets []*socket
	for _, v := range f.visitors[:8] {
		sockets = append(sockets, v.openSocket())
	}
	seen := f.during(func() {
		for _, g := range f.gateways {
			g.signal(syscall.SIGTERM)
			if code := g.exit(); code != 0 {
				t.Errorf("%s ends with exit code %d, want 0", g.name, code)
			}
			g.start()
			g.waitReady()
			time.Sleep(calm) // the service sees it
		}
	})
	for _, s := range sockets {
		if status := s.wait(); status != websocket.StatusGoingAway {
			t.Errorf("the WebSocket of %s ends with status %d, want 1001", s.visitor.id, status)
		}
		again := s.visitor.openSocket()
		again.conn.Close(websocket.StatusNormalClosure, "")
	}
	f.verdict(seen, "200")
}

// answerSockets answers as usual, and greets WebSockets with their visitor's openid.
func answerSockets(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		answer(w, r)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.Write(r.Context(), websocket.MessageText, []byte(r.Header.Get("X-WX-OpenID")))
	conn.Read(r.Context())
}

// A socket is an open WebSocket of a visitor.
type socket struct {
	visitor *visitor
	conn    *websocket.Conn
	ended   chan websocket.StatusCode
}

// openSocket opens a WebSocket and waits for its greeting, which must be right.
func (v *visitor) openSocket() *socket {
	v.fleet.t.Helper()
	conn, _, err := websocket.Dial(v.fleet.t.Context(), v.page("/socket"), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: v.fleet.transport},
		HTTPHeader: http.Header{"Cookie": {v.cookies()}},
	})
	if err != nil {
		v.fleet.t.Fatalf("WebSocket of %s: %v", v.id, err)
	}
	v.fleet.t.Cleanup(func() { conn.CloseNow() })
	if _, greeting, err := conn.Read(v.fleet.t.Context()); err != nil || string(greeting) != v.openID {
		v.fleet.t.Fatalf("WebSocket of %s: greeting %q, %v, want its openid", v.id, greeting, err)
	}
	s := &socket{visitor: v, conn: conn, ended: make(chan websocket.StatusCode, 1)}
	go func() {
		_, _, err := conn.Read(context.Background())
		s.ended <- websocket.CloseStatus(err)
	}()
	return s
}

// wait waits for the end of the WebSocket and returns its status; -1 if there was
// none.
func (s *socket) wait() websocket.StatusCode {
	select {
	case status := <-s.ended:
		return status
	case <-time.After(patience):
		return 0
	}
}
