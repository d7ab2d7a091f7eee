package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// forcedCalls counts the forced renewals among the requests.
func forcedCalls(e *wechattest.Emulator) int {
	n := 0
	for _, r := range e.Requests() {
		if r.Path == stablePath && strings.Contains(r.Body, `"force_refresh":true`) {
			n++
		}
	}
	return n
}

func TestVoidedTokenIsFetchedOnceForAll(t *testing.T) {
	bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
		void := token(t, s)
		e.VoidTokens(wechattest.StockAppID)
		e.Fault(wechattest.Fault{Path: path, Mode: wechattest.FaultSlowHeader, Delay: time.Second})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := ask(t.Context(), e, s); err != nil {
					t.Errorf("Do = %v", err)
				}
			})
		}
		wg.Wait()
		wantCalls(t, e, path, 2)
		if n := forcedCalls(e); n != 0 {
			t.Errorf("%d forced renewals, want none", n)
		}
		now := token(t, s)
		time.Sleep(time.Hour)
		if got, err := s.Renew(t.Context(), void); err != nil || got.AccessToken != now {
			t.Errorf("Renew of a former token = %v, want the current one", err)
		}
		wantCalls(t, e, path, 2)
	})
}

// WeChat refuses every token: a call is tried twice and then fails, and the fetches
// stay within their quotas.
func TestTokenRefusedForEver(t *testing.T) {
	for _, code := range []int{40001, 40014, 42001} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
				e.SetLimit(legacyPath, wechattest.Limit{PerDay: 2000}) // more than a sandbox account has
				e.Fault(wechattest.Fault{Path: userPath, Times: -1, Mode: wechattest.FaultErrcode, Code: code})
				if got := outcome(false, ask(t.Context(), e, s)); got != fmt.Sprint(code) {
					t.Errorf("Do = %s, want %d", got, code)
				}
				wantCalls(t, e, userPath, 2)
				fetches := 2
				if !s.Legacy {
					fetches = 3 // the first, the same again, a forced one
				}
				wantCalls(t, e, path, fetches)
				for range 100 {
					if err := ask(t.Context(), e, s); err == nil {
						t.Fatal("Do succeeded")
					}
				}
				wantCalls(t, e, userPath, 2*101)
				wantCalls(t, e, path, fetches)

				e.ClearRequests()
				for range 24 * 60 * 4 {
					time.Sleep(15 * time.Second)
					ask(t.Context(), e, s)
				}
				if n := e.Calls(path); n > 1440+12 {
					t.Errorf("%d fetches in a day, want one a minute", n)
				}
				if n := forcedCalls(e); n > 12 || !s.Legacy && n < 10 {
					t.Errorf("%d forced renewals in a day, want one in two hours", n)
				}

				e.ClearFaults()
				time.Sleep(time.Minute)
				if err := ask(t.Context(), e, s); err != nil {
					t.Errorf("after the fault: %v", err)
				}
			})
		})
	}
}

// Other refusals and errors are returned at once.
func TestDoRepeatsNothingElse(t *testing.T) {
	t.Parallel()
	e, s := newWeChat(t, false)
	for _, code := range []int{-1, 40003, 45009, 45011, 48001} {
		e.ClearRequests()
		e.Fault(wechattest.Fault{Path: userPath, Mode: wechattest.FaultErrcode, Code: code})
		if got := outcome(false, ask(t.Context(), e, s)); got != fmt.Sprint(code) {
			t.Errorf("Do = %s, want %d", got, code)
		}
		wantCalls(t, e, userPath, 1)
	}
	wantErr, attempts := errors.New("own"), 0
	err := s.Do(t.Context(), func(context.Context, wechat.Secret) error { attempts++; return wantErr })
	if err != wantErr || attempts != 1 {
		t.Errorf("Do = %v after %d attempts, want %v after one", err, attempts, wantErr)
	}
}

// If the renewal fails, Do returns its error, not the one about the stale token.
func TestDoTellsWhyRenewingFailed(t *testing.T) {
	bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
		token(t, s)
		e.VoidTokens(wechattest.StockAppID)
		e.FreezeSecret(wechattest.StockAppID)
		for range 2 { // the refused token is not tried again
			if got := outcome(false, ask(t.Context(), e, s)); got != "40243" {
				t.Errorf("Do = %s, want 40243", got)
			}
			wantCalls(t, e, userPath, 1)
			time.Sleep(time.Second)
		}
	})
}

// A stable token when other programs force renewals.
func TestForcedByOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, s := newWeChat(t, false)
		first := token(t, s)
		force := func() {
			t.Helper()
			if _, err := s.Client.StableToken(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
		force()
		time.Sleep(4 * time.Minute) // the former token works for five
		if err := ask(t.Context(), e, s); err != nil || token(t, s) != first {
			t.Errorf("in the overlap: %v, want success with the former token", err)
		}
		time.Sleep(2 * time.Minute)
		if err := ask(t.Context(), e, s); err != nil || token(t, s) == first {
			t.Errorf("after the overlap: %v, want success with another token", err)
		}
		force()
		time.Sleep(30 * time.Second)
		force() // ends our token at once
		time.Sleep(time.Minute)
		if err := ask(t.Context(), e, s); err != nil {
			t.Errorf("after two forced renewals: %v", err)
		}
		if n := forcedCalls(e); n != 3 {
			t.Errorf("%d forced renewals, want the three of others", n)
		}
	})
}

func TestLegacyOverlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, s := newWeChat(t, true)
		stable := &wechat.TokenSource{Client: s.Client}
		token(t, stable)
		first := token(t, s)
		if _, err := s.Client.LegacyToken(t.Context()); err != nil { // another program
			t.Fatal(err)
		}
		time.Sleep(4 * time.Minute)
		if err := ask(t.Context(), e, s); err != nil || token(t, s) != first {
			t.Errorf("in the overlap: %v, want success with the former token", err)
		}
		time.Sleep(2 * time.Minute)
		if err := ask(t.Context(), e, s); err != nil || token(t, s) == first {
			t.Errorf("after the overlap: %v, want success with another token", err)
		}
		if err := ask(t.Context(), e, stable); err != nil {
			t.Errorf("stable token: %v", err)
		}
		wantCalls(t, e, stablePath, 1)
	})
}
