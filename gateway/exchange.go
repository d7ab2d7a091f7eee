package gateway

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/wxgate/wxgate/session"
)

// exchangeMemory is how long the result of an exchange is kept: as long as a
// login's cookie lives, so that this process exchanges no login a second time.
const exchangeMemory = 10 * time.Minute

// exchanges sees to it that each login is exchanged once, however often its
// callback arrives: doubled by WeChat's browser, repeated by an impatient
// visitor, or again because the first answer never reached her. The zero value
// is ready for use.
type exchanges struct {
	mu      sync.Mutex
	byState map[string]*exchange
}

type exchange struct {
	done    chan struct{}
	session *session.Session
	err     error
}

// do returns the result of the exchange for state, which it runs on the first
// call. The exchange does not end when the client of that call gives up: the
// next one may be the same visitor. Only the wait of the others ends with ctx.
func (e *exchanges) do(ctx context.Context, state string, run func(context.Context) (*session.Session, error)) (*session.Session, error) {
	x, first := e.join(state)
	if first {
		defer close(x.done)
		x.err = errVisitorLeft // until there is a better answer: run may panic
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

// remembered returns what the exchange for state has brought, nil where that was
// no session, or where it is not known here: another replica's, or long ago.
func (e *exchanges) remembered(state string) *session.Session {
	e.mu.Lock()
	x, ok := e.byState[state]
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

// join returns the exchange for state, and whether it is new.
func (e *exchanges) join(state string) (x *exchange, first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x, ok := e.byState[state]; ok {
		return x, false
	}
	if e.byState == nil {
		e.byState = make(map[string]*exchange)
	}
	x = &exchange{done: make(chan struct{})}
	state = strings.Clone(state) // a part of the login's cookie, which is not to be kept
	e.byState[state] = x
	time.AfterFunc(exchangeMemory, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.byState, state)
	})
	return x, true
}
