package wechat_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// refusals are codes that stay until somebody corrects a setting.
var refusals = []int{40001, 40013, 40125, 40164, 40243, 41002, 48001, 48004, 61004, 61007, 89501, 89503, 99999}

// everySecond calls ask every second for so long, and reports other outcomes than want.
func everySecond(t *testing.T, d time.Duration, want string, ask func() error) {
	t.Helper()
	asking(t, d, time.Second, want, ask)
}

// allDay is everySecond for a day, but every ten seconds.
func allDay(t *testing.T, want string, ask func() error) {
	t.Helper()
	asking(t, 24*time.Hour, 10*time.Second, want, ask)
}

func asking(t *testing.T, d, every time.Duration, want string, ask func() error) {
	t.Helper()
	for range int(d / every) {
		if got := outcome(false, ask()); got != want {
			t.Fatalf("outcome %s, want %s", got, want)
		}
		time.Sleep(every)
	}
}

func askToken(t *testing.T, s *wechat.TokenSource) func() error {
	return func() error {
		_, err := s.Token(t.Context())
		return err
	}
}

func askTicket(t *testing.T, s *wechat.TicketSource) func() error {
	return func() error {
		_, err := s.Ticket(t.Context())
		return err
	}
}

// An account that WeChat refuses is asked for a token seldom, however often somebody
// needs one: cgi-bin/token may be called 2,000 times a day.
func TestRefusedAccountIsAskedSeldom(t *testing.T) {
	for _, code := range refusals {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
				e.Fault(wechattest.Fault{Path: path, Mode: wechattest.FaultErrcode, Code: code, Times: -1})
				want := fmt.Sprint(code)
				everySecond(t, time.Minute, want, askToken(t, s))
				wantCalls(t, e, path, 1)
				everySecond(t, 29*time.Minute, want, askToken(t, s))
				if n := e.Calls(path); n < 6 || n > 10 {
					t.Errorf("%d fetches in half an hour, want about nine", n)
				}
				allDay(t, want, askToken(t, s))
				if n := e.Calls(path); n > 160 {
					t.Errorf("%d fetches in a day, want one in ten minutes", n)
				}
				e.ClearFaults()
				time.Sleep(10 * time.Minute)
				token(t, s)
			})
		})
	}
}

// Somebody who corrects the setting soon waits for a minute at most, also the next
// time.
func TestCorrectedAccount(t *testing.T) {
	bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
		for range 3 {
			e.Fault(wechattest.Fault{Path: path, Mode: wechattest.FaultErrcode, Code: 40164, Times: -1})
			everySecond(t, 90*time.Second, "40164", askToken(t, s))
			e.ClearFaults()
			everySecond(t, 30*time.Second, "40164", askToken(t, s))
			token(t, s)
			time.Sleep(2 * time.Hour)
		}
		wantCalls(t, e, path, 9)
	})
}

// While WeChat is away, it is asked again soon at first and then once a minute.
func TestWeChatAwayIsAskedEveryMinute(t *testing.T) {
	for _, fault := range []wechattest.Fault{
		{Mode: wechattest.FaultErrcode, Code: -1},
		{Mode: wechattest.FaultErrcode, Code: 45009},
		{Mode: wechattest.FaultStatus},
		{Mode: wechattest.FaultResetBefore},
		{Mode: wechattest.FaultHTML},
	} {
		t.Run(fmt.Sprint(fault.Mode, fault.Code), func(t *testing.T) {
			bothWays(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TokenSource, path string) {
				fault := fault
				fault.Path, fault.Times = path, -1
				e.Fault(fault)
				want := "away"
				if fault.Code != 0 {
					want = fmt.Sprint(fault.Code)
				}
				everySecond(t, 3*time.Second, want, askToken(t, s))
				wantCalls(t, e, path, 3)
				allDay(t, want, askToken(t, s))
				if n := e.Calls(path); n < 1400 || n > 1460 {
					t.Errorf("%d fetches in a day, want one a minute", n)
				}
				e.ClearFaults()
				time.Sleep(time.Minute)
				token(t, s)
			})
		})
	}
}

// A ticket costs no more fetches of a token than the token does, and is there as soon
// as the token is.
func TestTicketWaitsNoLongerThanItsToken(t *testing.T) {
	t.Parallel()
	for _, failing := range []time.Duration{time.Second, 61 * time.Second, 7 * time.Minute, time.Hour} {
		t.Run(failing.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, tokens := newWeChat(t, false)
				s := &wechat.TicketSource{Tokens: tokens}
				e.Fault(wechattest.Fault{Path: stablePath, Mode: wechattest.FaultErrcode, Code: 40164, Times: -1})
				everySecond(t, failing, "40164", askToken(t, tokens))
				askTicket(t, s)() // half way through a pause of the token's
				e.ClearFaults()
				for askToken(t, tokens)() != nil {
					time.Sleep(time.Second)
				}
				mustTicket(t, s)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		e, tokens := newWeChat(t, false)
		e.Fault(wechattest.Fault{Path: stablePath, Mode: wechattest.FaultErrcode, Code: 40125, Times: -1})
		everySecond(t, 30*time.Minute, "40125", askTicket(t, &wechat.TicketSource{Tokens: tokens}))
		if n := e.Calls(stablePath); n < 6 || n > 10 {
			t.Errorf("%d fetches of a token in half an hour, want about nine", n)
		}
		wantCalls(t, e, ticketPath, 0)
	})
}

// The refusal of a ticket is cached as that of a token is.
func TestRefusedTicketIsAskedSeldom(t *testing.T) {
	t.Parallel()
	for code, most := range map[int]int{48001: 160, 40164: 160, 40001: 2 * 1460, 45009: 1460} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, tokens := newWeChat(t, false)
				e.Fault(wechattest.Fault{Path: ticketPath, Mode: wechattest.FaultErrcode, Code: code, Times: -1})
				allDay(t, fmt.Sprint(code), askTicket(t, &wechat.TicketSource{Tokens: tokens}))
				if n := e.Calls(ticketPath); n > most {
					t.Errorf("%d fetches of a ticket in a day, want at most %d", n, most)
				}
				if n := e.Calls(stablePath); n > 1500 {
					t.Errorf("%d fetches of a token in a day, want below the quota of 2,000", n)
				}
			})
		})
	}
}
