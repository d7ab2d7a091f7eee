package session

import (
	"fmt"
	"time"
)

// Lifetime limits how long a session lasts. A session ends at the earlier of its
// two limits.
type Lifetime struct {
	// TTL ends a session that has not been renewed for this long.
	TTL time.Duration
	// MaxTTL ends a session this long after its login, even if it is in use.
	MaxTTL time.Duration
}

// Check returns an error if TTL or MaxTTL is not above zero.
func (l Lifetime) Check() error {
	if l.TTL <= 0 {
		return fmt.Errorf("TTL: %v; expected a duration above zero", l.TTL)
	}
	if l.MaxTTL <= 0 {
		return fmt.Errorf("MaxTTL: %v; expected a duration above zero", l.MaxTTL)
	}
	return nil
}

// ExpiresAt returns when s ends if it is not renewed.
func (l Lifetime) ExpiresAt(s *Session) time.Time {
	idle, last := s.RenewedAt.Add(l.TTL), s.IssuedAt.Add(l.MaxTTL)
	if last.Before(idle) {
		return last
	}
	return idle
}

// Valid reports whether s has not ended at now.
func (l Lifetime) Valid(s *Session, now time.Time) bool {
	return now.Before(l.ExpiresAt(s))
}

// Due reports whether s, in use at now, should be saved again with a new
// RenewedAt: half of its TTL has passed, and a renewal would extend it.
func (l Lifetime) Due(s *Session, now time.Time) bool {
	return now.Sub(s.RenewedAt) >= l.TTL/2 && l.ExpiresAt(s).Before(s.IssuedAt.Add(l.MaxTTL))
}
