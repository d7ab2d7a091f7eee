package main

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// The calls of each site's own clients count for the site, also if sites share an
// account, whose token counts for the first of them.
func TestCallsCountForTheirSite(t *testing.T) {
	t.Parallel()
	site := func(appID string) *config.Config {
		return &config.Config{AppID: appID, OutsideWeChat: "qrconnect", QRAppID: "wxscan"}
	}
	a, b, c, relay := site("wxshared"), site("wxshared"), site("wxother"), site("wxrelay")
	names := map[*config.Config]string{a: "a", b: "b", c: "c", relay: "none"}
	counts := make(map[string]int)
	accounts := newAccounts(func(c *config.Config) observer {
		return func(_ context.Context, api string, _ error, _ time.Duration) { counts[names[c]+" "+api]++ }
	}, nil)
	for _, c := range []*config.Config{a, b, c} {
		accounts.client(c).Observe(t.Context(), "code", nil, 0)
		accounts.scanAccount(c).Observe(t.Context(), "scan", nil, 0)
		accounts.tokens(c).Client.Observe(t.Context(), "token", nil, 0)
		accounts.ticketsOf(c).Tokens.Client.Observe(t.Context(), "ticket", nil, 0)
	}
	accounts.tokens(relay).Client.Observe(t.Context(), "token", nil, 0)
	want := map[string]int{
		"a code": 1, "a scan": 1, "a token": 2, "a ticket": 2, "b code": 1, "b scan": 1,
		"c code": 1, "c scan": 1, "c token": 1, "c ticket": 1, "none token": 1,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := len(accounts.all); got != 3 {
		t.Errorf("%d access tokens, want 3: sites with one account share it", got)
	}
}
