package main

import (
	"cmp"
	"context"
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/wechat"
)

// accounts holds the official accounts of one process. Sites with the same
// account share its access token and its tickets, because WeChat limits how often
// they may be fetched.
type accounts struct {
	byKey   map[accountKey]*wechat.TokenSource
	tickets map[*wechat.TokenSource]*wechat.TicketSource
	all     []*wechat.TokenSource                  // in the order of their first use
	first   map[*wechat.TokenSource]*config.Config // whose calls the source's own count for
	observe observers
	redis   *redisstore.Client // nil: none
}

// An observer counts a call of WeChat's API; a nil one counts nothing.
type observer = func(ctx context.Context, api string, err error, elapsed time.Duration)

// observers returns what counts the calls for the site that c describes.
type observers func(c *config.Config) observer

// observeNothing counts no calls.
func observeNothing(*config.Config) observer { return nil }

// accountKey holds what two sites must have in common to share an account.
type accountKey struct {
	appID     string
	appSecret wechat.Secret
	api, open config.BaseURL
	timeout   time.Duration
	mode      string
}

func newAccounts(observe observers, redis *redisstore.Client) *accounts {
	return &accounts{
		observe: observe,
		redis:   redis,
		byKey:   make(map[accountKey]*wechat.TokenSource),
		tickets: make(map[*wechat.TokenSource]*wechat.TicketSource),
		first:   make(map[*wechat.TokenSource]*config.Config),
	}
}

// tokens returns the access token of the account in c.
func (a *accounts) tokens(c *config.Config) *wechat.TokenSource {
	key := accountKey{c.AppID, c.AppSecret, c.WeChatAPIURL, c.WeChatOpenURL, c.WeChatTimeout, c.TokenMode}
	if source, ok := a.byKey[key]; ok {
		return source
	}
	source := &wechat.TokenSource{Client: newClient(c, a.observe(c)), Legacy: c.TokenMode == "legacy"}
	if source.Legacy { // WeChat gives every replica the same stable token
		source.Shared = sharedIn(a.redis, c, "token", 1)
	}
	a.byKey[key], a.first[source] = source, c
	a.all = append(a.all, source)
	return source
}

// client returns the client of the account in c. Sites that share an account have one
// each, so that their visitors' calls count for the right site.
func (a *accounts) client(c *config.Config) *wechat.Client {
	if source := a.tokens(c); a.first[source] == c {
		return source.Client
	}
	return newClient(c, a.observe(c))
}

// ticketsOf returns the JS-SDK tickets of the account in c.
func (a *accounts) ticketsOf(c *config.Config) *wechat.TicketSource {
	tokens := a.tokens(c)
	if a.tickets[tokens] == nil {
		a.tickets[tokens] = &wechat.TicketSource{Tokens: tokens, Shared: sharedIn(a.redis, c, "ticket", 2)}
	}
	return a.tickets[tokens]
}

// scanAccount returns the website application for scan login; nil if c does not
// use it.
func (a *accounts) scanAccount(c *config.Config) *wechat.Client {
	if c.OutsideWeChat != string(gateway.OutsideQRConnect) {
		return nil
	}
	scan := newClient(c, a.observe(c))
	scan.AppID, scan.AppSecret = c.QRAppID, c.QRAppSecret
	return scan
}

// newClient returns a client for the official account in c.
func newClient(c *config.Config, observe observer) *wechat.Client {
	return &wechat.Client{
		AppID:     c.AppID,
		AppSecret: c.AppSecret,
		APIURL:    string(c.WeChatAPIURL),
		OpenURL:   string(c.WeChatOpenURL),
		Timeout:   c.WeChatTimeout,
		Observe:   observe,
	}
}

// hintFor returns what an operator can do about an error of WeChat's.
func hintFor(err *wechat.Error) string {
	return cmp.Or(err.Hint(), "try again later, or look up the code in WeChat's documentation")
}
