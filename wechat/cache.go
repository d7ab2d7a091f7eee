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

	// errorPause is how long a fetch error is cached while there is no value, so
	// that a misconfigured account does not cost a call per request.
	errorPause = time.Second
)

// A cache keeps a value that WeChat gives the account for a limited time. It
// fetches another when get is called and the value has expired or is about to.
// The zero value is an empty cache. It is safe for concurrent use.
type cache struct {
	mu            sync.Mutex // never held during a call
	current       *entry     // nil: none
	nextFetch     time.Time  // no fetch starts earlier
	err           error      // of the latest fetch
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

// A fetch gets a value and its lifetime from WeChat. It is given the value that
// was invalidated last.
type fetch func(ctx context.Context, invalidated Secret) (Secret, time.Duration, error)

// get returns an entry that has not expired. A renewal is due early before the
// end, or after half of a lifetime that is shorter than twice early. It is
// delayed by a random part of up to half of that span, so that replicas do not
// all renew at once.
//
// One caller fetches. Concurrent callers get the old entry while it is valid;
// otherwise they wait, until their ctx ends. If the fetch fails while the old
// entry is valid, all callers get the old one.
func (c *cache) get(ctx context.Context, early time.Duration, fetch fetch) (*entry, error) {
	c.mu.Lock()
	now := time.Now()
	valid, pausing := c.current.valid(now), now.Before(c.nextFetch)
	switch {
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
	var invalidated Secret
	if c.invalidated != nil {
		invalidated = c.invalidated.value()
	}
	c.mu.Unlock()

	// The fetch does not end with ctx: other callers wait for it, and visitors
	// who leave must not keep it from ever succeeding.
	c.run(call, early, func() (Secret, time.Duration, error) {
		return fetch(context.WithoutCancel(ctx), invalidated)
	})
	return call.entry, call.err
}

// run makes the fetch and stores its result in the cache and in call.
func (c *cache) run(call *fetchCall, early time.Duration, fetch func() (Secret, time.Duration, error)) {
	start := time.Now() // the lifetime counts from before the call
	value, lifetime, err := Secret(""), time.Duration(0), errors.New("fetch did not return")
	// Deferred, so that nobody waits for ever when a Transport or Observe panics.
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		c.inFlight, c.err = nil, err
		switch {
		case err == nil:
			lifetime = max(lifetime, time.Second) // WeChat rounds down, in the last second to 0
			span := min(early, lifetime/2)
			c.current = &entry{func() Secret { return value }, start.Add(lifetime)}
			c.nextFetch = c.current.expires.Add(rand.N(span/2) - span)
			call.entry = c.current
		case c.current.valid(now):
			c.nextFetch = now.Add(min(retryPause, c.current.expires.Sub(now)))
			call.entry = c.current
		default:
			c.nextFetch = now.Add(errorPause)
			call.err = err
		}
		close(call.done)
	}()
	value, lifetime, err = fetch()
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
