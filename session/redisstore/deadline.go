package redisstore

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlineShare is how much sooner than others a call may time out.
const deadlineShare = 100 * time.Millisecond

// sharedDeadline gives calls that begin at about the same time one context, so that
// a read that the cache answers costs no timer. The context is no visitor's: one who
// leaves cancels nothing that others wait for.
type sharedDeadline struct{ latest atomic.Pointer[deadline] }

type deadline struct {
	ctx   context.Context
	until time.Time // new calls get the context until then
}

// context returns a context that ends after readTimeout, or up to deadlineShare
// later.
func (s *sharedDeadline) context() context.Context {
	now, latest := time.Now(), s.latest.Load()
	if latest != nil && now.Before(latest.until) {
		return latest.ctx
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout+deadlineShare)
	context.AfterFunc(ctx, cancel) // it ends by its deadline alone
	s.latest.Store(&deadline{ctx, now.Add(deadlineShare)})
	return ctx
}
