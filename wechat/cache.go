package wechat

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// pause stands between renewals that bring nothing: after one that failed
	// while the old value lives, and between two values that were refused. Once
	// a minute all day is less than the 2,000 calls of cgi-bin/token.
	pause = time.Minute

	// errorPause is for how long a failure answers for itself while there is no
	// value: an account that WeChat refuses is not asked for by every visitor.
	errorPause = time.Second
)

// A cache keeps a value that WeChat gives the account for a while, and fetches
// another when it is asked for one and the value is about to end. The zero value
// is empty. It is safe for concurrent use.
type cache struct {
	mu      sync.Mutex // never held during a call
	held    *lease     // nil: none
	next    time.Time  // nothing is fetched before
	err     error      // of the latest fetch
	flight  *flight    // the fetch under way; nil: none
	dropped *lease     // what was dropped last
	drops   time.Time  // when
}

// A lease is a value and the end of its life. The value stands in a function
// because fmt does not ask a [Secret] in an unexported field how to show it.
type lease struct {
	value func() Secret
	ends  time.Time
}

func (l *lease) lives(now time.Time) bool { return l != nil && now.Before(l.ends) }

// A flight is one fetch, for all who ask meanwhile.
type flight struct {
	done  chan struct{} // closed when the rest is set
	lease *lease
	err   error
}

// A fetch asks WeChat for a value and how long it will live. It is told which
// one was dropped last.
type fetch func(ctx context.Context, dropped Secret) (Secret, time.Duration, error)

// get gives a lease on a living value. It fetches from early before the end on,
// or from half of a life that is shorter than twice that, later by up to half of
// this span, so that replicas do not ask all at once.
//
// One caller fetches. Those who come meanwhile take the old value while it lives;
// else they wait, no longer than their ctx. When the fetch fails and the old
// value lives, all get that one.
func (c *cache) get(ctx context.Context, early time.Duration, fetch fetch) (*lease, error) {
	c.mu.Lock()
	now, f := time.Now(), c.flight
	alive, rest := c.held.lives(now), now.Before(c.next)
	switch {
	case alive && (rest || f != nil || ctx.Err() != nil):
		defer c.mu.Unlock()
		return c.held, nil
	case f != nil:
		c.mu.Unlock()
		select {
		case <-f.done:
			return f.lease, f.err
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another call: %w", ctx.Err())
		}
	case rest:
		defer c.mu.Unlock()
		return nil, c.err
	case ctx.Err() != nil:
		defer c.mu.Unlock()
		return nil, ctx.Err()
	}
	f = &flight{done: make(chan struct{})}
	c.flight = f
	var dropped Secret
	if c.dropped != nil {
		dropped = c.dropped.value()
	}
	c.mu.Unlock()

	// Without ctx's end: others wait for this call, and visitors who leave must
	// not be able to keep it from ever succeeding.
	c.fly(f, early, func() (Secret, time.Duration, error) {
		return fetch(context.WithoutCancel(ctx), dropped)
	})
	return f.lease, f.err
}

// fly makes the fetch f.
func (c *cache) fly(f *flight, early time.Duration, fetch func() (Secret, time.Duration, error)) {
	start := time.Now() // the life counts from before the call
	value, life, err := Secret(""), time.Duration(0), errors.New("fetch broke off")
	// Deferred, lest all wait for ever when a Transport or Observe panics.
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		c.flight, c.err = nil, err
		switch {
		case err == nil:
			life = max(life, time.Second) // WeChat rounds down, in the last second to 0
			span := min(early, life/2)
			c.held = &lease{func() Secret { return value }, start.Add(life)}
			c.next = c.held.ends.Add(rand.N(span/2) - span)
			f.lease = c.held
		case c.held.lives(now):
			c.next = now.Add(min(pause, c.held.ends.Sub(now)))
			f.lease = c.held
		default:
			c.next = now.Add(errorPause)
			f.err = err
		}
		close(f.done)
	}()
	value, life, err = fetch()
}

// drop lets the next get fetch, if value is still the current one; at most once
// in a pause.
func (c *cache) drop(value Secret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.held.lives(now) && c.held.value() == value && now.Sub(c.drops) >= pause {
		c.dropped, c.drops = c.held, now
		c.held, c.next = nil, time.Time{}
	}
}
