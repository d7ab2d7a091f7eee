package redisstore

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/redis/rueidis"

	"github.com/wxgate/wxgate/session"
)

// Store is the [session.Store] of one site that keeps its sessions in Redis. The
// cookie holds a random id and a secret, see [session.IDCookie].
type Store struct {
	client  *Client
	cookie  *session.IDCookie
	records records
	config  session.Config
	grace   time.Duration
	seen    *seen
}

// Sessions returns the store of the site that config describes. While Redis does not
// answer, a session that this process has seen valid within grace goes on; 0: none
// does. An error names the field of config that is wrong.
func (c *Client) Sessions(config session.Config, grace time.Duration) (*Store, error) {
	cookie, err := session.NewIDCookie(config)
	if err != nil {
		return nil, err
	}
	return &Store{c, cookie, records{config}, config, grace, newSeen(grace)}, nil
}

// Load implements [session.Store]. Of several cookies of the name, it returns the
// session of the first valid one. A record that does not open is no session. While
// Redis is away for longer than the grace, no request is certain to have no session.
func (s *Store) Load(r *http.Request) (*session.Session, error) {
	var unknown error
	for value := range s.cookie.All(r) {
		loaded, err := s.load(r.Context(), reference(value), unknown == nil)
		if err == nil {
			return loaded, nil
		}
		if !errors.Is(err, session.ErrNone) {
			unknown = err
		}
	}
	if unknown == nil && s.client.Status().Down > s.grace {
		unknown = errDown // no login would succeed
	}
	if unknown != nil {
		return nil, unknown
	}
	return nil, session.ErrNone
}

// load returns the session of ref. It does not wait for Redis if answers is false: Redis
// has just not answered about another cookie of the request.
func (s *Store) load(ctx context.Context, ref reference, answers bool) (*session.Session, error) {
	if !ref.valid() {
		return nil, session.ErrNone
	}
	known, ok := s.seen.get(ref)
	if !ok {
		known.key = ref.key()
	}
	now := time.Now()
	switch {
	case known.ended:
		return nil, session.ErrNone
	case s.inGrace(known, now) && (!answers || now.Sub(known.failed) < askEvery):
		return s.valid(known.session, now)
	case !answers:
		return nil, errDown
	}
	read, err := s.client.read(ctx, known.key, ok, min(cacheLife, s.grace))
	switch {
	case rueidis.IsRedisNil(err):
		s.seen.forget(ref)
		return nil, session.ErrNone
	case err != nil && s.inGrace(known, time.Now()):
		s.seen.fail(ref, now)
		return s.valid(known.session, now)
	case err != nil:
		return nil, s.client.away("load session", err)
	}
	if loaded := known.session; loaded == nil || known.record != read.value {
		if known.session, err = s.records.open(ref, read.value); err != nil {
			s.seen.forget(ref)
			return nil, session.ErrNone
		}
	}
	s.seen.put(ref, known.key, read.value, known.session, read.confirmed)
	return s.valid(known.session, now)
}

// inGrace reports whether a session that this process has seen may go on without
// Redis.
func (s *Store) inGrace(known seenSession, now time.Time) bool {
	return known.session != nil && now.Sub(known.confirmed) < s.grace
}

// valid returns a copy of loaded if it has not ended.
func (s *Store) valid(loaded *session.Session, now time.Time) (*session.Session, error) {
	if !s.config.Takes(loaded, now) {
		return nil, session.ErrNone
	}
	own := *loaded
	return &own, nil
}

// references returns those in the cookies of r.
func (s *Store) references(r *http.Request) []reference {
	var refs []reference
	for value := range s.cookie.All(r) {
		if ref := reference(value); ref.valid() {
			refs = append(refs, ref)
		}
	}
	return refs
}

// Save implements [session.Store]. The session gets a new id, and the sessions of the
// request's cookies end.
func (s *Store) Save(r *http.Request, header http.Header, saved *session.Session) error {
	ref := newReference()
	record, err := s.records.seal(ref, saved)
	if err != nil {
		return err
	}
	former := s.references(r)
	if err := s.client.write(r.Context(), "SET", func(b rueidis.Builder) []rueidis.Completed {
		commands := []rueidis.Completed{b.Set().Key(ref.key()).Value(record).Px(s.left(saved)).Build()}
		for _, old := range former {
			commands = append(commands, b.Del().Key(old.key()).Build())
		}
		return commands
	}); err != nil {
		return s.client.away("save session", err)
	}
	for _, old := range former {
		s.seen.end(old)
	}
	return s.cookie.Set(header, string(ref), saved)
}

// left returns how long a session has until it ends, in whole milliseconds.
func (s *Store) left(saved *session.Session) time.Duration {
	return max(time.Until(s.config.Lifetime.ExpiresAt(saved)), time.Second).Truncate(time.Millisecond)
}

// replace writes a record if the former one is still there, so that of several
// replicas one renews, and none brings back a session that has ended.
var replace = rueidis.NewLuaScript(`
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
return 1`)

// Renew implements [session.Store].
func (s *Store) Renew(r *http.Request, header http.Header, renewed *session.Session) error {
	for _, ref := range s.references(r) {
		known, ok := s.seen.get(ref)
		if !ok || known.ended || known.session.OpenID != renewed.OpenID ||
			!sameTime(known.session.IssuedAt, renewed.IssuedAt) {
			continue
		}
		if time.Since(known.failed) < askEvery {
			return s.client.away("renew session", errNoAnswer) // at once: a visitor waits
		}
		own := *renewed
		own.Token = known.session.Token // an Update may have changed it
		done, err := s.replace(r.Context(), ref, known, &own)
		if err != nil {
			return s.client.away("renew session", err)
		}
		if done {
			return s.cookie.Set(header, string(ref), renewed)
		}
		return nil
	}
	return nil
}

// sameTime reports whether two times are the same as far as a session keeps them.
func sameTime(a, b time.Time) bool { return a.Unix() == b.Unix() }

// replace replaces the record of a session that this process has read. It reports
// false if another one has replaced or deleted it since.
func (s *Store) replace(
	ctx context.Context, ref reference, known seenSession, renewed *session.Session,
) (bool, error) {
	record, err := s.records.seal(ref, renewed)
	if err != nil {
		return false, err
	}
	return s.client.replace(ctx, known.key, known.record, record, s.left(renewed))
}

// Delete implements [session.Store]. While Redis does not answer, it fails: a session
// that has not ended is not said to have ended.
func (s *Store) Delete(r *http.Request, header http.Header) error {
	ended := s.references(r)
	if len(ended) > 0 {
		if err := s.client.write(r.Context(), "DEL", func(b rueidis.Builder) (commands []rueidis.Completed) {
			for _, ref := range ended {
				commands = append(commands, b.Del().Key(ref.key()).Build())
			}
			return commands
		}); err != nil {
			return s.client.away("delete session", err)
		}
	}
	for _, ref := range ended {
		s.seen.end(ref)
	}
	s.cookie.Remove(header)
	return nil
}
