package redisstore

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

// A heldValue is the latest value that this process has fetched or found. It is kept
// to repair what Redis has, because a value that was fetched later may have ended the
// earlier ones.
type heldValue struct {
	value   Value
	fetched stamp
	ends    time.Time
	stored  bool // Redis has had it
	refused bool // it was named as stale
}

// A stamp orders the fetches of a value. It is the time in milliseconds, or one more
// than that of the value before if that is later, so that between replicas which see
// each other's values no difference of their clocks matters.
type stamp int64

// next returns the stamp of a fetch that begins now, after those of others.
func next(others ...stamp) stamp {
	now := stamp(time.Now().UnixMilli())
	for _, other := range others {
		now = max(now, other+1)
	}
	return now
}

// left returns the value with the time that it has left now; the zero value if it is
// of no use.
func (h heldValue) left(need Need) Value {
	left := time.Until(h.ends)
	if left <= 0 || h.refused || h.value.Text == need.Stale {
		return Value{}
	}
	return Value{h.value.Text, h.value.Lifetime, left}
}

// held returns the latest value; the zero value if it has expired.
func (s *Shared) held() heldValue {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Until(s.latest.ends) <= 0 {
		return heldValue{}
	}
	return s.latest
}

// hold remembers a value, unless one is held that was fetched later.
func (s *Shared) hold(value Value, fetched stamp, stored bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fetched >= s.latest.fetched || time.Until(s.latest.ends) <= 0 {
		s.latest = heldValue{value: value, fetched: fetched, ends: time.Now().Add(value.Left), stored: stored}
	}
}

// holdLate remembers a value that Redis does not have yet. [Client.Run] stores it when
// Redis answers.
func (s *Shared) holdLate(value Value, fetched stamp) {
	s.hold(value, fetched, false)
	s.client.late.Store(s, true)
}

// forget forgets the held value.
func (s *Shared) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = heldValue{}
}

// change changes the held value if that is still the one of fetched.
func (s *Shared) change(fetched stamp, change func(*heldValue)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest.fetched == fetched {
		change(&s.latest)
	}
}

// find returns what Redis has. If this process holds a value that was fetched later,
// or one that Redis has lost, it stores that and returns it as found.
func (s *Shared) find(ctx context.Context, need Need) (found, error) {
	f, err := s.look(ctx)
	if err != nil {
		return found{}, err
	}
	later := f.value.Left > 0 && f.fetched >= s.held().fetched
	if later {
		s.hold(f.value, f.fetched, true)
	}
	held := s.held()
	if need.Stale != "" && held.value.Text == need.Stale {
		s.change(held.fetched, func(h *heldValue) { h.refused = true })
	}
	if later {
		return f, nil
	}
	lost := f.value.Left <= 0
	f.value, f.fetched = Value{}, max(f.fetched, held.fetched)
	if lost && need.Left == 0 && (held.stored || f.record != "") {
		return f, nil // the caller does not go on with the value
	}
	f.value = held.left(need)
	if f.value.Left > 0 && (!lost || f.record == "") {
		s.restore(ctx, held, f) // else the next caller tries
	}
	return f, nil
}

// restoreScript stores a value if nobody holds the lock and the former value is still
// there. It leaves a kept error, which may be of a later fetch.
var restoreScript = rueidis.NewLuaScriptRetryable(`
if redis.call("GET", KEYS[1]) or (redis.call("GET", KEYS[2]) or "") ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[2], ARGV[2], "PX", ARGV[3])
return 1`)

// restore stores the value of f, which is the held one, in place of the record of f.
// It reports false if another caller has stored a value meanwhile or is about to.
func (s *Shared) restore(ctx context.Context, held heldValue, f found) bool {
	record, err := s.sealValue(f.value, held.fetched)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stored, err := s.run(ctx, restoreScript, f.record, record, px(f.value.Left))
	if err != nil || !stored {
		return false
	}
	s.change(held.fetched, func(h *heldValue) { h.stored = true })
	return true
}

// settle stores a value that could not be stored when it was fetched. It reports
// whether nothing is left to do.
func (s *Shared) settle(ctx context.Context) bool {
	if held := s.held(); held.stored || held.left(Need{}).Left <= 0 {
		return true
	}
	if _, err := s.find(ctx, Need{}); err != nil {
		return false
	}
	held := s.held()
	return held.stored || held.left(Need{}).Left <= 0
}

// settleLate stores, once a second until ctx ends, the values that could not be stored
// when they were fetched, if Redis answers.
func (c *Client) settleLate(ctx context.Context) {
	pause := time.NewTicker(askEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		if !c.Status().Up() {
			continue
		}
		c.late.Range(func(key, _ any) bool {
			s := key.(*Shared)
			// Deleted first: a fetch meanwhile adds it again.
			if c.late.Delete(s); !s.settle(ctx) {
				c.late.Store(s, true)
			}
			return ctx.Err() == nil
		})
	}
}
