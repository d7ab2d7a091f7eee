package gateway

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/wxgate/wxgate/session"
)

// An exchange that panics gives the calls that wait for it no session and no
// answer, instead of a nil session.
func TestExchangePanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newExchanges()
		release := make(chan struct{})
		go func() {
			defer func() {
				if got := recover(); got != "a bug" {
					t.Errorf("the first call panics with %v, want a bug", got)
				}
			}()
			e.do(t.Context(), "state", func(context.Context) (*session.Session, error) {
				<-release
				panic("a bug")
			})
		}()
		synctest.Wait()
		go func() {
			s, err := e.do(t.Context(), "state", func(context.Context) (*session.Session, error) {
				t.Error("the exchange ran twice")
				return nil, nil
			})
			if s != nil || err != errVisitorLeft {
				t.Errorf("the second call returns %v, %v, want no session and errVisitorLeft", s, err)
			}
		}()
		synctest.Wait()
		close(release)
		synctest.Wait()
		if s := e.remembered("state"); s != nil {
			t.Errorf("remembered = %v, want no session", s)
		}
	})
}
