package main

import (
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
)

// accounts are the official accounts of one process. Sites of the same account
// share its access token and what is fetched with it: WeChat counts the fetches.
type accounts struct {
	byKey   map[accountKey]*wechat.TokenSource
	tickets map[*wechat.TokenSource]*wechat.TicketSource
	all     []*wechat.TokenSource // in the order in which they were asked for
	observe observer
}

// observer counts a call of WeChat's API; nil: none are counted.
type observer func(api string, err error, elapsed time.Duration)

// accountKey is what two sites have to agree on to share an account.
type accountKey struct {
	appID     string
	appSecret wechat.Secret
	api, open config.BaseURL
	timeout   time.Duration
	mode      string
}

func newAccounts(observe observer) *accounts {
	return &accounts{
		observe: observe,
		byKey:   make(map[accountKey]*wechat.TokenSource),
		tickets: make(map[*wechat.TokenSource]*wechat.TicketSource),
	}
}

// tokens returns the access token of the account that c names.
func (a *accounts) tokens(c *config.Config) *wechat.TokenSource {
	key := accountKey{c.AppID, c.AppSecret, c.WeChatAPIURL, c.WeChatOpenURL, c.WeChatTimeout, c.TokenMode}
	if source, ok := a.byKey[key]; ok {
		return source
	}
	source := &wechat.TokenSource{Client: account(c, a.observe), Legacy: c.TokenMode == "legacy"}
	a.byKey[key] = source
	a.all = append(a.all, source)
	return source
}

// ticketsOf returns the JS-SDK tickets of the account that c names.
func (a *accounts) ticketsOf(c *config.Config) *wechat.TicketSource {
	tokens := a.tokens(c)
	if a.tickets[tokens] == nil {
		a.tickets[tokens] = &wechat.TicketSource{Tokens: tokens}
	}
	return a.tickets[tokens]
}

// account is the official account that the configuration names.
func account(c *config.Config, observe observer) *wechat.Client {
	return &wechat.Client{
		AppID:     c.AppID,
		AppSecret: c.AppSecret,
		APIURL:    string(c.WeChatAPIURL),
		OpenURL:   string(c.WeChatOpenURL),
		Timeout:   c.WeChatTimeout,
		Observe:   observe,
	}
}

// scan returns the website application that visitors outside WeChat sign in to by
// scanning; nil if there is none.
func (a *accounts) scan(c *config.Config) *wechat.Client {
	if c.OutsideWeChat != string(gateway.OutsideQRConnect) {
		return nil
	}
	scan := account(c, a.observe)
	scan.AppID, scan.AppSecret = c.QRAppID, c.QRAppSecret
	return scan
}
