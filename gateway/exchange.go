package gateway

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/sweep"
	"github.com/wxgate/wxgate/session"
)

// exchangeMemory is how long the result of an exchange is kept: as long as a
// login's cookie lives, so that this process exchanges no code twice.
const exchangeMemory = 10 * time.Minute

// exchanges exchange the code of each login once, however often its callback
// arrives: sent twice by WeChat's browser, or repeated by a visitor whom the
// first answer did not reach.
type exchanges struct {
	mu      sync.Mutex
	byState *sweep.Map[string, *exchange]
}

// exchange is one exchange, under way or done.
type exchange struct {
	began   time.Time
	done    chan struct{}
	session *session.Session
	err     error
	target  string // see keepTarget
}

func newExchanges() exchanges {
	return exchanges{byState: sweep.New[string](func(x *exchange, now time.Time) bool {
		return now.Sub(x.began) >= exchangeMemory
	})}
}

// runExchange exchanges one code for the visitor's session.
type runExchange func(context.Context) (*session.Session, error)

// do returns the result of the exchange for state, which it runs on the first
// call. The exchange goes on when the client of that call leaves: the next call
// may be the same visitor's. The other calls wait until their ctx ends.
func (e *exchanges) do(ctx context.Context, state string, run runExchange) (*session.Session, error) {
	x, first := e.join(state)
	if first {
		defer close(x.done)
		x.err = errVisitorLeft // in case run panics
		x.session, x.err = run(context.WithoutCancel(ctx))
		return x.session, x.err
	}
	select {
	case <-x.done:
		return x.session, x.err
	case <-ctx.Done():
		return nil, errVisitorLeft
	}
}

// remembered returns the session of the exchange for state; nil if it brought
// none or is not known here, because another replica made it or long ago.
func (e *exchanges) remembered(state string) *session.Session {
	e.mu.Lock()
	x, ok := e.byState.Get(state)
	e.mu.Unlock()
	if !ok {
		return nil
	}
	select {
	case <-x.done:
		return x.session
	default:
		return nil
	}
}

// keepTarget keeps the address of a finished login if it is too long for the cookie
// of a spent one.
func (e *exchanges) keepTarget(login *session.Login) {
	if len(login.ReturnTo) <= session.MaxSpentReturnTo {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if x, ok := e.byState.Get(login.State); ok {
		x.target = strings.Clone(login.ReturnTo)
	}
}

// target returns the address that a spent login leads to: the one kept here, else
// the one in its cookie, which is that of a home page if another replica finished
// the login.
func (e *exchanges) target(spent *session.Login) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x, ok := e.byState.Get(spent.State); ok && x.target != "" {
		return x.target
	}
	return spent.ReturnTo
}

// join returns the exchange for state, and whether it is new.
func (e *exchanges) join(state string) (x *exchange, first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x, ok := e.byState.Get(state); ok {
		return x, false
	}
	x = &exchange{began: time.Now(), done: make(chan struct{})}
	// A clone: state is a part of the login's cookie, which is not to be kept.
	e.byState.Put(strings.Clone(state), x, x.began)
	return x, true
}
