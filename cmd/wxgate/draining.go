package main

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// draining passes the requests of a server on, and ends its connections so that no
// request is lost. Once begun, it asks the client of each request to use another
// connection for the next: a balancer that sends no new connections here keeps those
// that it has, and a request on one that the shutdown is closing would be lost.
type draining struct {
	http.Handler
	begun atomic.Bool

	mu    sync.Mutex
	fresh map[net.Conn]struct{} // connections on which no request has arrived
}

func newDraining(handler http.Handler) *draining {
	return &draining{Handler: handler, fresh: map[net.Conn]struct{}{}}
}

// begin is called when the shutdown begins.
func (d *draining) begin() { d.begun.Store(true) }

// ServeHTTP implements [http.Handler].
func (d *draining) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.begun.Load() && r.Header.Get("Upgrade") == "" { // the answer to an upgrade needs its own Connection
		w.Header().Set("Connection", "close") // HTTP/2 sends GOAWAY for it
	}
	d.Handler.ServeHTTP(w, r)
}

// connState is for [http.Server.ConnState].
func (d *draining) connState(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if state == http.StateNew {
		d.fresh[c] = struct{}{}
	} else {
		delete(d.fresh, c)
	}
}

// settle waits a moment for the requests on connections that were just accepted, and
// closes those on which none arrives. net/http would wait five seconds for them,
// although it drops a request whose header it reads after its shutdown has begun.
func (d *draining) settle(ctx context.Context) {
	d.wait(ctx)
	d.mu.Lock()
	unused := slices.Collect(maps.Keys(d.fresh))
	d.mu.Unlock()
	for _, c := range unused {
		c.Close()
	}
}

// wait waits until a request has arrived on each connection.
func (d *draining) wait(ctx context.Context) {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	end := time.NewTimer(lastTime)
	defer end.Stop()
	for settled := false; !settled; {
		d.mu.Lock()
		settled = len(d.fresh) == 0
		d.mu.Unlock()
		// One more turn when it is: net/http may have read a header and not gone on.
		select {
		case <-look.C:
		case <-end.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
