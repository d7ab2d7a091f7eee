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
	// retryPause is the pause after a fetch that did not help: a failed renewal
	// while the old value is still valid, or a new value that is refused too.
	// One fetch a minute all day stays below the 2,000 calls of cgi-bin/token.
	retryPause = time.Minute

	// askPause is the pause after which a process that has a shared value asks
	// whether it is still the shared one. It is short against the five minutes for
	// which WeChat accepts a token after its successor.
	askPause = 30 * time.Second

	// The shortest and longest time for which a fetch error is cached while there
	// is no value, see errorPause.
	minAwayPause    = time.Second // an error that may be gone soon
	maxAwayPause    = time.Minute
	minRefusedPause = time.Minute // one that stays until somebody corrects a setting
	maxRefusedPause = 10 * time.Minute
)

// errorPause returns how long a fetch error is cached while there is no value, so
// that an account which WeChat refuses does not cost a call per request: half as
// long as fetches have failed, within the limits for this kind of error.
func errorPause(err error, failing time.Duration) time.Duration {
	if refusal, ok := errors.AsType[*Error](err); ok && refusal.Class() != Later {
		return min(max(failing/2, minRefusedPause), maxRefusedPause)
	}
	return min(max(failing/2, minAwayPause), maxAwayPause)
}

// A cache keeps a value that WeChat gives the account for a limited time. It
// fetches another when get is called and the value has expired or is about to.
// The zero value is an empty cache. It is safe for concurrent use.
type cache struct {
	mu            sync.Mutex // never held during a call
	current       *entry     // nil: none
	nextFetch     time.Time  // no fetch starts earlier
	nextAsk       time.Time  // nobody asks for the shared value earlier
	err           error      // of the latest fetch
	failingSince  time.Time  // the first fetch that failed without a value; zero: none has
	inFlight      *fetchCall // the fetch in progress; nil: none
	invalidated   *entry     // by the latest invalidate that had an effect
	invalidatedAt time.Time
}

// An entry is a value and its expiry. The value is inside a function because fmt
// does not call the methods of a [Secret] in an unexported field.
type entry struct {
	value   func() Secret
	expires time.Time
}

func (e *entry) valid(now time.Time) bool { return e != nil && now.Before(e.expires) }

// A fetchCall is one fetch, whose result all callers share that come meanwhile.
type fetchCall struct {
	done  chan struct{} // closed when the other fields are set
	entry *entry
	err   error
}

// wait returns the result of the fetch, or an error when ctx ends first.
func (f *fetchCall) wait(ctx context.Context) (*entry, error) {
	select {
	case <-f.done:
		return f.entry, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another call: %w", ctx.Err())
	}
}

// A fetch gets a value from WeChat. It is given the value that was invalidated last.
type fetch func(ctx context.Context, invalidated Secret) (Lease, error)

// get returns an entry that has not expired. A renewal is due early before the
// end, or after half of a lifetime that is shorter than twice early. It is
// delayed by a random part of up to half of that span, so that replicas do not
// all renew at once. If the value is shared, a renewal takes the one that another
// process has fetched since, and between renewals a caller asks for it.
//
// One caller fetches. Concurrent callers get the old entry while it is valid;
// otherwise they wait, until their ctx ends. If the fetch fails while the old
// entry is valid, all callers get the old one.
func (c *cache) get(ctx context.Context, early time.Duration, shared Shared, fetch fetch) (*entry, error) {
	c.mu.Lock()
	now := time.Now()
	valid, pausing := c.current.valid(now), now.Before(c.nextFetch)
	switch {
	case valid && pausing && shared != nil && c.inFlight == nil && !now.Before(c.nextAsk) && ctx.Err() == nil:
		former, need := c.current, c.need(0, now)
		c.nextAsk = now.Add(askPause)
		c.mu.Unlock()
		c.ask(context.WithoutCancel(ctx), former, early, shared, need)
		return c.get(ctx, early, shared, fetch)
	case valid && (pausing || c.inFlight != nil || ctx.Err() != nil):
		defer c.mu.Unlock()
		return c.current, nil
	case c.inFlight != nil:
		call := c.inFlight
		c.mu.Unlock()
		return call.wait(ctx)
	case pausing:
		defer c.mu.Unlock()
		return nil, c.err
	case ctx.Err() != nil:
		defer c.mu.Unlock()
		return nil, ctx.Err()
	}
	call := &fetchCall{done: make(chan struct{})}
	c.inFlight = call
	need := c.need(early, now)
	c.mu.Unlock()

	// The fetch does not end with ctx: other callers wait for it, and visitors
	// who leave must not keep it from ever succeeding.
	c.run(call, early, func() (Lease, error) {
		return share(context.WithoutCancel(ctx), shared, need, fetch)
	})
	return call.entry, call.err
}

