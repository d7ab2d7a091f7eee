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

const ticketPath = "/cgi-bin/ticket/getticket"

// inBubble runs test in a synctest bubble, with an emulator and a ticket source.
func inBubble(t *testing.T, test func(t *testing.T, e *wechattest.Emulator, s *wechat.TicketSource)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, tokens := newWeChat(t, false)
		test(t, e, &wechat.TicketSource{Tokens: tokens})
	})
}

func mustTicket(t *testing.T, s *wechat.TicketSource) wechat.Secret {
	t.Helper()
	got, err := s.Ticket(t.Context())
	if err != nil {
		t.Fatalf("Ticket = %v", err)
	}
	return got
}

func TestTicketIsFetchedOnceForAll(t *testing.T) {
	inBubble(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TicketSource) {
		for fetches := 1; fetches <= 3; fetches++ {
			e.Fault(wechattest.Fault{Path: ticketPath, Mode: wechattest.FaultSlowHeader, Delay: time.Second})
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() { mustTicket(t, s) })
			}
			wg.Wait()
			wantCalls(t, e, ticketPath, fetches)
			wantCalls(t, e, stablePath, fetches)
			time.Sleep(2 * time.Hour)
		}
	})
}

// Unlike a token, WeChat returns the same ticket until its end, so that there are a
// few fetches more.
func TestTicketIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TicketSource) {
		first := mustTicket(t, s)
		for range 7199 {
			time.Sleep(time.Second)
			if mustTicket(t, s) != first {
				t.Fatal("another ticket")
			}
		}
		if n := e.Calls(ticketPath); n < 2 || n > 12 {
			t.Errorf("%d fetches in two hours, want 2 to 12", n)
		}
		time.Sleep(time.Second)
		if mustTicket(t, s) == first {
			t.Error("the ticket that ended was given again")
		}
	})
}

func TestFailingTicket(t *testing.T) {
	inBubble(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TicketSource) {
		e.Fault(wechattest.Fault{Path: ticketPath, Mode: wechattest.FaultErrcode, Code: 45009})
		if _, err := s.Ticket(t.Context()); outcome(false, err) != "45009" {
			t.Errorf("Ticket = %v, want 45009", err)
		}
		time.Sleep(time.Second)
		first := mustTicket(t, s)
		e.Fault(wechattest.Fault{Path: ticketPath, Mode: wechattest.FaultStatus, Times: -1})
		for range 7199 {
			time.Sleep(time.Second)
			if mustTicket(t, s) != first {
				t.Fatal("another ticket")
			}
		}
		time.Sleep(time.Second)
		if _, err := s.Ticket(t.Context()); outcome(false, err) != "away" {
			t.Errorf("Ticket after its end = %v, want an error without an errcode", err)
		}
	})
}

func TestTicketWithVoidedToken(t *testing.T) {
	inBubble(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TicketSource) {
		token(t, s.Tokens)
		e.VoidTokens(wechattest.StockAppID)
		mustTicket(t, s)
		wantCalls(t, e, ticketPath, 2)
		wantCalls(t, e, stablePath, 2)
	})
}

func TestTicketCancelledWaiter(t *testing.T) {
	inBubble(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TicketSource) {
		e.Fault(wechattest.Fault{Path: ticketPath, Mode: wechattest.FaultSlowHeader, Delay: 3 * time.Second})
		var wg sync.WaitGroup
		wg.Go(func() { mustTicket(t, s) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := s.Ticket(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Ticket = %v after %v, want the deadline after 1s", err, time.Since(start))
		}
		wg.Wait()
		wantCalls(t, e, ticketPath, 1)
	})
}

func TestTicketAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"errcode":0,"errmsg":"ok","ticket":"TI","expires_in":7200}`: "grant",
		`{"ticket":"TI","expires_in":"7200"}`:                         "grant",
		`{"ticket":"TI","expires_in":0}`:                              "grant", // in the ticket's last second
		`{"ticket":"TI","expires_in":-1}`:                             "away",
		`{"ticket":"TI"}`:                                             "away",
		`{"ticket":"","expires_in":7200}`:                             "away",
		`{"ticket":"T I","expires_in":7200}`:                          "away",
		`{"errcode":0,"errmsg":"ok"}`:                                 "away",
		`{}`:                                                          "away",
		`<html>`:                                                      "away",
		`{"errcode":40097,"errmsg":"invalid args"}`:                   "40097",
	} {
		c := &wechat.Client{}
		s := &wechat.TicketSource{Tokens: withToken(c)}
		c.Transport = answering(200, body)
		got, err := s.Ticket(t.Context())
		if outcome(got != "", err) != want {
			t.Errorf("Ticket from %s = %q, %v; want %s", body, got.Reveal(), err, want)
		}
	}
}
