package gateway

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/counter"
	"github.com/wxgate/wxgate/gateway/internal/sweep"
)

// A ledger counts logins over all replicas, as Redis does, in bubbles of synctest.
type ledger struct {
	mu    sync.Mutex
	full  map[netip.Prefix]time.Time // when a client's bucket is full again
	spent map[netip.Prefix]int
	calls int
	mode  ledgerMode
	omits netip.Prefix // is counted and not answered
}

// A ledgerMode is how a [ledger] answers.
type ledgerMode int

const (
	answers ledgerMode = iota // after a millisecond
	refuses                   // at once, without counting
	hangs                     // counts, and does not answer
)

// set changes how the ledger answers from now on, and begins to count calls anew.
func (l *ledger) set(mode ledgerMode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mode, l.calls = mode, 0
}

// omit leaves an address out of the answers.
func (l *ledger) omit(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.omits = clientOf(netip.MustParseAddr(addr))
}

// counted returns how many events of an address have been counted.
func (l *ledger) counted(addr string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent[clientOf(netip.MustParseAddr(addr))]
}

// asked returns the number of calls, and that of the clients in them.
func (l *ledger) asked() (calls, clients int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls, len(l.spent)
}

// count is a [SharedRate].
func (l *ledger) count(
	ctx context.Context, count int, per time.Duration, spent map[netip.Prefix]int,
) (map[netip.Prefix]float64, error) {
	l.mu.Lock()
	l.calls++
	mode, now, left := l.mode, time.Now(), make(map[netip.Prefix]float64)
	for client, n := range spent {
		if mode == refuses {
			break
		}
		full := l.full[client]
		if full.Before(now) {
			full = now
		}
		full = full.Add(time.Duration(n) * per / time.Duration(count))
		l.full[client] = full
		l.spent[client] += n
		left[client] = float64(per-full.Sub(now)) * float64(count) / float64(per)
	}
	delete(left, l.omits)
	l.mu.Unlock()
	switch mode {
	case refuses:
		return nil, errors.New("refused")
	case hangs:
		<-ctx.Done()
		return map[netip.Prefix]float64{}, ctx.Err()
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Millisecond):
	}
	return left, nil
}

// replicas are limiters that share a [ledger].
type replicas struct {
	ledger
	limiters []*limiter
	dropped  counter.Counter
	failed   atomic.Int64
}

// newReplicas starts n limiters in a bubble.
func newReplicas(t *testing.T, n int, r Rate) *replicas {
	t.Helper()
	s := new(replicas)
	s.full, s.spent = make(map[netip.Prefix]time.Time), make(map[netip.Prefix]int)
	for range n {
		l := newLimiter(r, newSharing(s.count, &s.dropped, func(error) { s.failed.Add(1) }))
		go l.share(t.Context())
		s.limiters = append(s.limiters, l)
	}
	synctest.Wait()
	return s
}

// allowed returns how many of n events of an address are allowed at each replica,
// one after another or all at the same time.
func (s *replicas) allowed(addr string, n int, atOnce bool) int {
	var count atomic.Int64
	var wg sync.WaitGroup
	for range n {
		for _, l := range s.limiters {
			if !atOnce {
				count.Add(int64(allowed(l, addr, 1)))
				continue
			}
			wg.Go(func() { count.Add(int64(allowed(l, addr, 1))) })
		}
	}
	wg.Wait()
	return int(count.Load())
}

// wantAbout checks a number of events that were allowed: not fewer than the limit,
// and at most two more for each replica.
func (s *replicas) wantAbout(t *testing.T, what string, got, limit int) {
	t.Helper()
	if most := limit + 2*len(s.limiters); got < limit || got > most {
		t.Errorf("%s: %d allowed, want %d to %d", what, got, limit, most)
	}
}

func TestSharedRate(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{1, 2, 4, 10} {
		for _, limit := range []int{10, 40, 200, 600} {
			for _, atOnce := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					s := newReplicas(t, replicas, Rate{limit, time.Hour})
					got := s.allowed(ann, 2*limit, atOnce)
					if s.wantAbout(t, "at first", got, limit); t.Failed() {
						t.Fatalf("%d replicas, %d events an hour, at once %t", replicas, limit, atOnce)
					}
					time.Sleep(time.Second)
					if got := s.allowed(ann, limit, atOnce); got > 0 {
						t.Errorf("a second later: %d allowed, want none", got)
					}
					s.wantAbout(t, "another address", s.allowed(bob, 2*limit, atOnce), limit)
				})
			}
		}
	}
}

