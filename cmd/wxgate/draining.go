package main

import (
	"net/http"
	"sync/atomic"
)

// draining passes requests on. Once begun, it asks the client of each to use another
// connection for the next: a balancer that sends no new connections here keeps those
// that it has, and a request on one that the shutdown is closing would be lost.
type draining struct {
	http.Handler
	begun atomic.Bool
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
