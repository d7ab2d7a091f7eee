package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wxgate/wxgate/wechat"
)

// checkAccounts asks WeChat for a token of each account.
func checkAccounts(ctx context.Context, report *report, accounts *accounts) {
	if accounts.redis != nil {
		running, stop := context.WithCancel(ctx)
		var ended sync.WaitGroup
		ended.Go(func() { accounts.redis.Run(running) })
		defer within(ctx, func() (struct{}, error) {
			ended.Wait()
			return struct{}{}, nil
		})
		defer stop()
	}
	for _, tokens := range accounts.all {
		if tokens.Shared != nil {
			tokens.Shared = onlyShared{tokens.Shared}
		}
		report.about(tokens.Client.AppID, len(accounts.all) == 1)
		checkWeChat(ctx, report, tokens)
	}
}

// onlyShared fetches no token for this process alone while Redis does not answer: it
// would end the one that the replicas use.
type onlyShared struct{ wechat.Shared }

func (s onlyShared) Lease(
	ctx context.Context, need wechat.Need, fetch func(context.Context) (wechat.Lease, error),
) (wechat.Lease, error) {
	need.Left = time.Hour
	return s.Shared.Lease(ctx, need, fetch)
}

// checkWeChat fetches a token, for which WeChat checks the AppID, the AppSecret
// and the IP allow-list.
func checkWeChat(ctx context.Context, report *report, tokens *wechat.TokenSource) {
	if isOver(ctx, report, "wechat") {
		return
	}
	api := tokens.Client.APIURL
	_, err := within(ctx, func() (struct{}, error) { return struct{}{}, askForToken(ctx, tokens) })
	switch refusal, ok := errors.AsType[*wechat.Error](err); {
	case err == nil:
		report.pass("wechat", "AppID, AppSecret and IP allow-list accepted by "+api)
	case ok:
		report.fail("wechat", err.Error(), hintFor(refusal))
	default:
		report.fail("wechat", err.Error(), apiHint(ctx, api, err))
	}
}

// askForToken asks WeChat for a token. Its call may last longer than ctx.
func askForToken(ctx context.Context, tokens *wechat.TokenSource) error {
	asked := false
	tokens.Client.Observe = func(context.Context, string, error, time.Duration) { asked = true }
	_, err := tokens.Token(ctx)
	if !asked {
		// The replicas share a token. A stable one does not end it.
		_, err = tokens.Client.StableToken(ctx, false)
	}
	return err
}

// apiHint returns what an operator can do about an error of a call to api that is no
// refusal by WeChat.
func apiHint(ctx context.Context, api string, err error) string {
	const variable = "WXGATE_WECHAT_API_URL"
	switch {
	case isPlain(err):
		return "it does not speak TLS: use http:// in " + variable
	case expectsTLS(ctx, api):
		return "it expects TLS: use https:// in " + variable
	case errors.Is(err, wechat.ErrNotJSON):
		return "something else answers: a captive portal or proxy? " +
			"Look at what this machine gets from " + api + " (curl), and correct " + variable + " or HTTPS_PROXY"
	default:
		return "check that this machine can reach " + api + " (firewall, DNS, HTTPS_PROXY)"
	}
}
