package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/wxgate/wxgate/session"
)

const (
	// spareTime is for how long a process must be able to go on with what it has, so
	// that it waits for Redis instead of fetching a value for itself alone.
	spareTime = time.Minute
	// orphanLife is for how long a value is used that could not be stored, because
	// another process is about to store a newer one.
	orphanLife = 10 * time.Second
)

// SharedConfig describes a [Shared].
type SharedConfig struct {
	// Name tells the values in Redis apart. It is not secret.
	Name string
	// Keys are the cookie keys. The value is encrypted under the first; one that was
	// encrypted under any of them is read.
	Keys session.Keys
	// Wait limits the time of [Shared.Get] until the result is stored: that of a
	// fetch and a second.
	Wait time.Duration
	// Failure returns what to keep of a fetch error, and for how long nobody fetches
	// again, if fetches have failed for so long; 0: nothing is kept. The text is
	// encrypted as the value is. nil: nothing is ever kept.
	Failure func(err error, failing time.Duration) (text string, pause time.Duration)
}

// A Value is a secret text for a limited time. It prints without the text in every
// verb of fmt.
type Value struct {
	Text     string
	Lifetime time.Duration // when it was fetched
	Left     time.Duration // of Lifetime
}

// Format implements [fmt.Formatter].
func (v Value) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "a value with %v left", v.Left) }

// A Need is what a caller of [Shared.Get] needs.
type Need struct {
	Stale string        // a value that is of no use
	Early time.Duration // time that must be left, or half of a lifetime that is shorter than twice this
	Left  time.Duration // for so long the caller can go on without a result; 0: not at all
}

// Format implements [fmt.Formatter] without the stale value.
func (n Need) Format(f fmt.State, _ rune) { io.WriteString(f, "a need") }

// KeptError is the error of another caller's fetch, which is kept in Redis.
type KeptError struct {
	Text string        // as SharedConfig.Failure returned it
	Left time.Duration // for so long nobody fetches
}

func (e *KeptError) Error() string { return "another replica could not fetch it" }

// Shared is a value that one replica fetches for all. It is safe for concurrent use.
type Shared struct {
	client *Client
	config SharedConfig

	mu     sync.Mutex // never held during a call
	latest heldValue
}

// Shared returns the shared value that config describes.
func (c *Client) Shared(config SharedConfig) *Shared { return &Shared{client: c, config: config} }

// A Fetch gets a new value.
type Fetch func(context.Context) (Value, error)

// Get returns the value in Redis if it is enough for need. Otherwise it calls fetch,
// under a lock that one caller on all replicas holds, and stores the result. Others
// wait for it; but if the value in Redis has not expired and is not stale, they get
// that without waiting, and so does the caller whose fetch fails.
//
// An error of fetch is returned as it is. For the pause that the configuration gives
// it, the others get a [*KeptError] and do not fetch.
//
// While Redis does not answer, Get calls fetch for this replica alone, or returns an
// error if need.Left is longer than a minute.
//
// The value that was fetched last is to be everybody's. One that was fetched for a
// replica alone is stored as soon as Redis answers, unless there is a later one. One
// that Redis lost is stored again by the next caller of Get whose need.Left is not 0,
// and who thus still has it.
func (s *Shared) Get(ctx context.Context, need Need, fetch Fetch) (Value, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Wait)
	defer cancel()
	if err := s.client.firstAnswer(ctx); err != nil {
		return s.alone(ctx, need, fetch, err)
	}
	for {
		found, err := s.find(ctx, need)
		if err == nil {
			if value, err, ok := found.result(need); ok {
				return value, err
			}
			var held *lock
			if held, err = s.client.lock(ctx, s.config.Name); err == nil {
				return s.underLock(ctx, held, need, fetch)
			}
		}
		switch {
		case errors.Is(err, ErrLocked) && found.valid(need):
			return found.value, nil
		case !errors.Is(err, ErrLocked) && ctx.Err() == nil:
			return s.alone(ctx, need, fetch, err)
		}
		if err := pause(ctx); err != nil {
			return Value{}, fmt.Errorf("wait for another replica's fetch: %w", err)
		}
	}
}

// underLock looks again and fetches if need be. It gives the lock back.
func (s *Shared) underLock(ctx context.Context, held *lock, need Need, fetch Fetch) (Value, error) {
	defer held.unlock()
	found, err := s.find(ctx, need)
	if err != nil { // there may be one
		found.record = unknownRecord
	} else if value, err, ok := found.result(need); ok {
		return value, err
	}
	start, fetched := time.Now(), next(found.fetched, s.held().fetched)
	value, err := fetch(ctx)
	if err != nil {
		s.keep(held, found, err)
		if found.valid(need) {
			return found.value, nil
		}
		return Value{}, err
	}
	return s.store(held, found, need, value.since(start), fetched), nil
}

// store stores a value and returns it. If another caller has taken the lock, it
// leaves Redis alone, and returns the value that the other has stored, or else value
// for a short time.
func (s *Shared) store(held *lock, found found, need Need, value Value, fetched stamp) Value {
	ctx, cancel := context.WithTimeout(context.Background(), lockRenewal)
	defer cancel()
	stored, err := s.put(ctx, held, found, value, fetched)
	if err != nil {
		s.client.warnAlone(s.config.Name, err)
		s.holdLate(value, fetched)
		return value
	}
	if stored {
		s.hold(value, fetched, true)
		return value
	}
	s.forget() // the other's value is later, whatever the clocks say
	if newer, err := s.find(ctx, need); err == nil && newer.enough(need) {
		return newer.value
	}
	value.Left = min(value.Left, orphanLife)
	value.Lifetime = value.Left
	return value
}

// alone calls fetch for this replica alone, because of err, unless the caller can
// wait.
func (s *Shared) alone(ctx context.Context, need Need, fetch Fetch, err error) (Value, error) {
	if need.Left > spareTime {
		return Value{}, s.client.away("shared value", err)
	}
	s.client.warnAlone(s.config.Name, err)
	start, fetched := time.Now(), next(s.held().fetched)
	value, err := fetch(ctx)
	if err != nil {
		return Value{}, err
	}
	s.holdLate(value.since(start), fetched)
	return value, nil
}

// since returns the value that a fetch returned that began at start.
func (v Value) since(start time.Time) Value {
	v.Left = max(v.Left-time.Since(start), time.Second)
	v.Lifetime = max(v.Lifetime, v.Left)
	return v
}

// warnAlone logs that a value is not shared.
func (c *Client) warnAlone(name string, err error) {
	c.logger.Warn().Err(err).Str("value", name).Str("hint", Hint(err)).
		Msg("a value is not shared with other replicas")
}

// firstAnswer returns at once, or, if Redis has just been asked for the first time,
// when it has answered. It returns an error while Redis does not answer.
func (c *Client) firstAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	c.awaitFirst(ctx)
	switch status := c.Status(); {
	case status.Down > 0:
		return errDown
	case !status.Answered:
		return errNoAnswer
	}
	return nil
}
