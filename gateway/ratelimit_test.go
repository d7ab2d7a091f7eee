package gateway

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/internal/sweep"
)

// Two client addresses.
const (
	ann = "203.0.113.7"
	bob = "203.0.113.8"
)

// allowed returns how many of n events of an address are allowed.
func allowed(l *limiter, addr string, n int) (count int) {
	for range n {
		if l.take(netip.MustParseAddr(addr)) == nil {
			count++
		}
	}
	return count
}

// takeRefused returns the refusal of one more event, or nil.
func takeRefused(t *testing.T, l *limiter, addr string) *refusal.Error {
	t.Helper()
	err := l.take(netip.MustParseAddr(addr))
	if err == nil {
		return nil
	}
	f, ok := errors.AsType[*refusal.Error](err)
	if !ok {
		t.Fatalf("take = %v, want a refusal", err)
	}
	return f
}

func TestLimiterBurstAndRefill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(Rate{Count: 6, Per: time.Minute}, nil)
		if got := allowed(l, ann, 10); got != 6 {
			t.Errorf("at once: %d of 10 allowed, want 6", got)
		}
		if got := allowed(l, bob, 10); got != 6 {
			t.Errorf("at once, another address: %d of 10 allowed, want 6", got)
		}
		time.Sleep(9 * time.Second)
		if got := allowed(l, ann, 1); got != 0 {
			t.Error("after 9 s: allowed, want 10 s between two")
		}
		time.Sleep(time.Second)
		if got := allowed(l, ann, 5); got != 1 {
			t.Errorf("after 10 s: %d allowed, want 1", got)
		}
		time.Sleep(30 * time.Second)
		if got := allowed(l, ann, 5); got != 3 {
			t.Errorf("after 30 s more: %d allowed, want 3", got)
		}
		time.Sleep(24 * time.Hour)
		if got := allowed(l, ann, 10); got != 6 {
			t.Errorf("after a day: %d allowed, want 6, no more than at first", got)
		}
	})
}

func TestLimiterRetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		rate  Rate
		waits time.Duration // after the allowance is used up
		want  time.Duration
	}{
		{"one a minute", Rate{1, time.Minute}, 0, time.Minute},
		{"one a minute, half of it gone", Rate{1, time.Minute}, 30 * time.Second, 30 * time.Second},
		{"rounded up", Rate{1, time.Minute}, 30*time.Second + time.Millisecond, 30 * time.Second},
		{"a moment before", Rate{1, time.Minute}, time.Minute - time.Millisecond, time.Second},
		{"ten a minute", Rate{10, time.Minute}, 0, 6 * time.Second},
		{"many", Rate{600, time.Minute}, 0, time.Second},
		{"few", Rate{1, 24 * time.Hour}, 0, 24 * time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter(test.rate, nil)
				allowed(l, ann, test.rate.Count)
				time.Sleep(test.waits)
				f := takeRefused(t, l, ann)
				if f == nil {
					t.Fatal("allowed, want a refusal")
				}
				if f.Status != http.StatusTooManyRequests || f.Word != "too_many_requests" || f.RetryAfter != test.want {
					t.Errorf("take = %d %s, Retry-After %v, want 429 too_many_requests, %v", f.Status, f.Word, f.RetryAfter, test.want)
				}
				time.Sleep(f.RetryAfter)
				if f := takeRefused(t, l, ann); f != nil {
					t.Errorf("after the advised wait: refused again for %v", f.RetryAfter)
				}
			})
		})
	}
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	for _, r := range []Rate{{}, {Count: 0, Per: time.Minute}, {Count: 1}, {Count: -1, Per: time.Minute}, {Count: 1, Per: -time.Minute}} {
		if got := allowed(newLimiter(r, nil), ann, 1000); got != 1000 {
			t.Errorf("%+v: %d of 1000 allowed, want all", r, got)
		}
	}
}

func TestLimiterGroups(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"IPv4, one address", "203.0.113.7", "203.0.113.7", true},
		{"IPv4, neighbours", "203.0.113.7", "203.0.113.8", false},
		{"IPv6, one address", "2001:db8::1", "2001:db8::1", true},
		{"IPv6, one /64", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"IPv6, one /64 with zones", "fe80::1%eth0", "fe80::2%eth1", true},
		{"IPv6, neighbouring /64", "2001:db8::1", "2001:db8:0:1::1", false},
		{"IPv6 and IPv4", "::", "0.0.0.0", false},
	}
	for _, test := range tests {
		l := newLimiter(Rate{Count: 1, Per: time.Hour}, nil)
		if l.take(netip.MustParseAddr(test.a)) != nil {
			t.Errorf("%s: the first is refused", test.name)
		}
		if same := l.take(netip.MustParseAddr(test.b)) != nil; same != test.same {
			t.Errorf("%s: %s and %s are one client is %t, want %t", test.name, test.a, test.b, same, test.same)
		}
	}
	// Requests over a Unix socket have no address and count as one client.
	l := newLimiter(Rate{Count: 1, Per: time.Hour}, nil)
	if l.take(netip.Addr{}) != nil || l.take(netip.Addr{}) == nil {
		t.Error("no address: want the first allowed and the second refused")
	}
}

// nthAddr is the nth of many addresses.
func nthAddr(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{100, byte(n >> 16), byte(n >> 8), byte(n)})
}

// Addresses that come once are removed, and one that has reached the limit is
// not.
func TestLimiterSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(Rate{Count: 2, Per: time.Hour}, nil)
		largest := 0
		for n := range 20 * sweep.Min {
			if n%sweep.Min == 0 {
				time.Sleep(30 * time.Minute) // the others have their full number again, ann does not
				allowed(l, ann, 2)
			}
			if l.take(nthAddr(n)) != nil {
				t.Fatalf("address %d is refused", n)
			}
			largest = max(largest, l.clients.Len())
			if n%sweep.Min == sweep.Min-1 && allowed(l, ann, 1) > 0 {
				t.Fatalf("after %d others, ann is allowed again", n)
			}
		}
		if largest > 3*sweep.Min {
			t.Errorf("%d clients were kept, want at most %d", largest, 3*sweep.Min)
		}
	})
}

func TestLimiterAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(Rate{Count: 50, Per: time.Hour}, nil)
		var count atomic.Int64
		var wg sync.WaitGroup
		for worker := range 20 {
			wg.Go(func() {
				for n := range 10 {
					count.Add(int64(allowed(l, ann, 1)))
					l.take(nthAddr(10*worker + n)) // a new client each
				}
			})
		}
		wg.Wait()
		if got := count.Load(); got != 50 {
			t.Errorf("20 at once: %d of 200 allowed, want 50", got)
		}
	})
}
