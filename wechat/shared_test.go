package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// memory is a wechat.Shared of replicas that are in one process.
type memory struct {
	lock  chan struct{} // full while somebody fetches
	lease wechat.Lease
	ends  time.Time
}

func newMemory() *memory { return &memory{lock: make(chan struct{}, 1)} }

func (m *memory) Lease(
	ctx context.Context, need wechat.Need, fetch func(context.Context) (wechat.Lease, error),
) (wechat.Lease, error) {
	m.lock <- struct{}{}
	defer func() { <-m.lock }()
	m.lease.Left = time.Until(m.ends)
	if m.lease.Value != need.Stale && m.lease.Left >= max(1, min(need.Early, m.lease.Lifetime/2)) {
		return m.lease, nil
	}
	lease, err := fetch(ctx)
	if err == nil {
		m.lease, m.ends = lease, time.Now().Add(lease.Left)
	}
	return lease, err
}

// replicas returns ten legacy sources that share their token.
func replicas(t *testing.T) (*wechattest.Emulator, []*wechat.TokenSource) {
	t.Helper()
	e, first := newWeChat(t, true)
	shared := newMemory()
	var all []*wechat.TokenSource
	for range 10 {
		all = append(all, &wechat.TokenSource{Client: first.Client, Legacy: true, Shared: shared})
	}
	return e, all
}

// Ten replicas fetch each legacy token once, and none ever uses one that WeChat has
// ended.
func TestReplicasShareALegacyToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, all := replicas(t)
		asked := 0
		for second := range 3 * 7200 {
			for i, s := range all {
				switch {
				case (second+i)%60 != 0:
					token(t, s)
				case ask(t.Context(), e, s) != nil:
					t.Fatalf("replica %d, after %d s: the call failed", i, second)
				default:
					asked++
				}
			}
			time.Sleep(time.Second)
		}
		if n := e.Calls(legacyPath); n < 3 || n > 4 {
			t.Errorf("%d fetches in six hours, want one for each token", n)
		}
		wantCalls(t, e, userPath, asked) // WeChat refused none
	})
}

// A token that WeChat refuses is renewed once for all replicas.
func TestReplicasRenewOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, all := replicas(t)
		for round := range 3 {
			var wg sync.WaitGroup
			for _, s := range all {
				wg.Go(func() {
					if err := ask(t.Context(), e, s); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			wantCalls(t, e, legacyPath, round+1)
			for _, s := range all {
				if token(t, s) != token(t, all[0]) {
					t.Error("the replicas have different tokens")
				}
			}
			e.VoidTokens(wechattest.StockAppID)
			time.Sleep(time.Minute)
		}
	})
}

// A replica that starts late renews the token in the span of its whole lifetime.
func TestReplicaThatStartsLate(t *testing.T) {
	t.Parallel()
	for _, left := range []time.Duration{10*time.Minute + time.Second, 11 * time.Minute, 19 * time.Minute, time.Hour} {
		t.Run(left.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, all := replicas(t)
				first := token(t, all[0])
				time.Sleep(2*time.Hour - left)
				left := left
				for token(t, all[1]) == first {
					time.Sleep(time.Second)
					left -= time.Second
				}
				if left > 10*time.Minute || left < 5*time.Minute-time.Second {
					t.Errorf("renewed %v before the end, want 10 to 5 minutes", left)
				}
				wantCalls(t, e, legacyPath, 2)
			})
		})
	}
}

// Replicas share the ticket whatever kind of token they use.
func TestReplicasShareATicket(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e, tokens := newWeChat(t, legacy)
			shared := newMemory()
			var all []*wechat.TicketSource
			for range 10 {
				all = append(all, &wechat.TicketSource{Tokens: tokens, Shared: shared})
			}
			for range 7190 {
				for _, s := range all {
					mustTicket(t, s)
				}
				time.Sleep(time.Second)
			}
			if n := e.Calls(ticketPath); n < 2 || n > 12 {
				t.Errorf("legacy %v: %d fetches in two hours, want 2 to 12 as of one replica", legacy, n)
			}
		})
	}
}

// script is a wechat.Shared that gives prepared answers and keeps what it was asked.
type script struct {
	answers []answer
	needs   []wechat.Need
}

type answer struct {
	lease wechat.Lease
	err   error
}

