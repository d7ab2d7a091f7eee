package wechat

import (
	"context"
	"errors"
	"time"
)

// ticketEarly is long enough for a page to check a signature, and for a second
// try if WeChat is away.
const ticketEarly = 5 * time.Minute

// TicketSource is the account's jsapi_ticket, which pages' JS-SDK signatures are
// made with, kept fresh as [TokenSource] keeps the token. Tokens must be set. It
// is safe for concurrent use once that is, must not be copied after its first
// use, and starts no goroutine. WeChat allows few fetches of a ticket and asks
// for it to be cached: one account needs one TicketSource.
type TicketSource struct {
	Tokens *TokenSource

	cache cache
}

// Ticket gives the current ticket, fetching it by cgi-bin/ticket/getticket if it
// is the first or at a random moment from 5 to 2½ minutes before its end. What
// was said of waiting and of failures at [TokenSource.Token] holds here too.
func (s *TicketSource) Ticket(ctx context.Context) (Secret, error) {
	l, err := s.cache.get(ctx, ticketEarly, s.fetch)
	if err != nil {
		return "", err
	}
	return l.value(), nil
}

func (s *TicketSource) fetch(ctx context.Context, _ Secret) (Secret, time.Duration, error) {
	var a ticketAnswer
	if err := s.Tokens.call(ctx, request{
		api:   "cgi-bin/ticket/getticket",
		query: query("type", "jsapi"),
	}, &a); err != nil {
		return "", 0, err
	}
	return Secret(a.Ticket), time.Duration(*a.ExpiresIn) * time.Second, nil
}

type ticketAnswer struct {
	Ticket    string  `json:"ticket"`
	ExpiresIn *number `json:"expires_in"` // of the same ticket again: down to 0
}

func (a *ticketAnswer) check() error {
	switch {
	case a.Ticket == "" || !visible(a.Ticket, maxTokenBytes):
		return errors.New("answer without a usable ticket")
	case a.ExpiresIn == nil || *a.ExpiresIn < 0:
		return errors.New("answer without a usable expires_in")
	}
	return nil
}
