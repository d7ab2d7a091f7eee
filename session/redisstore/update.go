package redisstore

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/redis/rueidis"

	"github.com/wxgate/wxgate/session"
)

// updateTimeout limits how long an update goes on while Redis does not answer, or
// while others replace the record.
const updateTimeout = 10 * time.Second

// lockTimeout limits the wait for another replica's update, which may ask WeChat.
const lockTimeout = 30 * time.Second

// errContended is the error of an update whose record others have replaced again and
// again.
var errContended = errors.New("others replaced the record again and again")

// Update implements [session.Updater].
func (s *Store) Update(r *http.Request, of *session.Session) session.Update {
	refs := s.references(r)
	openID, issuedAt := of.OpenID, of.IssuedAt
	return func(ctx context.Context, change func(*session.Session) bool) error {
		for _, ref := range refs {
			u := update{s, ref, openID, issuedAt, change}
			if err := u.run(ctx); !errors.Is(err, session.ErrNone) {
				return err
			}
		}
		return session.ErrNone
	}
}

// update changes the record at ref, if that is of the session of openID that began at
// issuedAt.
type update struct {
	store    *Store
	ref      reference
	openID   string
	issuedAt time.Time
	change   func(*session.Session) bool
}

// run changes the record while no other replica does.
func (u *update) run(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	// A lock that is lost meanwhile ends nothing: the record is only replaced as it was
	// read.
	_, unlock, err := u.store.client.Lock(wait, "session:"+u.ref.name())
	if err != nil {
		return u.store.client.away("update session", err)
	}
	defer unlock()
	return u.attempts(ctx)
}

// attempts tries until the record is changed, or needs no change. It tries again if
// another one has replaced the record, or if Redis does not answer: an answer that was
// lost may be that to the change.
func (u *update) attempts(ctx context.Context) error {
	end, pause := time.Now().Add(updateTimeout), retryPause
	for {
		done, err := u.attempt(ctx)
		switch {
		case done, errors.Is(err, session.ErrNone):
			return err
		case err == nil:
			err = errContended
		}
		if time.Now().After(end) {
			return u.store.client.away("update session", err)
		}
		select {
		case <-ctx.Done():
			return u.store.client.away("update session", err)
		case <-time.After(pause):
			pause = min(2*pause, askEvery)
		}
	}
}

// attempt reports false if the record was replaced since attempt read it.
func (u *update) attempt(ctx context.Context) (done bool, err error) {
	key := u.ref.key()
	record, err := u.store.client.readNow(ctx, key)
	switch {
	case rueidis.IsRedisNil(err):
		return false, session.ErrNone
	case err != nil:
		return false, err
	}
	stored, err := u.store.records.open(u.ref, record)
	if err != nil || stored.OpenID != u.openID || !sameTime(stored.IssuedAt, u.issuedAt) ||
		!u.store.config.Takes(stored, time.Now()) {
		return false, session.ErrNone
	}
	if !u.change(stored) {
		return true, nil
	}
	return u.store.replace(ctx, u.ref, seenSession{key: key, record: record}, stored)
}

// readNow returns the value of a key past the cache. An error for which
// [rueidis.IsRedisNil] is true means that there is none. The end of ctx does not end the
// read.
func (c *Client) readNow(ctx context.Context, key string) (string, error) {
	client, err := c.redis()
	if err != nil {
		return "", err
	}
	start := spanStart(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	value, err := client.Do(ctx, client.B().Get().Key(key).Build()).ToString()
	addSpan(ctx, "GET", start, err)
	return value, err
}
