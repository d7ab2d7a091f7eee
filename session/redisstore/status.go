package redisstore

import (
	"sync"
	"time"
)

// Status is whether Redis answers.
type Status struct {
	// Answered is whether Redis has answered once.
	Answered bool
	// Down is for how long Redis has not answered; 0: it does.
	Down time.Duration
	// Reason is why it does not; empty: it does. It holds no password.
	Reason string
}

// Up reports whether Redis has answered and still does.
func (s Status) Up() bool { return s.Answered && s.Down == 0 }

// status is what [Client.Run] last saw of Redis.
type status struct {
	mu       sync.Mutex
	answered bool
	since    time.Time // of the outage; zero: there is none
	reason   string    // likewise
}

// Status returns whether Redis answers, as of a second ago.
func (c *Client) Status() Status {
	s := &c.status
	s.mu.Lock()
	defer s.mu.Unlock()
	status := Status{Answered: s.answered}
	if !s.since.IsZero() {
		status.Down, status.Reason = time.Since(s.since), s.reason
	}
	return status
}

// note notes the result of asking Redis, and logs when an outage begins and ends.
func (c *Client) note(err error) {
	s, now := &c.status, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && !s.answered:
		c.logger.Info().Stringer("redis", c.address).Msg("redis answers")
	case err == nil && !s.since.IsZero():
		c.logger.Info().Dur("down_ms", now.Sub(s.since)).Msg("redis answers again")
	case err != nil && s.since.IsZero():
		c.logger.Error().Err(err).Stringer("redis", c.address).Str("hint", Hint(err)).Msg("redis does not answer")
	}
	if err == nil {
		s.answered, s.since, s.reason = true, time.Time{}, ""
		c.alive.Store(now.UnixNano())
		return
	}
	s.reason = err.Error()
	if s.since.IsZero() {
		s.since = now
	}
}
