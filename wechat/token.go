package wechat

import (
	"context"
	"errors"
	"time"
)

const (
	// cgi-bin/token lets the old token work for five minutes after a renewal.
	legacyEarly = 10 * time.Minute

	// Until five minutes before its end WeChat returns the same stable token
	// again. This is less, since WeChat's clock and the duration of a call may
	// make the end look nearer than it is.
	stableEarly = 4 * time.Minute

	// All programs of the account share 20 forced renewals a day, and people
	// need some of them to invalidate a leaked token.
	forcePause = 2 * time.Hour
)

// A Token is the account's global access token. It is for the cgi-bin calls only
// and is not a visitor's [Grant].
type Token struct {
	AccessToken Secret
	ExpiresIn   time.Duration // from the time of the call, at most two hours
}

// TokenSource keeps the account's global access token in memory. It fetches the
// token when it is first needed, and renews it shortly before its end when it is
// needed then. Use one TokenSource per account.
//
// Client must be set; the zero value of the other fields is useful. The fields
// must not change after the first use; a TokenSource is then safe for concurrent
// use. It must not be copied after its first use, and it starts no goroutine.
type TokenSource struct {
	Client *Client

	// Legacy uses cgi-bin/token, for an account whose other programs use it.
	// Each such fetch ends the former token after five minutes, for the other
	// programs too. The default is cgi-bin/stable_token, which any number of
	// programs can share.
	Legacy bool

	// Shared makes the token one that several processes share. A legacy token
	// needs it where several processes use the account. After half a minute the
	// next caller asks whether the token is still the shared one. nil: not shared.
	Shared Shared

	cache  cache
	forced time.Time // the latest forced renewal; only the fetch in progress uses it
}

// Token returns the current token; its ExpiresIn is the time left. A legacy token
// is renewed at a random moment from 10 to 5 minutes before its end, a stable one
// from 4 to 2 minutes; one that lives shorter than twice that, in the second half
// of its lifetime. If a renewal fails while the old token is valid, Token keeps
// returning the old one and tries again after a minute.
//
// There is one call at a time, however many callers there are. Callers who need
// its result wait until their ctx ends. The caller who makes the call makes it to
// its end, even if their own ctx ends; [Client.Timeout] limits it. A refusal by
// WeChat is an [*Error].
//
// An error goes to all callers who wait, and to all who come within a pause: a
// minute after a refusal that somebody has to correct, a second after any other
// error ([Later], or no [*Error]). While calls go on failing, the pause grows to half
// of the time since the first failure, at most to ten minutes or one minute.
func (s *TokenSource) Token(ctx context.Context) (*Token, error) {
	early := stableEarly
	if s.Legacy {
		early = legacyEarly
	}
	e, err := s.cache.get(ctx, early, s.Shared, s.fetch)
	if err != nil {
		return nil, err
	}
	return &Token{AccessToken: e.value(), ExpiresIn: max(0, time.Until(e.expires))}, nil
}

// Renew returns a token to use instead of stale, which WeChat refused before its
// end ([Error.Stale]). If stale is no longer the current token, Renew returns what
// [TokenSource.Token] returns. Otherwise it fetches a new one, once for all
// concurrent callers and at most once a minute; within that minute it returns the
// current token again.
//
// A stable token is first fetched normally, which returns the new token if
// another program forced a renewal or the AppSecret was reset. Only if WeChat
// returns the very token that it refused, a renewal is forced, at most once in two
// hours: WeChat allows all programs of the account together 20 a day and one in
// 30 seconds, and a forced renewal ends the former token.
func (s *TokenSource) Renew(ctx context.Context, stale Secret) (*Token, error) {
	s.cache.invalidate(stale)
	return s.Token(ctx)
}

// Do runs call with the token. If WeChat refuses the token ([Error.Stale]), Do
// runs call once more after [TokenSource.Renew], but not a third time. It is for
// cgi-bin calls only: if call used a visitor's token and WeChat refused that, Do
// would renew the account's token.
func (s *TokenSource) Do(ctx context.Context, call func(ctx context.Context, token Secret) error) error {
	token, err := s.Token(ctx)
	if err != nil {
		return err
	}
	err = call(ctx, token.AccessToken)
	if refusal, ok := errors.AsType[*Error](err); !ok || !refusal.Stale() {
		return err
	}
	token, err = s.Renew(ctx, token.AccessToken)
	if err != nil {
		return err
	}
	return call(ctx, token.AccessToken)
}

