package gateway

import (
	"context"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/counter"
)

// SharedRate counts the logins of clients over all replicas, each of which allows
// count of them in a duration per. It adds what spent says of each client, an
// address or the /64 of one, and returns how many each has left, less than none if
// several replicas have let too many pass. A client that is missing in left may have
// been counted or not; if left is nil, none has. It returns when ctx ends, at the
// latest. The clients' addresses must not stand in the error, which is logged.
type SharedRate func(ctx context.Context, count int, per time.Duration, spent map[netip.Prefix]int) (
	left map[netip.Prefix]float64, err error)

const (
	// sharedTimeout limits a call of a SharedRate. Visitors near the limit wait for
	// it, once: a call that fails makes nobody wait until one has succeeded.
	sharedTimeout = time.Second
	// sharedPause is the time between two calls for which no visitor waits.
	sharedPause = 100 * time.Millisecond
	// sharedRetry is the time between a call that failed and the next.
	sharedRetry = 250 * time.Millisecond
	// sharedBatch limits the clients in one call.
	sharedBatch = 500
	// maxUnsent limits the clients whose events wait to be sent.
	maxUnsent = 10_000
	// lateAfter is the age from which events count only as far as the client's
	// bucket has not been filled again since.
	lateAfter = 2 * time.Second
)

// sharing counts the events of a limiter's clients over all replicas. The limiter
// decides; sharing sends it what the others have let pass, by lowering its buckets.
// Nil does nothing.
type sharing struct {
	count   SharedRate
	dropped *counter.Counter // events that were not counted
	failed  func(error)

	more  chan struct{} // there are events to be sent
	hurry chan struct{} // a visitor waits until they are

	// The limiter's lock guards the fields below.

	unsent  []*client     // those with unsent events, the oldest first
	settled chan struct{} // closed after the next call
	away    bool          // the last call failed, or no call will be made: nobody waits
}

// share is a client's part in a [sharing].
type share struct {
	queued       bool      // the client is in the list of those with unsent events
	unsent, sent int       // events that are to be sent, and those in a call that has not returned
	since, began time.Time // when the first of either came
	waiting      int       // events that wait until the others are counted
}

// none reports whether there are no events.
func (s *share) none() bool { return !s.queued && s.sent+s.waiting == 0 }

// newSharing returns nil without a count.
func newSharing(count SharedRate, dropped *counter.Counter, failed func(error)) *sharing {
	if count == nil {
		return nil
	}
	return &sharing{
		count: count, dropped: dropped, failed: failed,
		more: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		settled: make(chan struct{}),
		away:    true,
	}
}

// unsure reports whether so many events of c are not counted yet that the replicas
// together could let too many pass. A visitor who is far from the limit never waits:
// one login is two events.
func (s *sharing) unsure(c *client, room float64) bool {
	if s == nil || s.away || c.unsent+c.sent < max(2, int(room/64)) {
		return false
	}
	signal(s.hurry)
	return true
}

// add has one event of c counted, unless it came over a Unix socket: it has no
// address by which other replicas know the client.
func (s *sharing) add(c *client, now time.Time) {
	if s == nil || !c.key.IsValid() {
		return
	}
	s.queue(c, 1, now)
	signal(s.more)
}

// queue has events of c counted, of which the first came at since. If too many
// clients have some, it drops those of the client who has waited for longest.
func (s *sharing) queue(c *client, events int, since time.Time) {
	if !c.queued {
		if len(s.unsent) >= maxUnsent {
			oldest := s.unsent[0]
			s.dropped.Add(uint64(oldest.unsent))
			oldest.unsent, oldest.queued, s.unsent = 0, false, s.unsent[1:]
		}
		c.queued, c.since, s.unsent = true, since, append(s.unsent, c)
	} else if since.Before(c.since) {
		c.since = since
	}
	c.unsent += events
}

// signal makes the receiver of c look once more.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// share sends the events to be counted, until ctx ends.
func (l *limiter) share(ctx context.Context) {
	s := l.shared
	defer l.settle(nil, nil, true)
	l.settle(nil, nil, false)
	for {
		pause, hurry := sharedPause, s.hurry
		if !l.send(ctx) {
			pause, hurry = sharedRetry, nil
		}
		select {
		case <-ctx.Done():
			return
		case <-hurry:
			continue
		case <-time.After(pause):
		}
		select {
		case <-ctx.Done():
			return
		case <-s.hurry:
		case <-s.more:
		}
	}
}

// send has all unsent events counted. It reports false if a call fails.
func (l *limiter) send(ctx context.Context) bool {
	for {
		clients, more := l.batch(time.Now())
		if len(clients) > 0 && !l.call(ctx, clients) {
			return false
		}
		if !more {
			return true
		}
	}
}

// batch moves the events of the clients who have waited for longest to those that
// are sent, and reports whether there are more.
func (l *limiter) batch(now time.Time) (clients []*client, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shared
	n := min(len(s.unsent), sharedBatch)
	for _, c := range s.unsent[:n] {
		c.sent, c.began, c.unsent, c.queued = c.unsent, c.since, 0, false
		if now.Sub(c.began) >= lateAfter {
			used := math.Ceil(float64(l.burst) - c.bucket.TokensAt(now))
			c.sent = min(c.sent, max(0, int(used))) // if 0, the call shows that there are answers again
		}
	}
	clients, s.unsent = slices.Clone(s.unsent[:n]), s.unsent[n:]
	return clients, len(s.unsent) > 0
}

// call has the sent events of clients counted, and reports whether all were.
func (l *limiter) call(ctx context.Context, clients []*client) bool {
	spent := make(map[netip.Prefix]int, len(clients))
	for _, c := range clients {
		spent[c.key] = c.sent // nobody else changes it
	}
	limited, cancel := context.WithTimeout(ctx, sharedTimeout)
	left, err := l.shared.count(limited, l.rate.Count, l.rate.Per, spent)
	cancel()
	if err != nil && ctx.Err() == nil {
		l.shared.failed(err)
	}
	ok := err == nil && len(left) == len(clients)
	l.settle(clients, left, !ok)
	return ok
}

// settle ends a call about clients, and lets the events that wait for it be decided.
func (l *limiter) settle(clients []*client, left map[netip.Prefix]float64, away bool) {
	now, s := time.Now(), l.shared
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range clients {
		sent := c.sent
		c.sent = 0
		switch all, counted := left[c.key]; {
		case counted:
			l.lower(c, all-float64(c.unsent), now)
		case left == nil:
			s.queue(c, sent, c.began)
			signal(s.more)
		default:
			s.dropped.Add(uint64(sent))
		}
	}
	s.away = away
	close(s.settled)
	s.settled = make(chan struct{})
}

// lower takes from the bucket of c what it has above tokens. What has come back
// during the call may go too, once: the bucket is then the lower one.
func (l *limiter) lower(c *client, tokens float64, now time.Time) {
	if surplus := min(c.bucket.TokensAt(now)-tokens, float64(l.burst)); surplus >= 1 {
		c.bucket.ReserveN(now, int(surplus))
	}
}

// countsAlone logs that logins are not counted over all replicas.
func (c *common) countsAlone(err error) {
	c.warnings.shared.do(func() {
		c.logger.Warn().Err(err).
			Str("hint", "each replica allows the whole WXGATE_LOGIN_RATE until Redis answers").
			Msg("logins are not counted over all replicas")
	})
}
