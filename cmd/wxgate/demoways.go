package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// The hosts at which the demo shows more ways to sign in.
const (
	followWay = "follow" // for followers of the account only
	scanWay   = "scan"   // scan login for other browsers than WeChat's
)

// setDemoWay configures what the host of the public URL shows, by the first label of
// its name.
func setDemoWay(c *config.Config) {
	label, _, _ := strings.Cut(c.PublicURL.Host, ".")
	switch label {
	case followWay:
		c.RequireFollow = true
		c.FollowQRURL = config.PictureURL(c.PublicURL.String() + wechattest.FollowPicturePath)
	case scanWay:
		c.OutsideWeChat = string(gateway.OutsideQRConnect)
		c.QRAppID, c.QRAppSecret = wechattest.StockWebsiteAppID, wechattest.StockWebsiteAppSecret
	}
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
