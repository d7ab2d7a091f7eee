package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// The locks of rueidislock are extended until a time of this process's clock, so
// that one whose clock is an hour ahead holds its locks for an hour after it died;
// and while Redis is away, an attempt takes five seconds.

const (
	// lockLife is how long a lock outlives its holder.
	lockLife = 3 * time.Second
	// lockRenewal is the time between two renewals of a lock, and limits each.
	lockRenewal = 500 * time.Millisecond
	// lockPoll is about how long a process waits before it tries again.
	lockPoll = 50 * time.Millisecond
)

var (
	// ErrLocked is the error of [Client.TryLock] while the lock is held.
	ErrLocked = errors.New("redisstore: the lock is held")
	// ErrLockLost is the [context.Cause] of the end of a lock's context when the lock
	// is no longer held: Redis lost it, or did not answer for too long.
	ErrLockLost = errors.New("redisstore: the lock is lost")
)

// TryLock takes the lock called name, which at most one caller on all replicas holds
// at a time. If another holds it, the error is [ErrLocked]; any other error means
// that Redis did not answer.
//
// The lock is held until unlock is called, or until this process has died or has not
// reached Redis for three seconds. The context that TryLock returns is made of ctx
// and ends when the lock is no longer held. unlock must be called; it may be called
// again.
func (c *Client) TryLock(ctx context.Context, name string) (held context.Context, unlock func(), err error) {
	l, err := c.lock(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return l.ctx, l.unlock, nil
}

// Lock is [Client.TryLock], but waits while another holds the lock, at most until ctx
// ends.
func (c *Client) Lock(ctx context.Context, name string) (held context.Context, unlock func(), err error) {
	for {
		held, unlock, err = c.TryLock(ctx, name)
		if !errors.Is(err, ErrLocked) {
			return held, unlock, err
		}
		if err := pause(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// pause waits for a random time about lockPoll. It returns the error of ctx if that
// ends first.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(lockPoll/2 + mathrand.N(lockPoll)):
		return nil
	}
}

// A lock is one that this process has taken.
type lock struct {
	client *Client
	key    string
	holder string // random; the value in Redis

	ctx    context.Context // of the caller; ends when the lock is no longer held
	end    context.CancelCauseFunc
	stop   context.CancelFunc // ends the renewals
	ended  chan struct{}      // closed when the renewals have ended
	unlock func()
}

// lockKey returns the name of a lock's key. Its hash tag puts it beside the value of
// that name.
func lockKey(name string) string { return keyPrefix + "lock:{" + name + "}" }

// take takes a lock, or finds that the holder has it already: an answer may have been
// lost.
var take = rueidis.NewLuaScriptRetryable(`
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1`)

// extend renews a lock that the holder has.
var extend = rueidis.NewLuaScriptRetryable(`
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])`)

// release deletes a lock that the holder has.
var release = rueidis.NewLuaScriptRetryable(`
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])`)

// lock takes the lock called name if nobody holds it.
func (c *Client) lock(ctx context.Context, name string) (*lock, error) {
	l := c.newLock(name)
	until := time.Now().Add(lockLife) // no later than Redis frees it
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	var taken bool
	if err := retry(wait, func() (err error) {
		taken, err = l.run(wait, take)
		return err
	}); err != nil {
		return nil, l.client.away("lock", err)
	}
	if !taken {
		return nil, ErrLocked
	}
	l.begin(ctx, until)
	return l, nil
}

// newLock returns a lock that has not been taken yet.
func (c *Client) newLock(name string) *lock {
	return &lock{client: c, key: lockKey(name), holder: rand.Text(), ended: make(chan struct{})}
}

// begin begins the renewals of a lock that has been taken. Redis keeps it until a time
// that is not before until.
func (l *lock) begin(ctx context.Context, until time.Time) {
	l.ctx, l.end = context.WithCancelCause(ctx)
	renewals, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	l.unlock = sync.OnceFunc(l.giveBack)
	go l.keep(renewals, until)
}

// run runs a script about the lock.
func (l *lock) run(ctx context.Context, script *rueidis.Lua) (bool, error) {
	client, err := l.client.redis()
	if err != nil {
		return false, err
	}
	return exec(ctx, client, script, []string{l.key}, []string{l.holder, px(lockLife)}).AsBool()
}

// keep renews the lock until ctx ends or the lock is lost. Redis keeps the lock until
// a time that is not before until.
func (l *lock) keep(ctx context.Context, until time.Time) {
	defer close(l.ended)
	tick := time.NewTicker(lockRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		attempt, cancel := context.WithTimeout(ctx, lockRenewal)
		held, err := l.run(attempt, extend)
		cancel()
		if err == nil && held {
			until = now.Add(lockLife)
		}
		// The next attempt must end before Redis frees the lock.
		if err == nil && !held || time.Until(until) < 2*lockRenewal {
			l.end(ErrLockLost)
			return
		}
	}
}

// giveBack ends the renewals and deletes the lock. If Redis does not answer, the lock
// ends with its life.
func (l *lock) giveBack() {
	l.endRenewals()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), lockRenewal)
	defer cancel()
	l.run(ctx, release)
}

// endRenewals ends the renewals and the lock's context.
func (l *lock) endRenewals() {
	l.stop()
	<-l.ended
	l.end(nil)
}
