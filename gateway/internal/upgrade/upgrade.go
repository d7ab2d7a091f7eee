// Package upgrade keeps the connections that handlers have taken over from the
// server, which http.Server.Shutdown neither waits for nor closes: WebSockets. It
// waits for them, and closes them as WebSockets are to be closed.
package upgrade

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/session"
)

// closeTimeout limits the wait for clients after their close frame was sent.
const closeTimeout = time.Second

// Set is the set of open connections. It is safe for concurrent use; make one with
// [New].
type Set struct {
	websockets prometheus.Gauge

	mu      sync.Mutex
	conns   map[*Conn]struct{} // those too whose handler is about to take them over
	ended   bool               // no handler may take over another one
	waiting []chan<- struct{}  // closed when conns is empty
}

// New returns an empty set. The gauge counts the open WebSockets.
func New(websockets prometheus.Gauge) *Set {
	return &Set{websockets: websockets, conns: make(map[*Conn]struct{})}
}

// Hijack takes over the connection of w, as [http.Hijacker] does. switched says
// that the response that upgrades the connection was written already. The caller
// calls [Conn.Returned] at the end of the request.
func (s *Set) Hijack(w http.ResponseWriter, switched bool) (*Conn, *bufio.ReadWriter, error) {
	c := &Conn{set: s, writing: make(chan struct{}, 1)}
	if switched {
		c.frames.state = inFrames
	}
	if !s.add(c) && !switched {
		return nil, nil, http.ErrServerClosed // the caller can still write a response
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.remove(c)
		return nil, nil, err
	}
	if !s.open(c, conn) { // Shutdown has not seen it
		conn.Close()
		return nil, nil, http.ErrServerClosed
	}
	if switched {
		s.upgraded(c)
	}
	rw.Writer.Reset(c)
	return c, rw, nil
}

// Shutdown waits until all connections have ended. If ctx ends first, it sends the
// clients of the open WebSockets a close frame with status 1001, waits for them for
// a second, and closes all connections; no further one is taken over. It then
// returns an error that wraps that of ctx.
func (s *Set) Shutdown(ctx context.Context) error {
	ended := s.empty()
	select {
	case <-ended:
		return nil
	default:
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	conns := s.stop()
	if len(conns) == 0 {
		wait(s.empty()) // for the handlers to return
		return nil
	}
	var leaving sync.WaitGroup
	for _, c := range conns {
		leaving.Go(func() { c.goAway(goingAway) })
	}
	wait(s.empty())
	for _, c := range conns {
		c.abort()
	}
	leaving.Wait()
	wait(s.empty())
	return fmt.Errorf("closed %d upgraded connections: %w", len(conns), ctx.Err())
}

// Revoked returns a function that sends the clients of the WebSockets whose visitors'
// sessions are revoked a close frame with status 1008, and closes all connections of
// these visitors after a second. It returns nil if there are none. A connection is
// closed by one of these functions at most.
func (s *Set) Revoked(revoked func(*session.Session) bool) (leave func()) {
	conns := s.take(revoked)
	if len(conns) == 0 {
		return nil
	}
	return func() {
		var leaving sync.WaitGroup
		for _, c := range conns {
			leaving.Go(func() { c.goAway(policyViolation) })
		}
		wait(nil)
		for _, c := range conns {
			c.abort()
		}
		leaving.Wait()
	}
}

// take returns the open connections whose visitors' sessions are revoked, each once.
func (s *Set) take(revoked func(*session.Session) bool) (list []*Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.session != nil && c.Conn != nil && !c.closed && revoked(c.session) {
			c.session = nil
			list = append(list, c)
		}
	}
	return list
}

// wait waits until done is closed, for closeTimeout at most.
func wait(done <-chan struct{}) {
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// add adds c unless the set has been stopped. c is in the set before its handler
// has the connection: from then on, http.Server.Shutdown no longer waits for it.
func (s *Set) add(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.conns[c] = struct{}{}
	}
	return !s.ended
}

// open gives c its connection, unless the set has been stopped. It then removes c.
func (s *Set) open(c *Conn, conn net.Conn) bool {
	s.mu.Lock()
	ended := s.ended
	c.Conn = conn
	s.mu.Unlock()
	if ended {
		s.remove(c)
	}
	return !ended
}

// upgraded counts c as a WebSocket.
func (s *Set) upgraded(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.closed && !c.websocket {
		c.websocket = true
		s.websockets.Inc()
	}
}

// end notes that c is closed or its handler has returned, and removes it after both.
func (s *Set) end(c *Conn, what *bool) {
	s.mu.Lock()
	*what = true
	if c.closed && c.websocket {
		c.websocket = false
		s.websockets.Dec()
	}
	ended := c.closed && c.returned
	s.mu.Unlock()
	if ended {
		s.remove(c)
	}
}

// remove removes c, and wakes those who wait if it was the last one.
func (s *Set) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) > 0 {
		return
	}
	for _, w := range s.waiting {
		close(w)
	}
	s.waiting = nil
}

// empty returns a channel that is closed when the set is empty.
func (s *Set) empty() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := make(chan struct{})
	if len(s.conns) == 0 {
		close(w)
	} else {
		s.waiting = append(s.waiting, w)
	}
	return w
}

// stop stops the set and returns the open connections.
func (s *Set) stop() (open []*Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for c := range s.conns {
		if c.Conn != nil && !c.closed {
			open = append(open, c)
		}
	}
	return open
}
