package direct

import (
	"slices"
	"sync"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/forward"
)

// pool holds the idle connections of a [Transport].
type pool struct {
	mu    sync.Mutex
	idle  []*conn     // the last one was in use last
	timer *time.Timer // closes those that are idle for too long; nil: none is idle
}

// take returns an idle connection on which nothing has come; nil if there is none. A byte
// that the upstream sent without a request must not become the response to the next one.
func (p *pool) take() *conn {
	for {
		c := p.pop()
		if c == nil || c.quiet() {
			return c
		}
		c.Conn.Close()
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put adds c, unless there are enough.
func (p *pool) put(c *conn) bool {
	c.parked = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= forward.MaxIdle {
		return false
	}
	p.idle = append(p.idle, c)
	if p.timer == nil {
		p.timer = time.AfterFunc(forward.IdleTimeout, p.expire)
	}
	return true
}

// expire closes the connections that have been idle for forward.IdleTimeout.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := time.Now().Add(-forward.IdleTimeout)
	p.closeFirst(func(c *conn) bool { return !c.parked.After(old) })
	p.timer = nil
	if len(p.idle) > 0 {
		p.timer = time.AfterFunc(p.idle[0].parked.Sub(old), p.expire)
	}
}

// closeAll closes all idle connections.
func (p *pool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeFirst(func(*conn) bool { return true })
}

// closeFirst closes the connections up to the first for which old is false.
func (p *pool) closeFirst(old func(*conn) bool) {
	n := slices.IndexFunc(p.idle, func(c *conn) bool { return !old(c) })
	if n < 0 {
		n = len(p.idle)
	}
	for _, c := range p.idle[:n] {
		c.Conn.Close()
	}
	p.idle = slices.Delete(p.idle, 0, n)
}
