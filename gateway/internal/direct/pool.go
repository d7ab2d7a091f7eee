package direct

import (
	"slices"
	"sync"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/forward"
)

// sweepInterval is the time between two looks at the idle connections.
const sweepInterval = 10 * time.Second

// pool holds the idle connections of a [Transport].
type pool struct {
	mu     sync.Mutex
	idle   []*conn     // the last one was in use last
	timer  *time.Timer // of the next sweep; nil: no connection is idle
	closed bool        // keep none until one is asked for
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
	p.closed = false
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
	c.parked, c.reused = time.Now(), true
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= forward.MaxIdle {
		return false
	}
	p.idle = append(p.idle, c)
	if p.timer == nil {
		p.timer = time.AfterFunc(sweepInterval, p.sweep)
	}
	return true
}

// sweep closes the connections that have been idle for too long, and those that the
// upstream has closed.
func (p *pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := time.Now().Add(-forward.IdleTimeout)
	p.closeThose(func(c *conn) bool { return !c.parked.After(old) || !c.quiet() })
	p.timer = nil
	if len(p.idle) > 0 {
		p.timer = time.AfterFunc(sweepInterval, p.sweep)
	}
}

// closeAll closes all idle connections, and those in use when their request ends.
func (p *pool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.closeThose(func(*conn) bool { return true })
}

// closeThose closes the idle connections for which over is true.
func (p *pool) closeThose(over func(*conn) bool) {
	p.idle = slices.DeleteFunc(p.idle, func(c *conn) bool {
		if !over(c) {
			return false
		}
		c.Conn.Close()
		return true
	})
}
