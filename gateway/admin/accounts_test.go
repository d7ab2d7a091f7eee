package admin_test

import (
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// With several accounts, the query selects the account.
func TestAccessTokenOfSeveralAccounts(t *testing.T) {
	t.Parallel()
	first, second := wechattest.StockAccount(), wechattest.StockAccount()
	second.AppID, second.Secret = "wx0000000000000002", "5ec2e7000000000000000000000000002"
	wx, err := wechattest.New(wechattest.Config{Accounts: []wechattest.Account{first, second}})
	if err != nil {
		t.Fatal(err)
	}
	source := func(a wechattest.Account) *wechat.TokenSource {
		return &wechat.TokenSource{Client: &wechat.Client{
			AppID: a.AppID, AppSecret: wechat.Secret(a.Secret), Transport: wx.Transport(),
		}}
	}
	h := newHandler(t, admin.Config{Token: bearer, Tokens: []*wechat.TokenSource{source(first), source(second)}})
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
		w := requestAPI(t, h, "GET", "/v1/access_token"+tt.query, "Bearer "+bearer)
		body := w.Body.String()
		if w.Code != tt.status || w.Code == 400 && !strings.Contains(body, "invalid_request") {
			t.Errorf("GET /v1/access_token%s = %d %s, want %d", tt.query, w.Code, body, tt.status)
		}
		if w.Code == 200 && seen[body] {
			t.Errorf("GET /v1/access_token%s = %s, want another token than before", tt.query, body)
		}
		seen[body] = true
	}
}
