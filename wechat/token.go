package wechat

import (
	"context"
	"errors"
	"time"
)

const (
	// The old token of cgi-bin/token lives on for five minutes after a renewal.
	legacyEarly = 10 * time.Minute

	// Until five minutes before its end the platform gives the same stable
	// token again. Less than that, since its clock and the time that a call
	// takes may make the end look nearer than it is.
	stableEarly = 4 * time.Minute

	// A forced renewal is for all replicas one of 20 a day, some of which belong
	// to a person who has a leaked token to kill.
	forcePause = 2 * time.Hour
)

// A Token is the account's global access token, for the cgi-bin calls only: not
// a visitor's [Grant].
type Token struct {
	AccessToken Secret
	ExpiresIn   time.Duration // from the time of the call, at most two hours
}

// TokenSource is the account's global access token, kept fresh: it is fetched
// when somebody asks, renewed shortly before its end by whoever asks then, and
// kept in memory alone. Client must be set; the rest is useful as it is. It is
// safe for concurrent use once its fields are set, must not be copied after its
// first use, and starts no goroutine. One account needs one TokenSource.
type TokenSource struct {
	Client *Client

	// Legacy fetches by cgi-bin/token, for an account whose other programs do.
	// Each such fetch ends the former token after five minutes, also theirs.
	// The default is cgi-bin/stable_token, which any number of programs share.
	Legacy bool

	cache  cache
	forced time.Time // of the last forced renewal; one fetch at a time reads and writes it
}

// Token gives the current token; its ExpiresIn is what is left of its life now.
// A legacy token is renewed from 10 to 5 minutes before its end, a stable one
// from 4 to 2, at a random moment of that span; one that lives shorter than
// twice the span, in the second half of its life. When the renewal fails and
// the old token lives, Token goes on giving that, and tries again after a minute.
//
// However many ask, one call is under way at a time. Those who need its outcome
// wait as long as their ctx allows; the one who makes it does so to its end, by
// [Client.Timeout] a call, whatever becomes of its own ctx. A failure is given to
// all who wait and to who asks within a second. A refusal by WeChat is an
// [*Error].
func (s *TokenSource) Token(ctx context.Context) (*Token, error) {
	early := stableEarly
	if s.Legacy {
		early = legacyEarly
	}
	l, err := s.cache.get(ctx, early, s.fetch)
	if err != nil {
		return nil, err
	}
	return &Token{AccessToken: l.value(), ExpiresIn: max(0, time.Until(l.ends))}, nil
}

// Renew gives a token in place of stale, which WeChat refused although its life
// is not over ([Error.Stale]). If stale is no longer the current token, that is
// what [TokenSource.Token] gives; else the token is fetched anew, for all who
// come with stale at a time once, and at most once a minute: sooner, Renew gives
// the current token again.
//
// For a stable token the fetch is an ordinary one first, which brings the new
// token when somebody else forced a renewal or the AppSecret was reset. Only if
// WeChat gives the very token that it refused is a renewal forced, at most once
// in two hours: WeChat allows 20 a day and one in 30 seconds to all programs of
// the account together, and ends the former token by it.
func (s *TokenSource) Renew(ctx context.Context, stale Secret) (*Token, error) {
	s.cache.drop(stale)
	return s.Token(ctx)
}

// Do runs call with the token. When WeChat refuses that ([Error.Stale]), Do runs
// call once more after [TokenSource.Renew], and no third time. It is for cgi-bin
// calls: a visitor's token that is refused within call would renew the account's.
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

// call makes req with the token as its first parameter.
func (s *TokenSource) call(ctx context.Context, req request, into answer) error {
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

// fetch gets a token from WeChat, another than the refused one if it can.
func (s *TokenSource) fetch(ctx context.Context, refused Secret) (Secret, time.Duration, error) {
	if s.Legacy {
		token, err := s.Client.LegacyToken(ctx)
		if err != nil {
			return "", 0, err
		}
		return token.AccessToken, token.ExpiresIn, nil
	}
	token, err := s.Client.StableToken(ctx, false)
	if err == nil && token.AccessToken == refused && time.Since(s.forced) >= forcePause {
		s.forced = time.Now()
		token, err = s.Client.StableToken(ctx, true)
	}
	if err != nil {
		return "", 0, err
	}
	return token.AccessToken, token.ExpiresIn, nil
}

// StableToken fetches the global access token by cgi-bin/stable_token, which
// gives the same one to all who ask until its last five minutes: replicas need
// not share it. It does not disturb tokens of cgi-bin/token. Nothing is cached
// here: see [TokenSource].
//
// With forceRefresh WeChat makes a new token and ends the former one, at most
// 20 times a day and once in 30 seconds; asked sooner it gives the same one. See
// [WeChat's page on stable tokens]. A refusal by WeChat is an [*Error].
//
// [WeChat's page on stable tokens]: https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
func (c *Client) StableToken(ctx context.Context, forceRefresh bool) (*Token, error) {
	var a tokenAnswer
	if err := c.call(ctx, request{
		api: "cgi-bin/stable_token",
		body: stableTokenRequest{
			GrantType:    "client_credential",
			AppID:        c.AppID,
			AppSecret:    c.AppSecret.Reveal(),
			ForceRefresh: forceRefresh,
		},
	}, &a); err != nil {
		return nil, err
	}
	return a.token(), nil
}

// LegacyToken fetches the global access token by cgi-bin/token: each call makes
// a new one and ends the former after five minutes, whoever uses that. WeChat
// allows 2,000 a day, a sandbox account 200. See [WeChat's guide to the access
// token]. A refusal by WeChat is an [*Error].
//
// [WeChat's guide to the access token]: https://developers.weixin.qq.com/doc/service/en/Basic_Information/Get_access_token.html
func (c *Client) LegacyToken(ctx context.Context) (*Token, error) {
	var a tokenAnswer
	if err := c.call(ctx, request{
		api: "cgi-bin/token",
		query: query("grant_type", "client_credential",
			"appid", c.AppID, "secret", c.AppSecret.Reveal()),
	}, &a); err != nil {
		return nil, err
	}
	return a.token(), nil
}

type stableTokenRequest struct {
	GrantType    string `json:"grant_type"`
	AppID        string `json:"appid"`
	AppSecret    string `json:"secret"`
	ForceRefresh bool   `json:"force_refresh"` // sent even if false: 41002 has been seen without it
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   number `json:"expires_in"`
}

func (a *tokenAnswer) check() error {
	switch {
	case a.AccessToken == "" || !visible(a.AccessToken, maxTokenBytes):
		return errors.New("answer without a usable access_token")
	case a.ExpiresIn <= 0:
		return errors.New("answer without a usable expires_in")
	}
	return nil
}

func (a *tokenAnswer) token() *Token {
	return &Token{
		AccessToken: Secret(a.AccessToken),
		ExpiresIn:   time.Duration(a.ExpiresIn) * time.Second,
	}
}
