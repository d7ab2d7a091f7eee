package gateway_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/wxgate/wxgate/session"
)

// memorySessions are sessions that replicas share in memory, for the clock of
// synctest.
type memorySessions struct {
	mu      sync.Mutex
	records map[string]string        // binary forms of sessions, by id
	locks   map[string]chan struct{} // a channel, not a mutex, which would stop the clock
	cached  map[string]string        // what Load reads instead of records; nil: nothing
}

// cache makes Load go on with the records as they are now.
func (m *memorySessions) cache() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cached = maps.Clone(m.records)
}

func newMemorySessions() *memorySessions {
	return &memorySessions{records: make(map[string]string), locks: make(map[string]chan struct{})}
}

// open is a [gateway.Site.Sessions].
func (m *memorySessions) open(c session.Config) (session.Store, error) {
	cookie, err := session.NewIDCookie(c)
	return memoryStore{m, cookie, c.Lifetime}, err
}

// get returns the record of id.
func (m *memorySessions) get(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[id]
}

// replace replaces the record of id if it is former; an empty one stands for none.
func (m *memorySessions) replace(id, former, record string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[id] != former {
		return false
	}
	delete(m.records, id)
	if record != "" {
		m.records[id] = record
	}
	return true
}

// all returns all sessions.
func (m *memorySessions) all() (all []*session.Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, record := range m.records {
		all = append(all, opened(record))
	}
	return all
}

// lock waits until nobody holds the lock of id, and returns a function that frees it.
func (m *memorySessions) lock(id string) (unlock func()) {
	m.mu.Lock()
	held, ok := m.locks[id]
	if !ok {
		held = make(chan struct{}, 1)
		m.locks[id] = held
	}
	m.mu.Unlock()
	held <- struct{}{}
	return func() { <-held }
}

func sealed(s *session.Session) string {
	record, err := s.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return string(record)
}

func opened(record string) *session.Session {
	s := new(session.Session)
	if err := s.UnmarshalBinary([]byte(record)); err != nil {
		panic(err)
	}
	return s
}

// memoryStore is the store of one replica.
type memoryStore struct {
	*memorySessions
	cookie   *session.IDCookie
	lifetime session.Lifetime
}

var _ session.Updater = memoryStore{}

// find returns the id of r's session, and its record.
func (m memoryStore) find(r *http.Request) (id, record string) {
	for id := range m.cookie.All(r) {
		if record := m.get(id); record != "" && m.lifetime.Valid(opened(record), time.Now()) {
			return id, record
		}
	}
	return "", ""
}

func (m memoryStore) Load(r *http.Request) (*session.Session, error) {
	id, record := m.find(r)
	if record == "" {
		return nil, session.ErrNone
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return opened(cmp.Or(m.cached[id], record)), nil
}

func (m memoryStore) Save(r *http.Request, header http.Header, s *session.Session) error {
	former, record := m.find(r)
	m.replace(former, record, "")
	id := rand.Text()
	m.replace(id, "", sealed(s))
	return m.cookie.Set(header, id, s)
}

func (m memoryStore) Renew(r *http.Request, header http.Header, s *session.Session) error {
	id, record := m.find(r)
	if record == "" {
		return nil
	}
	renewed := *s
	renewed.Token = opened(record).Token
	if !m.replace(id, record, sealed(&renewed)) {
		return nil
	}
	return m.cookie.Set(header, id, s)
}

func (m memoryStore) Delete(r *http.Request, header http.Header) error {
	id, record := m.find(r)
	m.replace(id, record, "")
	m.cookie.Remove(header)
	return nil
}

func (m memoryStore) Update(r *http.Request, _ *session.Session) session.Update {
	id, _ := m.find(r)
	return func(_ context.Context, change func(*session.Session) bool) error {
		defer m.lock(id)()
		for {
			record := m.get(id)
			if record == "" {
				return session.ErrNone
			}
			s := opened(record)
			if !change(s) || m.replace(id, record, sealed(s)) {
				return nil
			}
		}
	}
}