// One who uses up what one replica allows is refused by the others, which have not
// seen them, and by those that saw them long ago.
func TestSharedRateOfOneReplica(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newReplicas(t, 4, Rate{40, time.Hour})
		for _, tt := range []struct {
			name  string
			pause time.Duration
		}{{"not seen", 0}, {"seen", 3 * time.Hour}} { // in this order
			time.Sleep(tt.pause)
			got := allowed(s.limiters[0], ann, 100)
			time.Sleep(time.Second)
			got += s.allowed(ann, 100, true)
			s.wantAbout(t, tt.name, got, 40)
		}
	})
}

// Over a long time a client gets what the limit allows, however many replicas give
// back what has come back.
func TestSharedRateInTheLongRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newReplicas(t, 4, Rate{40, time.Minute})
		got := 0
		for range 600 {
			got += s.allowed(ann, 3, true)
			time.Sleep(time.Second)
		}
		s.wantAbout(t, "in ten minutes", got, 40+10*40-1)
	})
}

// A single replica allows what it does without a count over all.
func TestSharedRateOfASingleReplica(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, r := range []Rate{{6, time.Minute}, {600, time.Minute}, {1000, time.Second}} {
			shared, alone := newReplicas(t, 1, r).limiters[0], newLimiter(r, nil)
			for step := range 200 {
				n := 1 + step%7
				got, want := allowed(shared, ann, n), allowed(alone, ann, n)
				if got != want {
					t.Fatalf("%v, step %d: %d of %d allowed, want %d", r, step, got, n, want)
				}
				time.Sleep(time.Duration(step%5) * 100 * time.Millisecond)
			}
		}
	})
}

// The time that a call takes costs a client nothing of what comes back meanwhile.
func TestSharedRateOfABusyClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = 10_000
		s, got := newReplicas(t, 1, Rate{limit, time.Second}), 0
		for began := time.Now(); time.Since(began) < 3*time.Second; time.Sleep(10 * time.Millisecond) {
			got += allowed(s.limiters[0], ann, limit/20)
		}
		if got < 39*limit/10 {
			t.Errorf("%d allowed in three seconds, want nearly %d", got, 4*limit)
		}
	})
}

// Who is far from the limit waits for nothing, whatever the count does. Who is near
// waits a moment at most, and no longer once the count has failed.
func TestSharedRateWaits(t *testing.T) {
	t.Parallel()
	for _, mode := range []ledgerMode{answers, refuses, hangs} {
		synctest.Test(t, func(t *testing.T) {
			s := newReplicas(t, 2, Rate{40, time.Hour})
			s.set(mode)
			l := s.limiters[0]
			took := func(n int) time.Duration {
				before := time.Now()
				allowed(l, ann, n)
				return time.Since(before)
			}
			if d := took(2); d > 0 {
				t.Errorf("mode %d: a login takes %v, want no wait", mode, d)
			}
			if d := took(1); d > sharedTimeout {
				t.Errorf("mode %d: the next takes %v, want %v at most", mode, d, sharedTimeout)
			}
			most := time.Duration(0)
			if mode == answers {
				most = 200 * time.Millisecond
			}
			if d := took(1000); d > most {
				t.Errorf("mode %d: the rest takes %v, want %v at most", mode, d, most)
			}
		})
	}
}

// Before and after Run nobody waits.
func TestSharedRateWithoutRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newReplicas(t, 0, Rate{})
		l := newLimiter(Rate{40, time.Hour}, newSharing(s.count, &s.dropped, nil))
		if got := allowed(l, ann, 100); got != 40 {
			t.Errorf("before Run: %d allowed, want 40", got)
		}
		ctx, end := context.WithCancel(t.Context())
		go l.share(ctx)
		time.Sleep(time.Second)
		s.set(hangs)
		done := make(chan int)
		go func() { done <- allowed(l, bob, 100) }()
		synctest.Wait()
		end()
		if got := <-done; got != 40 {
			t.Errorf("while Run ends: %d allowed, want 40", got)
		}
	})
}

