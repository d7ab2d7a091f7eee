package wechat_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A value that becomes the shared one, after replicas have another, is that of all of
// them within a minute, long before theirs ends.
func TestReplicasAdoptALaterValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, first := newWeChat(t, true)
		tokens, tickets := newMemory(), newMemory()
		var all []*wechat.TokenSource
		var pages []*wechat.TicketSource
		for range 10 {
			all = append(all, &wechat.TokenSource{Client: first.Client, Legacy: true, Shared: tokens})
			pages = append(pages, &wechat.TicketSource{Tokens: all[0], Shared: tickets})
		}
		later := func(m *memory, value wechat.Secret) {
			m.lease = wechat.Lease{Value: value, Lifetime: 2 * time.Hour}
			m.ends = time.Now().Add(2 * time.Hour)
		}
		for i := range all {
			token(t, all[i])
			mustTicket(t, pages[i])
		}
		for range 5 {
			alone, err := first.Client.LegacyToken(t.Context()) // of a replica that could not share
			if err != nil {
				t.Fatal(err)
			}
			later(tokens, alone.AccessToken)
			later(tickets, "later "+alone.AccessToken)
			for range 12 { // replicas are asked at different times
				time.Sleep(5 * time.Second)
				token(t, all[0])
				mustTicket(t, pages[3])
			}
			for i := range all {
				if got := token(t, all[i]); got != alone.AccessToken {
					t.Errorf("after a minute replica %d has another token than the shared one", i)
				}
				if got := mustTicket(t, pages[i]); got != "later "+alone.AccessToken {
					t.Errorf("after a minute replica %d has another ticket than the shared one", i)
				}
			}
			time.Sleep(6 * time.Minute)
			for i, s := range all {
				if err := ask(t.Context(), e, s); err != nil {
					t.Errorf("replica %d: %v", i, err)
				}
			}
		}
		wantCalls(t, e, legacyPath, 6) // the shared one, and those fetched alone
		wantCalls(t, e, ticketPath, 1)
	})
}

// To ask for the shared value costs no fetch, even when it was lost, and no more than
// one question in half a minute.
func TestAskingFetchesNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		answer answer
	}{
		{"the same", answer{lease: wechat.Lease{Value: "T1", Lifetime: 2 * time.Hour, Left: time.Hour}}},
		{"away", answer{err: errors.New("away")}},
		{"lost", answer{err: errFetches}},
		{"kept error", answer{err: &wechat.KeptError{Err: errors.New("another's"), Left: time.Hour}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, s := newWeChat(t, true)
				shared := &asked{first: wechat.Lease{Value: "T1", Lifetime: 2 * time.Hour, Left: 2 * time.Hour}}
				shared.then = test.answer
				s.Shared = shared
				for range 1800 {
					if got := token(t, s).Reveal(); got != "T1" {
						t.Fatalf("token %s, want T1", got)
					}
					time.Sleep(time.Second)
				}
				if n := len(shared.needs); n != 60 {
					t.Errorf("%d questions in half an hour, want 60", n)
				}
				for i, need := range shared.needs[1:] {
					if need.Early != 0 || need.Left < time.Minute {
						t.Errorf("question %d needs %+v, want no time left and a caller who can go on", i+1, need)
					}
				}
				wantCalls(t, e, legacyPath, 0)
			})
		})
	}
}

var errFetches = errors.New("the Shared fetches")

// asked is a wechat.Shared that gives one answer first, and then another.
type asked struct {
	first wechat.Lease
	then  answer
	needs []wechat.Need
}

func (s *asked) Lease(
	ctx context.Context, need wechat.Need, fetch func(context.Context) (wechat.Lease, error),
) (wechat.Lease, error) {
	s.needs = append(s.needs, need)
	switch {
	case len(s.needs) == 1:
		return s.first, nil
	case s.then.err == errFetches:
		return fetch(ctx)
	}
	return s.then.lease, s.then.err
}

// While one caller waits for a slow Shared, the others get the value that there is.
func TestAskingDelaysOneCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, all := replicas(t)
		s := all[0]
		first := token(t, s)
		time.Sleep(time.Minute)
		shared := s.Shared.(*memory)
		shared.lock <- struct{}{} // somebody fetches
		var slow sync.WaitGroup
		slow.Go(func() { token(t, s) })
		synctest.Wait()
		begin := time.Now()
		if got := token(t, s); got != first || time.Since(begin) > 0 {
			t.Errorf("token %s after %v, want the old one at once", got, time.Since(begin))
		}
		// WeChat refuses it meanwhile: the answer to the slow question is of no use.
		e.VoidTokens(wechattest.StockAppID)
		var renewals sync.WaitGroup
		for range 3 {
			renewals.Go(func() {
				if got, err := s.Renew(t.Context(), first); err != nil || got.AccessToken == first {
					t.Errorf("Renew: %v, want another token", err)
				}
			})
		}
		synctest.Wait()
		<-shared.lock
		slow.Wait()
		renewals.Wait()
		if token(t, s) == first {
			t.Error("the refused token is the current one again")
		}
		wantCalls(t, e, legacyPath, 2)
	})
}
