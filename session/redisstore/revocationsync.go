package redisstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	// pollEvery is how often Redis is asked for new revocations, in case that a message
	// about one was lost. With the time for the answer it is less than the five seconds
	// in which a revocation holds everywhere.
	pollEvery = 2 * time.Second
	// pollAgain is how long a process whose list is behind waits before it asks again.
	pollAgain = 250 * time.Millisecond
	// pollPause is the least time between two questions, however many messages come.
	pollPause = 20 * time.Millisecond
)

// revocationSync is what [Revocations.run] knows about the list in Redis.
type revocationSync struct {
	read       uint64    // the list is read up to this generation
	since      time.Time // when an outage was logged; zero: there is none
	unrestored bool      // a failure to write back was logged
}

// run keeps the copy of the list up to date until ctx ends.
func (r *Revocations) run(ctx context.Context) {
	wake := make(chan struct{}, 1)
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() { r.listen(ctx, wake) })
	r.client.awaitFirst(ctx)
	for first := true; ; first = false {
		r.note(ctx, r.update(ctx))
		if first {
			close(r.tried)
		}
		pause := pollEvery
		if r.Behind() {
			pause = pollAgain
		}
		if !sleep(ctx, pollPause, nil) || !sleep(ctx, pause, wake) {
			return
		}
	}
}

// sleep waits for d, or until something is in wake. It reports false if ctx ended.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-wake:
	}
	return true
}

// update reads what is new in the list, or the whole list if this process was cut off
// or Redis holds other earlier revocations than this process knows.
func (r *Revocations) update(ctx context.Context) error {
	if !r.Behind() {
		same, err := r.readNew(ctx)
		if same || err != nil {
			return err
		}
	}
	return r.readAll(ctx)
}

// readNew reads the revocations that are new since the last time. It reports false if
// Redis has another number of revocations than this process then knows.
func (r *Revocations) readNew(ctx context.Context) (same bool, err error) {
	known, oldest := r.current.Load(), r.oldest()
	list, stored, err := r.client.revocationsAfter(ctx, r.sync.read, oldest)
	if err != nil {
		return false, err
	}
	r.noteRead(list)
	return len(known.with(list, oldest).byMember) == stored, nil
}

// readAll reads the whole list, and writes back what Redis has lost.
func (r *Revocations) readAll(ctx context.Context) error {
	list, _, err := r.client.revocationsAfter(ctx, 0, r.oldest())
	if err != nil {
		return err
	}
	r.sync.read = 0
	r.noteRead(list)
	r.restore(ctx, r.current.Load().missing(list))
	return nil
}

// noteRead adds revocations that were read, in the order of their generations.
func (r *Revocations) noteRead(list []revocation) {
	known, unknown := r.current.Load().newest, 0
	for _, x := range list {
		if x.generation > known {
			unknown++
		}
	}
	if unknown > 0 {
		r.client.logger.Info().Int("revocations", unknown).Msg("revocations received")
	}
	r.add(list)
	if len(list) > 0 {
		r.sync.read = list[len(list)-1].generation
	}
}

// restore writes back revocations that Redis has lost: it was emptied, or a replica of
// it has become the master without the last writes. Without this a process that starts
// now would not know them.
func (r *Revocations) restore(ctx context.Context, lost []revocation) {
	restored := int64(0)
	for page := range slices.Chunk(lost, revocationPage) {
		n, err := r.client.restoreRevocations(ctx, page, r.keep)
		if err != nil {
			if !r.sync.unrestored && ctx.Err() == nil {
				r.sync.unrestored = true
				r.client.logger.Warn().Err(err).Str("hint", Hint(err)).
					Msg("cannot write back revocations that redis has lost")
			}
			return
		}
		restored += n
	}
	r.sync.unrestored = false
	if restored > 0 {
		r.client.logger.Warn().Int64("revocations", restored).Msg("wrote back revocations that redis had lost")
	}
}

// note notes whether the list is up to date, and logs when that changes.
func (r *Revocations) note(ctx context.Context, err error) {
	s, logger := &r.sync, r.client.logger
	switch {
	case ctx.Err() != nil: // err is about the end of the process
	case errors.Is(err, errNoAnswer) && r.client.Status().Down == 0: // it is connecting
	case err == nil:
		if !s.since.IsZero() {
			logger.Info().Dur("behind_ms", time.Since(s.since)).Msg("revocations are up to date again")
			s.since = time.Time{}
		}
		r.behind.Store(false)
	case s.since.IsZero():
		s.since = time.Now()
		r.behind.Store(true)
		logger.Warn().Err(err).Str("hint", Hint(err)).
			Msg("cannot read revocations: a session revoked on another replica may go on here")
	}
}

// listen wakes the reader for each message about a revocation, and whenever messages
// may have been lost.
func (r *Revocations) listen(ctx context.Context, wake chan<- struct{}) {
	poke := func() {
		select {
		case wake <- struct{}{}:
		default: // it is about to read anyway
		}
	}
	ctx = rueidis.WithOnSubscriptionHook(ctx, func(rueidis.PubSubSubscription) { poke() })
	warned := false
	for {
		err := r.client.receive(ctx, revocationsKey, poke)
		if noPermission(err) && !warned {
			warned = true
			r.client.logger.Warn().Err(err).
				Str("hint", "allow the ACL user the channels of wxgate: &wxgate:*; "+
					"until then revocations take two seconds").
				Msg("cannot subscribe to revocations")
		}
		pause := pollAgain
		if warned {
			pause = pollEvery
		}
		if !sleep(ctx, pause, nil) {
			return
		}
	}
}
