package admin_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// With several accounts, the token is that of the account which is named.
func TestAccessTokenOfOneOfSeveralAccounts(t *testing.T) {
	t.Parallel()
	second := wechattest.StockAccount()
	second.AppID, second.Secret = "wx0000000000000002", "5ec2e7000000000000000000000000002"
	wx, err := wechattest.New(wechattest.Config{Accounts: []wechattest.Account{wechattest.StockAccount(), second}})
	if err != nil {
		t.Fatal(err)
	}
	source := func(appID, secret string) *wechat.TokenSource {
		return &wechat.TokenSource{Client: &wechat.Client{AppID: appID, AppSecret: wechat.Secret(secret), Transport: wx.Transport()}}
	}
	h := admin.New(admin.Config{
		Metrics: prometheus.NewRegistry(),
		Token:   bearer,
		Tokens:  []*wechat.TokenSource{source(wechattest.StockAppID, wechattest.StockAppSecret), source(second.AppID, second.Secret)},
	})
	seen := make(map[string]bool)
	for _, tt := range []struct {
		query  string
		status int
	}{
		{"?appid=" + wechattest.StockAppID, 200},
		{"?appid=" + second.AppID, 200},
		{"", 400},
		{"?appid=", 400},
		{"?appid=wx9", 400},
	} {
		w := askAPI(t, h, "GET", "/v1/access_token"+tt.query, "Bearer "+bearer)
		if w.Code != tt.status || w.Code == 200 && seen[w.Body.String()] || w.Code == 400 && !strings.Contains(w.Body.String(), "invalid_request") {
			t.Errorf("GET /v1/access_token%s = %d %s, want %d and a token of its own", tt.query, w.Code, w.Body, tt.status)
		}
		seen[w.Body.String()] = true
	}
}
