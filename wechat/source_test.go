package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	legacyPath = "/cgi-bin/token"
	stablePath = "/cgi-bin/stable_token"
	userPath   = "/cgi-bin/user/info"
)

// newWeChat returns an emulator without a network, and a source for its stock
// account.
func newWeChat(t testing.TB, legacy bool) (*wechattest.Emulator, *wechat.TokenSource) {
	t.Helper()
	e, err := wechattest.New(wechattest.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return e, &wechat.TokenSource{Legacy: legacy, Client: &wechat.Client{
		AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, Transport: e.Transport(),
	}}
}

// bothWays runs test in a synctest bubble for each of the two kinds of token, which
// is fetched at path.
func bothWays(t *testing.T, test func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string)) {
	t.Helper()
	t.Parallel()
	for path, legacy := range map[string]bool{stablePath: false, legacyPath: true} {
		t.Run(strings.TrimPrefix(path, "/cgi-bin/"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, s := newWeChat(t, legacy)
				test(t, e, s, path)
			})
		})
	}
}

func token(t *testing.T, s *wechat.TokenSource) wechat.Secret {
	t.Helper()
	got, err := s.Token(t.Context())
	if err != nil {
		t.Fatalf("Token = %v", err)
	}
	return got.AccessToken
}

// ask makes a call that needs the account's token.
func ask(ctx context.Context, e *wechattest.Emulator, s *wechat.TokenSource) error {
	_, err := s.User(ctx, e.OpenID(wechattest.StockAppID, "lihua"))
	return err
}

func wantCalls(t *testing.T, e *wechattest.Emulator, path string, want int) {
	t.Helper()
	if got := e.Calls(path); got != want {
		t.Errorf("%d calls of %s, want %d", got, path, want)
	}
}

func TestTokenIsFetchedOnceForAll(t *testing.T) {
	bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
		var last wechat.Secret
		for fetches := 1; fetches <= 3; fetches++ { // the first one, then one after each end
			e.Fault(wechattest.Fault{Path: path, Mode: wechattest.FaultSlowHeader, Delay: time.Second})
			tokens := make([]wechat.Secret, 100)
			var wg sync.WaitGroup
			for i := range tokens {
				wg.Go(func() {
					got, err := s.Token(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					tokens[i] = got.AccessToken
				})
			}
			wg.Wait()
			for _, got := range tokens {
				if got != tokens[0] || got == last {
					t.Fatalf("fetch %d: tokens differ, or are the one that ended", fetches)
				}
			}
			last = tokens[0]
			wantCalls(t, e, path, fetches)
			time.Sleep(2 * time.Hour)
		}
	})
}

// A source that is called every second renews each token once, within the
// documented span, and always returns a valid one.
func TestTokenIsRenewedInItsSpan(t *testing.T) {
	bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
		from, to := 4*time.Minute, 2*time.Minute
		if s.Legacy {
			from, to = 10*time.Minute, 5*time.Minute
		}
		left := 2 * time.Hour
		last := token(t, s)
		for range 3 * 7200 {
			time.Sleep(time.Second)
			left -= time.Second
			got, err := s.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got.AccessToken != last {
				if left > from || left < to-time.Second {
					t.Errorf("renewed %v before the end, want %v to %v", left, from, to)
				}
				last, left = got.AccessToken, 2*time.Hour
			}
			if got.ExpiresIn != left || left <= 0 {
				t.Fatalf("ExpiresIn = %v, want %v", got.ExpiresIn, left)
			}
		}
		if n := e.Calls(path); n < 3 || n > 4 {
			t.Errorf("%d fetches in six hours, want one for each token", n)
		}
		if err := ask(t.Context(), e, s); err != nil {
			t.Error(err)
		}
	})
}

// A replica that starts later gets a stable token that ends soon.
func TestStableTokenOfAnotherReplica(t *testing.T) {
	t.Parallel()
	for _, left := range []time.Duration{301 * time.Second, 330 * time.Second, 8 * time.Minute, time.Hour} {
		t.Run(left.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, s := newWeChat(t, false)
				other := &wechat.TokenSource{Client: s.Client}
				first := token(t, other)
				time.Sleep(2*time.Hour - left)
				if got := token(t, s); got != first {
					t.Error("the replicas have different tokens")
				}
				e.ClearRequests()
				for range int(left / time.Second) {
					time.Sleep(time.Second)
					token(t, s)
				}
				if token(t, s) == first {
					t.Error("the token was not renewed")
				}
				wantCalls(t, e, stablePath, 1)
			})
		})
	}
}

// If WeChat returns the same token until its end, not every call fetches.
func TestSameTokenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, calls := time.Now(), 0
		s := &wechat.TokenSource{Client: &wechat.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			calls++
			age := int(time.Since(start) / time.Second)
			body := fmt.Sprintf(`{"access_token":"T%d","expires_in":%d}`, age/7200, 7200-age%7200)
			return answering(200, body).RoundTrip(r)
		})}}
		for i := range 3 * 7200 {
			if got, want := token(t, s), fmt.Sprint("T", i/7200); got.Reveal() != want {
				t.Fatalf("after %d s: token %s, want %s", i, got.Reveal(), want)
			}
			time.Sleep(time.Second)
		}
		if calls > 3*12 {
			t.Errorf("%d fetches in three lives, want at most 12 in each", calls)
		}
	})
}

