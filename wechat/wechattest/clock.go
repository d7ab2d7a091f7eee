package wechattest

import "time"

// clock is the emulator's time.
type clock struct {
	source func() time.Time
	offset time.Duration
}

func newClock(source func() time.Time) clock {
	if source == nil {
		source = time.Now
	}
	return clock{source: source}
}

func (c *clock) now() time.Time { return c.source().Add(c.offset) }

// Advance moves the emulator's clock forward: codes, tokens and tickets get
// older, quotas start again. The Delay of a [Fault] is real time and does not
// change.
func (e *Emulator) Advance(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock.offset += d
}

// Now is the emulator's time.
func (e *Emulator) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clock.now()
}
