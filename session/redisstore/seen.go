package redisstore

import (
	"sync"
	"time"

	"github.com/wxgate/wxgate/session"
)

// seenLife is how long a session is at least remembered after its last request.
const seenLife = time.Minute

// seen remembers the sessions that this process has read, so that a record which has
// not changed is not opened again, and that they go on while Redis is away. Only
// those get in whose cookie is valid. It is safe for concurrent use.
type seen struct {
	life time.Duration

	mu              sync.Mutex
	recent, earlier map[reference]*seenSession
	turned          time.Time // when recent began
}

// seenSession is a session as of its last read. Nobody changes it but under the lock.
type seenSession struct {
	key       string // of the record
	record    string
	session   *session.Session // never changed
	confirmed time.Time        // when Redis last had the record
	failed    time.Time        // when Redis last did not answer
	ended     bool             // this process has deleted the record
}

func newSeen(grace time.Duration) *seen {
	return &seen{life: max(grace, seenLife), recent: make(map[reference]*seenSession)}
}

// get returns a copy of what is remembered of ref, and false if that is nothing.
func (s *seen) get(ref reference) (seenSession, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.find(ref); entry != nil {
		return *entry, true
	}
	return seenSession{}, false
}

// find returns the entry of ref as a recent one; nil if there is none.
func (s *seen) find(ref reference) *seenSession {
	if now := time.Now(); now.Sub(s.turned) >= s.life {
		s.earlier, s.recent = s.recent, make(map[reference]*seenSession)
		if now.Sub(s.turned) >= 2*s.life {
			s.earlier = nil
		}
		s.turned = now
	}
	entry, ok := s.recent[ref]
	if !ok {
		if entry, ok = s.earlier[ref]; ok {
			s.recent[ref] = entry
			delete(s.earlier, ref)
		}
	}
	return entry
}

// put remembers that Redis had record, which holds loaded, at confirmed.
func (s *seen) put(ref reference, key, record string, loaded *session.Session, confirmed time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.find(ref)
	if entry == nil {
		entry = &seenSession{key: key}
		s.recent[ref] = entry
	}
	if entry.ended { // meanwhile
		return
	}
	entry.record, entry.session, entry.failed = record, loaded, time.Time{}
	if confirmed.After(entry.confirmed) {
		entry.confirmed = confirmed
	}
}

// fail remembers that Redis did not answer about ref.
func (s *seen) fail(ref reference, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.find(ref); entry != nil {
		entry.failed = now
	}
}

// forget removes ref.
func (s *seen) forget(ref reference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.find(ref); entry != nil && !entry.ended {
		delete(s.recent, ref)
	}
}

// end remembers that ref has been deleted, so that a read which began before that does
// not bring it back.
func (s *seen) end(ref reference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(ref) // as a recent one
	s.recent[ref] = &seenSession{ended: true}
}
