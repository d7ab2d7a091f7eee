package wechat

import (
	"context"
	"errors"
	"time"
)

// A Token is the account's global access token, for the cgi-bin calls only: not
// a visitor's [Grant].
type Token struct {
	AccessToken Secret
	ExpiresIn   time.Duration // from the time of the call, at most two hours
}

// StableToken fetches the global access token by cgi-bin/stable_token, which
// gives the same one to all who ask until its last five minutes: replicas need
// not share it. It does not disturb tokens of cgi-bin/token. Nothing is cached
// here.
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
	return &Token{
		AccessToken: Secret(a.AccessToken),
		ExpiresIn:   time.Duration(a.ExpiresIn) * time.Second,
	}, nil
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