// call sends req with the token as its first parameter.
func (s *TokenSource) call(ctx context.Context, req request, into response) error {
	return s.Do(ctx, func(ctx context.Context, token Secret) error {
		signed := req
		signed.query = query("access_token", token.Reveal())
		if req.query != "" {
			signed.query += "&" + req.query
		}
		signed.hide = append([]string{token.Reveal()}, req.hide...)
		return s.Client.call(ctx, signed, into)
	})
}

// fetch gets a token from WeChat, if possible not the refused one.
func (s *TokenSource) fetch(ctx context.Context, refused Secret) (Lease, error) {
	if s.Legacy {
		token, err := s.Client.LegacyToken(ctx)
		if err != nil {
			return Lease{}, err
		}
		return newLease(token.AccessToken, token.ExpiresIn), nil
	}
	token, err := s.Client.StableToken(ctx, false)
	if err == nil && token.AccessToken == refused && time.Since(s.forced) >= forcePause {
		s.forced = time.Now()
		token, err = s.Client.StableToken(ctx, true)
	}
	if err != nil {
		return Lease{}, err
	}
	return newLease(token.AccessToken, token.ExpiresIn), nil
}

// StableToken fetches the global access token by cgi-bin/stable_token, which
// returns the same token to all callers until its last five minutes: replicas
// need not share it. Tokens of cgi-bin/token stay valid. The result is not
// cached: see [TokenSource].
//
// With forceRefresh WeChat makes a new token and ends the former one, at most
// 20 times a day and once in 30 seconds; more often, it returns the same token.
// See [WeChat's page on stable tokens]. A refusal by WeChat is an [*Error].
//
// [WeChat's page on stable tokens]: https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
func (c *Client) StableToken(ctx context.Context, forceRefresh bool) (*Token, error) {
	var res tokenResponse
	if err := c.call(ctx, request{
		api: "cgi-bin/stable_token",
		body: stableTokenRequest{
			GrantType:    "client_credential",
			AppID:        c.AppID,
			AppSecret:    c.AppSecret.Reveal(),
			ForceRefresh: forceRefresh,
		},
	}, &res); err != nil {
		return nil, err
	}
	return res.token(), nil
}

// LegacyToken fetches the global access token by cgi-bin/token. Each call makes a
// new token and ends the former one after five minutes, for all programs that use
// it. WeChat allows 2,000 calls a day, a sandbox account 200. See [WeChat's guide
// to the access token]. A refusal by WeChat is an [*Error].
//
// [WeChat's guide to the access token]: https://developers.weixin.qq.com/doc/service/en/Basic_Information/Get_access_token.html
func (c *Client) LegacyToken(ctx context.Context) (*Token, error) {
	var res tokenResponse
	if err := c.call(ctx, request{
		api: "cgi-bin/token",
		query: query("grant_type", "client_credential",
			"appid", c.AppID, "secret", c.AppSecret.Reveal()),
	}, &res); err != nil {
		return nil, err
	}
	return res.token(), nil
}

type stableTokenRequest struct {
	GrantType    string `json:"grant_type"`
	AppID        string `json:"appid"`
	AppSecret    string `json:"secret"`
	ForceRefresh bool   `json:"force_refresh"` // sent even if false: WeChat has been seen to answer 41002 without it
}

type tokenResponse struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   number `json:"expires_in"`
}

func (r *tokenResponse) check() error {
	switch {
	case r.AccessToken == "" || !visible(r.AccessToken, maxTokenBytes):
		return errors.New("response without a usable access_token")
	case r.ExpiresIn <= 0:
		return errors.New("response without a usable expires_in")
	}
	return nil
}

func (r *tokenResponse) token() *Token {
	return &Token{
		AccessToken: Secret(r.AccessToken),
		ExpiresIn:   time.Duration(r.ExpiresIn) * time.Second,
	}
}
