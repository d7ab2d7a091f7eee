package gateway

import (
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/internal/sweep"
)

// limiter limits how often one client address may start or finish a login, or get
// a signature for the JS-SDK. Nil is no limit.
type limiter struct {
	rate  Rate
	limit rate.Limit
	burst int

	mu      sync.Mutex
	clients *sweep.Map[netip.Addr, *rate.Limiter]
}

func newLimiter(r Rate) *limiter {
	if r.Count <= 0 || r.Per <= 0 {
		return nil
	}
	return &limiter{
		rate:  r,
		limit: rate.Limit(float64(r.Count) / r.Per.Seconds()),
		burst: r.Count,
		clients: sweep.New[netip.Addr](func(client *rate.Limiter, now time.Time) bool {
			return client.TokensAt(now) >= float64(r.Count)
		}),
	}
}

// countLogin counts a login that r starts or finishes. If its client has started
// or finished too many, it returns the refusal.
func (c *common) countLogin(r *http.Request, q *facts) error {
	err := c.limiter.take(q.clientIP)
	if err != nil {
		c.warnings.rate.do(func() {
			c.logger.Warn().
				Str("client_ip", q.clientIPText()).
				Str("peer", access.Short(r.RemoteAddr)).
				Stringer("limit", c.limiter.rate).
				Str("hint", "if client_ip is the address of a proxy or balancer, add it to "+
					"WXGATE_TRUSTED_PROXIES, so that its visitors count one by one; "+
					"if many visitors share the address, raise WXGATE_LOGIN_RATE").
				Msg("login rate exceeded")
		})
	}
	return err
}

// take counts one event of addr. If that is too many, it returns the refusal.
func (l *limiter) take(addr netip.Addr) error {
	if l == nil {
		return nil
	}
	if addr.Is6() {
		// A network gives its customer a /64: its addresses are one client.
		prefix, _ := addr.Prefix(64)
		addr = prefix.Addr()
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	client, ok := l.clients.Get(addr)
	if !ok {
		client = rate.NewLimiter(l.limit, l.burst)
		l.clients.Put(addr, client, now)
	}
	if client.AllowN(now, 1) {
		return nil
	}
	wait := (1 - client.TokensAt(now)) / float64(l.limit)
	return refusal.TooManyRequests(time.Duration(math.Ceil(wait)) * time.Second)
}