func (s *script) Lease(
	_ context.Context, need wechat.Need, _ func(context.Context) (wechat.Lease, error),
) (wechat.Lease, error) {
	s.needs = append(s.needs, need)
	next := s.answers[0]
	s.answers = s.answers[1:]
	return next.lease, next.err
}

// What a source asks for, and for how long it uses what it gets.
func TestNeeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, s := newWeChat(t, true)
		long := func(value wechat.Secret) answer {
			return answer{lease: wechat.Lease{Value: value, Lifetime: 2 * time.Hour, Left: 2 * time.Hour}}
		}
		shared := &script{answers: []answer{
			{lease: wechat.Lease{Value: "T1", Lifetime: 2 * time.Hour, Left: 8 * time.Minute}}, long("T2"), long("T3"),
			{err: errors.New("away")}, long("T4"),
		}}
		s.Shared = shared
		want := func(value string, calls int) {
			t.Helper()
			if got := token(t, s).Reveal(); got != value || len(shared.needs) != calls {
				t.Fatalf("token %s after %d calls of Lease, want %s after %d", got, len(shared.needs), value, calls)
			}
		}
		want("T1", 1)
		time.Sleep(59 * time.Second)
		want("T1", 1)
		time.Sleep(time.Second) // it is to be renewed by another
		want("T2", 2)
		if _, err := s.Renew(t.Context(), "T2"); err != nil {
			t.Fatal(err)
		}
		want("T3", 3)
		time.Sleep(2*time.Hour - 5*time.Minute)
		want("T3", 4)
		time.Sleep(time.Minute)
		want("T4", 5)
		for i, wanted := range []wechat.Need{
			{}, {Left: 7 * time.Minute}, {Stale: "T2"},
			{Stale: "T2", Left: 5 * time.Minute}, {Stale: "T2", Left: 4 * time.Minute},
		} {
			wanted.Early = 10 * time.Minute
			if got := shared.needs[i]; got != wanted {
				t.Errorf("call %d needs %+v, stale %s; want %+v, stale %s", i, got, got.Stale.Reveal(),
					wanted, wanted.Stale.Reveal())
			}
		}
	})
}

// The error of another replica's fetch is this one's for as long as it is kept.
func TestKeptError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, s := newWeChat(t, true)
		refusal := &wechat.Error{API: "cgi-bin/token", Code: 40125}
		shared := &script{answers: []answer{
			{err: &wechat.KeptError{Err: refusal, Left: 30 * time.Second}},
			{err: &wechat.KeptError{Err: refusal}},
			{lease: wechat.Lease{Value: "T1", Lifetime: time.Hour, Left: time.Hour}},
		}}
		s.Shared = shared
		everySecond(t, 30*time.Second, "40125", askToken(t, s))
		if len(shared.needs) != 1 {
			t.Errorf("%d calls of Lease in 30 s, want 1", len(shared.needs))
		}
		if got := outcome(false, askToken(t, s)()); got != "40125" {
			t.Errorf("outcome %s, want 40125", got)
		}
		if got := token(t, s).Reveal(); got != "T1" {
			t.Errorf("token %s, want T1", got)
		}
	})
}

func TestSharedPause(t *testing.T) {
	t.Parallel()
	refused := func(code int) error { return fmt.Errorf("token: %w", &wechat.Error{API: "cgi-bin/token", Code: code}) }
	for _, test := range []struct {
		err     error
		failing time.Duration
		want    time.Duration
	}{
		{errors.New("timeout"), 0, time.Second},
		{errors.New("timeout"), 30 * time.Second, 15 * time.Second},
		{errors.New("timeout"), time.Hour, time.Minute},
		{refused(45009), 0, time.Second},
		{refused(-1), time.Hour, time.Minute},
		{refused(40125), 0, time.Minute},
		{refused(40013), time.Hour, 10 * time.Minute},
		{refused(40164), time.Hour, 0},
		{refused(61004), 0, 0},
		{refused(89503), 0, 0},
		{&wechat.KeptError{Err: refused(40125)}, 0, 0},
	} {
		if got := wechat.SharedPause(test.err, test.failing); got != test.want {
			t.Errorf("SharedPause(%v, %v) = %v, want %v", test.err, test.failing, got, test.want)
		}
	}
}