// While the count is away each replica counts for itself, and what it has let pass is
// counted later, unless it has come back by then.
func TestSharedRateAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		away time.Duration
		want int // that are counted later
	}{
		{"shortly", time.Second, 20},
		{"half a period", 30 * time.Minute, 10},
		{"long", 2 * time.Hour, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newReplicas(t, 4, Rate{20, time.Hour})
			s.set(refuses)
			if got := s.allowed(ann, 40, false); got != 4*20 {
				t.Errorf("%s: %d allowed while the count is away, want %d", tt.name, got, 4*20)
			}
			time.Sleep(tt.away)
			if n := s.counted(ann); n != 0 {
				t.Errorf("%s: %d counted while the count is away", tt.name, n)
			}
			s.set(answers)
			time.Sleep(2 * sharedRetry)
			if n := s.counted(ann); n != 4*tt.want {
				t.Errorf("%s: %d counted later, want %d", tt.name, n, 4*tt.want)
			}
			s.wantAbout(t, tt.name+": bob, later", s.allowed(bob, 40, true), 20)
			if s.failed.Load() == 0 || s.dropped.Value() != 0 {
				t.Errorf("%s: %d failures reported, %v events dropped; want some and none",
					tt.name, s.failed.Load(), s.dropped.Value())
			}
		})
	}
}

// Events that may have been counted are not sent again.
func TestSharedRateUnanswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newReplicas(t, 1, Rate{20, time.Hour})
		s.set(hangs)
		allowed(s.limiters[0], ann, 15)
		time.Sleep(10 * time.Second)
		s.set(answers)
		s.omit(bob)
		time.Sleep(10 * time.Second)
		allowed(s.limiters[0], bob, 1)
		time.Sleep(10 * time.Second)
		for _, addr := range []string{ann, bob} {
			if n, want := s.counted(addr), map[string]int{ann: 15, bob: 1}[addr]; n != want {
				t.Errorf("%s: %d counted, want %d", addr, n, want)
			}
		}
		if got := s.dropped.Value(); got != 16 {
			t.Errorf("%v events said to be dropped, want 16", got)
		}
	})
}

// One client who asks for 100,000 logins has no more of them counted than allowed, in
// few calls.
func TestSharedRateOfAnAttacker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newReplicas(t, 1, Rate{600, time.Hour})
		allowed(s.limiters[0], ann, 100_000)
		time.Sleep(time.Second)
		if calls, _ := s.asked(); s.counted(ann) != 600 || calls > 300 {
			t.Errorf("%d counted in %d calls, want 600 in 300 at most", s.counted(ann), calls)
		}
	})
}

// unsent returns the number of clients with events to be sent.
func (l *limiter) unsent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.shared.unsent)
}

// Many addresses take bounded memory while the count is away, and none when they have
// been counted.
func TestSharedRateOfManyAddresses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const many = 3 * maxUnsent
		s := newReplicas(t, 1, Rate{2, time.Minute})
		s.set(refuses)
		l := s.limiters[0]
		for n := range many {
			if l.take(nthAddr(n)) != nil {
				t.Fatalf("address %d is refused", n)
			}
		}
		time.Sleep(10 * time.Second)
		if n := l.unsent(); n != maxUnsent {
			t.Errorf("%d clients are to be counted, want %d", n, maxUnsent)
		}
		if got := s.dropped.Value(); got != many-maxUnsent {
			t.Errorf("%v events dropped, want %d", got, many-maxUnsent)
		}
		s.set(answers)
		time.Sleep(10 * time.Second)
		calls, n := s.asked()
		if n != maxUnsent || l.unsent() != 0 {
			t.Errorf("%d clients counted and %d to be, want %d and none", n, l.unsent(), maxUnsent)
		}
		if calls > maxUnsent/sharedBatch {
			t.Errorf("%d calls for %d clients, want batches", calls, maxUnsent)
		}
		time.Sleep(time.Hour)
		for n := range 2 * many { // the map sweeps when it has grown
			l.take(nthAddr(many + n))
			if n%1000 == 0 {
				time.Sleep(time.Hour)
			}
		}
		synctest.Wait()
		if n := l.clients.Len(); n > 3*sweep.Min {
			t.Errorf("%d clients are kept, want at most %d", n, 3*sweep.Min)
		}
	})
}

// Clients without an address, over Unix sockets, are not one client of all replicas.
func TestSharedRateWithoutAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newReplicas(t, 1, Rate{3, time.Hour})
		for n := range 5 {
			if allowed := s.limiters[0].take(netip.Addr{}) == nil; allowed != (n < 3) {
				t.Errorf("event %d is allowed: %t", n, allowed)
			}
			time.Sleep(time.Second)
		}
		if calls, _ := s.asked(); calls > 0 {
			t.Errorf("%d calls, want none", calls)
		}
	})
}
