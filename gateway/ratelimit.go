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

// limiter limits how often one client may start or finish a login, or get a
// signature for the JS-SDK. Nil is no limit.
type limiter struct {
	rate   Rate
	limit  rate.Limit
	burst  int
	shared *sharing // nil: the limiter knows this process alone

	mu      sync.Mutex
	clients *sweep.Map[netip.Prefix, *client]
}

// client is what a limiter knows of one client, under the limiter's lock.
type client struct {
	key    netip.Prefix
	bucket *rate.Limiter
	share  // of the count over all replicas
}

func newLimiter(r Rate, shared *sharing) *limiter {
	if r.Count <= 0 || r.Per <= 0 {
		return nil
	}
	return &limiter{
		rate:   r,
		limit:  rate.Limit(float64(r.Count) / r.Per.Seconds()),
		burst:  r.Count,
		shared: shared,
		clients: sweep.New[netip.Prefix](func(c *client, now time.Time) bool {
			return c.none() && c.bucket.TokensAt(now) >= float64(r.Count)
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
	key := clientOf(addr)
	settled, err := l.decide(key, false)
	for settled != nil {
		<-settled
		settled, err = l.decide(key, true)
	}
	return err
}

// clientOf returns the addresses that are one client with addr: a network gives its
// customer a /64. Without an address, over a Unix socket, that is the zero prefix.
func clientOf(addr netip.Addr) netip.Prefix {
	prefix, _ := addr.WithZone("").Prefix(min(64, addr.BitLen()))
	return prefix
}

// decide counts one event of a client, or returns the refusal. If that depends on
// what other replicas have let pass, it returns a channel: call decide again, as one
// that has waited, after the channel is closed.
func (l *limiter) decide(key netip.Prefix, waited bool) (settled <-chan struct{}, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.clients.Get(key)
	if !ok {
		c = &client{key: key, bucket: rate.NewLimiter(l.limit, l.burst)}
		l.clients.Put(key, c, now)
	}
	if waited {
		c.waiting--
	}
	room := c.bucket.TokensAt(now) - float64(c.waiting)
	if room >= 1 && l.shared.unsure(c, room) {
		c.waiting++
		return l.shared.settled, nil
	}
	if (c.waiting == 0 || room >= 1) && c.bucket.AllowN(now, 1) {
		l.shared.add(c, now)
		return nil, nil
	}
	wait := (1 - room) / float64(l.limit)
	return nil, refusal.TooManyRequests(time.Duration(math.Ceil(wait)) * time.Second)
}
