package wechat

import (
	"context"
	"errors"
	"time"
)

// Shared keeps a token or a ticket for several processes, such as the replicas of a
// gateway, so that one of them fetches it for all.
type Shared interface {
	// Lease returns the shared value if it is enough for need. Otherwise it calls
	// fetch, while no other process does, shares the result and returns it. If a
	// fetch fails, or another process's does not end soon, it returns a shared
	// value that has not expired, if there is one.
	//
	// An error of fetch is returned as it is; that of another process's fetch is a
	// [*KeptError]. If nothing can be shared, Lease calls fetch for this process
	// alone, or returns an error if need.Left is long enough to try again.
	//
	// A process that has a value asks again every half minute, with a need.Early of
	// 0 and a fetch that fails. Thus a value that a process fetched alone can become
	// the shared one, and one that was lost be shared again.
	//
	// ctx does not end. Lease must limit its own time, and may end the context of
	// the fetch.
	Lease(ctx context.Context, need Need, fetch func(context.Context) (Lease, error)) (Lease, error)
}

// A Need is what a process needs of a shared value.
type Need struct {
	Stale Secret        // a value that is of no use, because WeChat refused it; "": none
	Early time.Duration // time that must be left, or half of a lifetime that is shorter than twice this
	Left  time.Duration // for so long the process can go on with the value that it has; 0: it has none
}

// A Lease is a token or a ticket for a limited time.
type Lease struct {
	Value    Secret
	Lifetime time.Duration // when it was fetched
	Left     time.Duration // of Lifetime
}

// newLease returns a lease that begins now.
func newLease(value Secret, lifetime time.Duration) Lease { return Lease{value, lifetime, lifetime} }

// A KeptError is a fetch error that somebody else keeps, so that a cache does not
// keep it for a pause of its own: the two pauses would add up.
type KeptError struct {
	Err  error
	Left time.Duration // for so long it is kept
}

func (e *KeptError) Error() string { return e.Err.Error() }

// Unwrap returns the error that is kept.
func (e *KeptError) Unwrap() error { return e.Err }

// SharedPause returns for how long processes that share a value should keep the
// error of a fetch, if fetches have failed for so long. It is as long as
// [TokenSource.Token] keeps it; 0: the error is about this process or is kept
// already, and another process may succeed.
func SharedPause(err error, failing time.Duration) time.Duration {
	if _, ok := errors.AsType[*KeptError](err); ok {
		return 0
	}
	if refusal, ok := errors.AsType[*Error](err); ok && refusal.aboutAddress() {
		return 0
	}
	return errorPause(err, failing)
}

// aboutAddress reports whether WeChat refused the address of this machine.
func (e *Error) aboutAddress() bool {
	switch e.Code {
	case 40164, 61004, 89501, 89503, 89506, 89507:
		return true
	}
	return false
}

// share returns a lease through shared, if that is not nil, or else by fetch.
func share(ctx context.Context, shared Shared, need Need, fetch fetch) (Lease, error) {
	own := func(ctx context.Context) (Lease, error) { return fetch(ctx, need.Stale) }
	if shared == nil {
		return own(ctx)
	}
	return shared.Lease(ctx, need, own)
}
