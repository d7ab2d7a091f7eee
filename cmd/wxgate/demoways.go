package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// The hosts at which the demo shows more ways to sign in.
const (
	followWay = "follow" // for followers of the account only
	scanWay   = "scan"   // scan login for other browsers than WeChat's
)

// demoWay returns the site at origin with what its host shows, by the first label of
// its name.
func demoWay(site gateway.Site, origin string) gateway.Site {
	label, _, _ := strings.Cut(strings.TrimPrefix(origin, "http://"), ".")
	switch label {
	case followWay:
		site.RequireFollow = true
		site.Tokens = site.Tickets.Tokens
		site.FollowQRURL = origin + wechattest.FollowPicturePath
	case scanWay:
		site.OutsideWeChat = gateway.OutsideQRConnect
		site.ScanAccount = &wechat.Client{
			AppID:     wechattest.StockWebsiteAppID,
			AppSecret: wechattest.StockWebsiteAppSecret,
			APIURL:    site.Account.APIURL,
			OpenURL:   origin,
		}
	}
	return site
}

// demoAccounts are the emulator's accounts: the official account and the website
// application for scan login. A phone uses this machine's address on the network, so
// any host may be called back.
func demoAccounts() []wechattest.Account {
	account, website := wechattest.StockAccount(), wechattest.StockWebsite()
	account.CallbackDomains, website.CallbackDomains = []string{"*"}, []string{"*"}
	account.JSDomains = account.CallbackDomains
	return []wechattest.Account{account, website}
}

// printDemoWays prints the hosts with more ways to sign in. Browsers find them on this
// machine.
func printDemoWays(w io.Writer, origin string) {
	u, err := url.Parse(origin)
	if err != nil {
		return
	}
	port := ""
	if u.Port() != "" {
		port = ":" + u.Port()
	}
	fmt.Fprintf(w, "Open to followers only: http://%[1]s.localhost%[3]s\n"+
		"Scan login: http://%[2]s.localhost%[3]s\n", followWay, scanWay, port)
}
