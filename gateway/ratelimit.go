package gateway

import (
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds how often one client address may begin or finish a login. Nil
// is no limit.
type limiter struct {
	limit rate.Limit
	burst int

	mu      sync.Mutex
	clients map[netip.Addr]*rate.Limiter
	sweepAt int // clients at which the idle ones are forgotten
}

const minSweep = 1024

func newLimiter(r Rate) *limiter {
	if r.Count <= 0 || r.Per <= 0 {
		return nil
	}
	return &limiter{
		limit:   rate.Limit(float64(r.Count) / r.Per.Seconds()),
		burst:   r.Count,
		clients: make(map[netip.Addr]*rate.Limiter),
		sweepAt: minSweep,
	}
}

// take counts one event of addr. Where it is too many, it returns the failure
// that says so.
func (l *limiter) take(addr netip.Addr) error {
	if l == nil {
		return nil
	}
	if addr.Is6() {
		// A network hands its customer a /64: its addresses are one client.
		prefix, _ := addr.Prefix(64)
		addr = prefix.Addr()
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	client, ok := l.clients[addr]
	if !ok {
		l.sweep(now)
		client = rate.NewLimiter(l.limit, l.burst)
		l.clients[addr] = client
	}
	if client.AllowN(now, 1) {
		return nil
	}
	wait := (1 - client.TokensAt(now)) / float64(l.limit)
	return &failure{
		Status:     http.StatusTooManyRequests,
		Word:       wordTooManyRequests,
		RetryAfter: time.Duration(math.Ceil(wait)) * time.Second,
	}
}

// sweep forgets the clients whose allowance is whole again, once there are
// twice as many as the last sweep left.
func (l *limiter) sweep(now time.Time) {
	if len(l.clients) < l.sweepAt {
		return
	}
	for addr, client := range l.clients {
		if client.TokensAt(now) >= float64(l.burst) {
			delete(l.clients, addr)
		}
	}
	l.sweepAt = max(minSweep, 2*len(l.clients))
}
