package redisstore

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wxgate/wxgate/session"
)

// Revocations end the sessions of one visitor, or of everybody, on all replicas and
// under every [session.Store]. Each revocation has a number that is above that of all
// earlier ones, its generation. A session has the generation that was the newest at
// its login, and every later revocation of its openid ends it.
//
// Each process keeps a copy of the list in Redis, so that [Revocations.Revoked] asks
// nobody. [Client.Run] updates the copy at once where Redis passes on the message
// about a revocation, and within two seconds in any case. A revocation that a process
// has seen stays in force there, and is written back, if Redis loses it.
//
// It is safe for concurrent use.
type Revocations struct {
	client  *Client
	keep    time.Duration // how long a revocation is kept
	current atomic.Pointer[revocationList]
	mu      sync.Mutex // held to replace current

	behind atomic.Bool
	tried  chan struct{} // closed when the list has been read, or could not be
	sync   revocationSync
}

// keepLonger is how much longer than the longest session a revocation is kept,
// because the clocks of replicas and Redis differ.
const keepLonger = time.Hour

// everybody is the member of the list for a revocation of all sessions.
const everybody = "*"

// errListFull says that no more revocations of single visitors are kept.
var errListFull = errors.New("the list of revocations is full (" + strconv.Itoa(maxRevocations) + "); " +
	"revoke all sessions instead: wxgate revoke --all")

func newRevocations(c *Client, longest time.Duration) *Revocations {
	r := &Revocations{client: c, keep: longest + keepLonger, tried: make(chan struct{})}
	r.current.Store(new(revocationList))
	r.behind.Store(true)
	return r
}

// Revocations returns the revocations that all clients of one Redis share, in every
// call the same value. longest is how long a session lasts at most; a revocation is
// kept for longer than that. The first call is before [Client.Run], which keeps the
// copy of the list up to date.
func (c *Client) Revocations(longest time.Duration) *Revocations {
	if c.revocations == nil {
		c.revocations = newRevocations(c, longest)
		c.tasks = append(c.tasks, c.revocations.run)
	}
	return c.revocations
}

// Revoke ends all sessions of openID that began before now. It holds here at once, and
// on all other replicas within five seconds. A later login is a new session. After an
// error it is not certain whether the sessions end.
func (r *Revocations) Revoke(ctx context.Context, openID string) error {
	if err := session.CheckOpenID(openID); err != nil {
		return err
	}
	m := memberOf(openID)
	return r.revoke(ctx, string(m[:]))
}

// RevokeAll is [Revocations.Revoke] for the sessions of everybody.
func (r *Revocations) RevokeAll(ctx context.Context) error { return r.revoke(ctx, everybody) }

func (r *Revocations) revoke(ctx context.Context, member string) error {
	generation, err := r.client.addRevocation(ctx, member, r.current.Load().newest, r.keep)
	switch {
	case err != nil:
		return r.client.away("revoke", err)
	case generation == 0:
		return errListFull
	}
	r.add([]revocation{{member, generation}})
	return nil
}

// Revoked reports whether s has been revoked, as far as this process knows. It does
// not ask Redis. Just after the start it waits, for a second at most, until the list
// has been read: a session that was revoked before must not go on here.
func (r *Revocations) Revoked(s *session.Session) bool {
	if !r.Tried() {
		select {
		case <-r.tried:
		case <-time.After(readTimeout):
		}
	}
	return r.current.Load().ends(s)
}

// Tried reports whether the list has been read since the start, or could not be,
// because Redis does not answer. Until then this process should get no requests.
func (r *Revocations) Tried() bool {
	select {
	case <-r.tried:
		return true
	default:
		return false
	}
}

// Generation returns the generation of a session whose login begins now. It asks
// Redis, since this process may not know yet of a revocation that came before the
// login and must not end it. While Redis does not answer, it returns the newest
// generation known: a revocation that is not known yet then ends the session, and the
// visitor signs in again.
func (r *Revocations) Generation() uint64 {
	known := r.current.Load().newest
	if r.Behind() { // do not let the visitor wait
		return known
	}
	asked, err := r.client.newestRevocation(r.client.shared.context())
	if err != nil {
		return known
	}
	return max(known, asked)
}

// Behind reports whether revocations may be missing here: the list has not been read
// yet, or Redis did not answer when it was last asked.
func (r *Revocations) Behind() bool { return r.behind.Load() }

// add adds revocations to the copy of the list.
func (r *Revocations) add(list []revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current.Store(r.current.Load().with(list, r.oldest()))
}

// oldest returns the generation above which revocations are in force.
func (r *Revocations) oldest() uint64 { return uint64(max(time.Now().Add(-r.keep).UnixMilli(), 0)) }