func TestFailingRenewal(t *testing.T) {
	for _, fault := range []wechattest.Fault{
		{Mode: wechattest.FaultErrcode, Code: 45009},
		{Mode: wechattest.FaultErrcode, Code: -1},
		{Mode: wechattest.FaultStatus},
		{Mode: wechattest.FaultTruncated},
		{Mode: wechattest.FaultResetAfter},
	} {
		t.Run(fmt.Sprint(fault.Mode, fault.Code), func(t *testing.T) {
			bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
				first := token(t, s)
				e.ClearRequests()
				armed := fault
				armed.Path, armed.Times = path, -1
				e.Fault(armed)
				for range 7199 {
					time.Sleep(time.Second)
					if token(t, s) != first {
						t.Fatal("another token")
					}
				}
				if n := e.Calls(path); n < 2 || n > 10 {
					t.Errorf("%d attempts to renew, want one a minute", n)
				}

				time.Sleep(time.Second) // to the end of the token
				e.ClearRequests()
				for range 100 {
					_, err := s.Token(t.Context())
					if got := outcome(false, err); fault.Code != 0 && got != fmt.Sprint(fault.Code) || fault.Code == 0 && got != "away" {
						t.Fatalf("Token = %s (%v)", got, err)
					}
				}
				wantCalls(t, e, path, 1)
				time.Sleep(time.Second)
				if _, err := s.Token(t.Context()); err == nil {
					t.Error("Token gave one that has ended")
				}
				wantCalls(t, e, path, 2)

				e.ClearFaults()
				time.Sleep(time.Second)
				if token(t, s) == first {
					t.Error("the token that ended was given again")
				}
			})
		})
	}
}

func TestCancelledWaiter(t *testing.T) {
	bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Token(done); !errors.Is(err, context.Canceled) {
			t.Errorf("Token with an ended ctx = %v, want context.Canceled", err)
		}
		wantCalls(t, e, path, 0)

		e.Fault(wechattest.Fault{Path: path, Mode: wechattest.FaultSlowHeader, Delay: 3 * time.Second})
		start := time.Now()
		var wg sync.WaitGroup
		call := func(patience, want time.Duration, wantErr error) {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := s.Token(ctx)
				if !errors.Is(err, wantErr) || wantErr == nil && err != nil {
					t.Errorf("with %v of patience: Token = %v, want %v", patience, err, wantErr)
				}
				if got := time.Since(start); got != want {
					t.Errorf("with %v of patience: Token took %v, want %v", patience, got, want)
				}
			})
			synctest.Wait()
		}
		call(time.Second, 3*time.Second, nil) // makes the call, even after its ctx ended
		call(2*time.Second, 2*time.Second, context.DeadlineExceeded)
		call(time.Minute, 3*time.Second, nil)
		wg.Wait()
		wantCalls(t, e, path, 1)

		if _, err := s.Token(done); err != nil {
			t.Errorf("Token with an ended ctx = %v, want the cached one", err)
		}
		time.Sleep(2*time.Hour - 4*time.Minute) // renewal of a legacy token is due already
		e.Fault(wechattest.Fault{Path: path, Mode: wechattest.FaultHang})
		if _, err := s.Token(done); err != nil {
			t.Errorf("Token with an ended ctx = %v, want the old one", err)
		}
		wantCalls(t, e, path, 1)
	})
}

// While one caller renews, the others get the old token without waiting.
func TestOldTokenDuringRenewal(t *testing.T) {
	bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
		first := token(t, s)
		time.Sleep(2*time.Hour - time.Minute)
		e.Fault(wechattest.Fault{Path: path, Mode: wechattest.FaultSlowHeader, Delay: 3 * time.Second})
		var wg sync.WaitGroup
		wg.Go(func() {
			if token(t, s) == first {
				t.Error("the caller who renews got the old token")
			}
		})
		synctest.Wait()
		start := time.Now()
		if token(t, s) != first || time.Since(start) != 0 {
			t.Errorf("another token, or after %v", time.Since(start))
		}
		wg.Wait()
		wantCalls(t, e, path, 2)
		if got, err := s.Token(t.Context()); err != nil || got.ExpiresIn != 2*time.Hour-3*time.Second {
			t.Errorf("Token = %+v, %v; want one that has lived since it was asked for", got, err)
		}
	})
}

// A panic in the caller's own Transport must not leave the others waiting.
func TestPanicDuringFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, s := newWeChat(t, false)
		s.Client.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			panic("own")
		})
		go func() {
			defer func() { recover() }()
			s.Token(t.Context())
		}()
		synctest.Wait()
		if _, err := s.Token(t.Context()); err == nil {
			t.Error("Token succeeded")
		}
		time.Sleep(time.Second)
		s.Client.Transport = e.Transport()
		token(t, s)
	})
}

func TestSourcesDoNotShowThemselves(t *testing.T) {
	t.Parallel()
	e, s := newWeChat(t, false)
	tickets := &wechat.TicketSource{Tokens: s}
	ticket, err := tickets.Ticket(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	void := token(t, s)
	e.VoidTokens(wechattest.StockAppID)
	if err := ask(t.Context(), e, s); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, source := range []any{s, tickets, struct{ S *wechat.TokenSource }{s}} {
			text := fmt.Sprintf(format, source)
			for _, secret := range []wechat.Secret{void, token(t, s), ticket} {
				if strings.Contains(text, secret.Reveal()) {
					t.Errorf("%s of %T shows a secret", format, source)
				}
			}
		}
	}
}