// errNotDue is what a fetch returns to a caller that only asks for the shared value.
var errNotDue = &KeptError{Err: errors.New("no renewal is due")}

// ask replaces the entry former by the shared value, without a fetch. An error changes
// nothing.
func (c *cache) ask(ctx context.Context, former *entry, early time.Duration, shared Shared, need Need) {
	start := time.Now()
	lease, err := shared.Lease(ctx, need, func(context.Context) (Lease, error) { return Lease{}, errNotDue })
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.current == former { // else it was invalidated or renewed meanwhile
		c.put(lease, early, start)
	}
}

// need returns what the cache needs now.
func (c *cache) need(early time.Duration, now time.Time) Need {
	need := Need{Early: early}
	if c.current.valid(now) {
		need.Left = c.current.expires.Sub(now)
	}
	if c.invalidated != nil {
		need.Stale = c.invalidated.value()
	}
	return need
}

// run makes the fetch and stores its result in the cache and in call.
func (c *cache) run(call *fetchCall, early time.Duration, fetch func() (Lease, error)) {
	start := time.Now() // the lifetime counts from before the call
	lease, err := Lease{}, errors.New("fetch did not return")
	// Deferred, so that nobody waits for ever when a Transport or Observe panics.
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		c.inFlight, c.err = nil, err
		switch {
		case err == nil:
			c.failingSince = time.Time{}
			c.put(lease, early, start)
			call.entry = c.current
		case c.current.valid(now):
			c.schedule(now, now.Add(min(retryPause, c.current.expires.Sub(now))))
			call.entry = c.current
		default:
			c.fail(err, now)
			call.err = c.err
		}
		close(call.done)
	}()
	lease, err = fetch()
}

// put makes a lease the current entry. Its time counts from start.
func (c *cache) put(lease Lease, early time.Duration, start time.Time) {
	left := max(lease.Left, time.Second) // WeChat rounds down, in the last second to 0
	span := min(early, max(lease.Lifetime, left)/2)
	same := c.current != nil && c.current.value() == lease.Value
	c.current = &entry{func() Secret { return lease.Value }, start.Add(left)}
	switch {
	case same && start.Before(c.nextFetch): // its renewal has a time
		c.schedule(start, c.nextFetch)
	case left < span: // a shared value that another process is to renew
		c.schedule(start, start.Add(min(retryPause, left)))
	default:
		c.schedule(start, c.current.expires.Add(rand.N(span/2)-span))
	}
}

// schedule sets the time of the next fetch, and that of the next question for the
// shared value, which a fetch soon makes needless.
func (c *cache) schedule(now, fetch time.Time) {
	c.nextFetch, c.nextAsk = fetch, now.Add(askPause)
	if fetch.Sub(now) <= retryPause {
		c.nextAsk = fetch
	}
}

// fail keeps the error of a fetch for a pause, while there is no value.
func (c *cache) fail(err error, now time.Time) {
	if kept, ok := err.(*KeptError); ok {
		c.err, c.nextFetch = kept.Err, now.Add(kept.Left)
		return
	}
	if c.failingSince.IsZero() {
		c.failingSince = now
	}
	c.nextFetch = now.Add(errorPause(err, now.Sub(c.failingSince)))
}

// failing reports whether the latest fetch failed and its error is still cached.
func (c *cache) failing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return !c.current.valid(now) && now.Before(c.nextFetch)
}

// invalidate removes the current entry if it has this value, so that the next
// get fetches. It has an effect at most once in a retryPause.
func (c *cache) invalidate(value Secret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.current.valid(now) && c.current.value() == value && now.Sub(c.invalidatedAt) >= retryPause {
		c.invalidated, c.invalidatedAt = c.current, now
		c.current, c.nextFetch = nil, time.Time{}
	}
}
