package wechat

import (
	"context"
	"errors"
	"time"
)

// ticketEarly leaves time for a page to use its signature, and for a second
// fetch if WeChat is away.
const ticketEarly = 5 * time.Minute

// TicketSource keeps the account's jsapi_ticket, which signs pages for the
// JS-SDK, and renews it as [TokenSource] renews the token. WeChat allows few
// fetches of a ticket and requires it to be cached: use one TicketSource per
// account.
//
// Tokens must be set. The fields must not change after the first use; a TicketSource
// is then safe for concurrent use. It must not be copied after its first use, and
// it starts no goroutine.
type TicketSource struct {
	Tokens *TokenSource

	// Shared makes the ticket one that several processes share; nil: not shared.
	Shared Shared

	cache cache
}

// Ticket returns the current ticket. It fetches one by cgi-bin/ticket/getticket
// if there is none, and at a random moment from 5 to 2½ minutes before its end.
// Concurrent callers and errors are treated as in [TokenSource.Token].
func (s *TicketSource) Ticket(ctx context.Context) (Secret, error) {
	e, err := s.cache.get(ctx, ticketEarly, s.Shared, s.fetch)
	if err != nil {
		return "", err
	}
	return e.value(), nil
}

func (s *TicketSource) fetch(ctx context.Context, _ Secret) (Lease, error) {
	var res ticketResponse
	if err := s.Tokens.call(ctx, request{
		api:   "cgi-bin/ticket/getticket",
		query: query("type", "jsapi"),
	}, &res); err != nil {
		if s.Tokens.cache.failing() { // WeChat was not asked for a ticket
			err = &KeptError{Err: err}
		}
		return Lease{}, err
	}
	return newLease(Secret(res.Ticket), time.Duration(*res.ExpiresIn)*time.Second), nil
}

type ticketResponse struct {
	Ticket    string  `json:"ticket"`
	ExpiresIn *number `json:"expires_in"` // of the same ticket each time, so down to 0
}

func (r *ticketResponse) check() error {
	switch {
	case r.Ticket == "" || !visible(r.Ticket, maxTokenBytes):
		return errors.New("response without a usable ticket")
	case r.ExpiresIn == nil || *r.ExpiresIn < 0:
		return errors.New("response without a usable expires_in")
	}
	return nil
}
