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
}

// status is what [Client.Run] last saw of Redis.
type status struct {
	mu       sync.Mutex
	answered bool
	since    time.Time // of the outage; zero: there is none
}

// Status returns whether Redis answers, as of a second ago.
func (c *Client) Status() Status {
	s := &c.status
	s.mu.Lock()
	defer s.mu.Unlock()
	status := Status{Answered: s.answered}
	if !s.since.IsZero() {
		status.Down = time.Since(s.since)
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
		c.logger.Info().Msg("redis answers")
	case err == nil && !s.since.IsZero():
		c.logger.Info().Dur("down_ms", now.Sub(s.since)).Msg("redis answers again")
	case err != nil && s.since.IsZero():
		c.logger.Error().Err(err).Str("hint", Hint(err)).Msg("redis does not answer")
	}
	if err == nil {
		s.answered, s.since = true, time.Time{}
		c.alive.Store(now.UnixNano())
	} else if s.since.IsZero() {
		s.since = now
	}
}
