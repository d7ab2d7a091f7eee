package redisstore

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
	"golang.org/x/time/rate"
)

const (
	// redialPause is the time between two connections to a server, once there were
	// redialBurst in a short time.
	redialPause = 100 * time.Millisecond
	// redialBurst is enough for all connections to a server at once.
	redialBurst = 1 + dedicatedConns
	// firstRetry is the pause before a command is sent for the second time. The
	// pause doubles each time, up to lastRetry.
	firstRetry, lastRetry = 10 * time.Millisecond, 160 * time.Millisecond
)

// redials limits how often servers are dialed. While a server is down, every request
// that waits for it tries to connect again and again, and each connection costs half
// a megabyte of garbage. It is safe for concurrent use.
type redials struct {
	latest atomic.Int64 // when a server was last dialed, in Unix nanoseconds

	mu    sync.Mutex
	limit map[string]*rate.Limiter // by address
}

// dial connects to a server when its limit allows it.
func (d *redials) dial(
	ctx context.Context, address string, dialer *net.Dialer, config *tls.Config,
) (net.Conn, error) {
	d.latest.Store(time.Now().UnixNano())
	if err := d.limiter(address).Wait(ctx); err != nil {
		return nil, err
	}
	if config == nil {
		return dialer.DialContext(ctx, "tcp", address)
	}
	return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
}

func (d *redials) limiter(address string) *rate.Limiter {
	d.mu.Lock()
	defer d.mu.Unlock()
	limiter, ok := d.limit[address]
	if !ok {
		if d.limit == nil {
			d.limit = make(map[string]*rate.Limiter)
		}
		limiter = rate.NewLimiter(rate.Every(redialPause), redialBurst)
		d.limit[address] = limiter
	}
	return limiter
}

// retryDelay returns the pause before a command is sent again that has failed so many
// times. The first pauses of rueidis are microseconds.
func retryDelay(failures int, _ rueidis.Completed, _ error) time.Duration {
	return min(firstRetry<<min(failures-1, 10), lastRetry)
}
