package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	hubOrigin   = "https://auth.example.com"
	hubAlias    = "https://sso.example.com"
	shop1Origin = "https://shop1.cn"
	shop2Origin = "https://shop2.cn"
	hubLogin    = hubOrigin + "/_wx/login?"
)

// hubWorld is a hub and two sites that use it, all of one account, whose only
// callback domain is the hub's. It needs no network.
type hubWorld struct {
	t            *testing.T
	wx           *wechattest.Emulator
	hub          *loginSite
	shop1, shop2 *loginSite
}

// hubSetup changes the configurations of the three gateways; nil: as they are.
type hubSetup struct{ hub, shop1, shop2 func(*testConfig) }

func hubKey() []byte { return randomKey('h') }

// newHubWorld makes the three gateways. A site that calls WeChat fails the test.
func newHubWorld(t *testing.T, setup hubSetup) *hubWorld {
	t.Helper()
	account, website := wechattest.StockAccount(), wechattest.StockWebsite()
	account.CallbackDomains = []string{"auth.example.com"}
	website.CallbackDomains = account.CallbackDomains
	wx, err := wechattest.New(wechattest.Config{Accounts: []wechattest.Account{account, website}})
	if err != nil {
		t.Fatal(err)
	}
	w := &hubWorld{t: t, wx: wx}
	w.hub = w.gateway(hubOrigin, 'a', setup.hub, func(c *testConfig) {
		c.HubSites = []string{shop1Origin, shop2Origin}
	})
	atHub := func(c *testConfig) {
		c.HubURL = hubOrigin
		c.Account.AppSecret = "" // only the hub needs it
		c.Account.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			t.Errorf("a site calls %s of WeChat, want only the hub to", r.URL.Path)
			return wx.Transport().RoundTrip(r)
		})
	}
	w.shop1 = w.gateway(shop1Origin, 'b', setup.shop1, atHub)
	w.shop2 = w.gateway(shop2Origin, 'c', setup.shop2, atHub)
	return w
}

// gateway makes the gateway of one origin.
func (w *hubWorld) gateway(origin string, key byte, configure, part func(*testConfig)) *loginSite {
	s := &loginSite{t: w.t, wx: w.wx, weChatURL: "https://open.weixin.qq.com", url: origin, transport: w, upstream: new(echo)}
	s.prepare(func() testConfig {
		return testConfig{Site: gateway.Site{
			PublicURL: origin,
			HubKey:    hubKey(),
			Account: &wechat.Client{
				AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret,
				Transport: w.wx.Transport(),
			},
		}}
	}, func(c *testConfig) {
		c.CookieKeys = session.Keys{randomKey(key)}
		part(c)
		if configure != nil {
			configure(c)
		}
	})
	return s
}

// RoundTrip sends a browser's request to the gateway at its host, or to WeChat.
func (w *hubWorld) RoundTrip(r *http.Request) (*http.Response, error) {
	switch origin := r.URL.Scheme + "://" + r.URL.Host; origin {
	case hubOrigin, hubAlias:
		return w.hub.answer(r), nil
	case shop1Origin:
		return w.shop1.answer(r), nil
	case shop2Origin:
		return w.shop2.answer(r), nil
	case w.hub.weChatURL:
		return w.wx.Transport().RoundTrip(r)
	default:
		return nil, fmt.Errorf("no browser should go to %s", origin)
	}
}

// browser is a new browser of a visitor.
func (w *hubWorld) browser(visitor string) *wechattest.Browser {
	b := w.hub.browser()
	b.Visitor = visitor
	return b
}

// redirectTo loads an address, follows redirects up to one whose address has the
// prefix, and returns that, unopened.
func (w *hubWorld) redirectTo(b *wechattest.Browser, address, prefix string) string {
	w.t.Helper()
	for range 10 {
		a := w.hub.get(b, upTo(address, "#"), answering(b))
		if a.StatusCode != http.StatusFound {
			w.t.Fatalf("GET %s = %d %q, want a redirect", upTo(address, "?"), a.StatusCode, headingElement.FindString(a.body))
		}
		if address = a.location(); strings.HasPrefix(address, prefix) {
			return address
		}
	}
	w.t.Fatalf("ten redirects do not lead to %s", prefix)
	return ""
}

// ticketFor loads a page of a site and returns the address of the site's callback
// that holds the ticket, unopened.
func (w *hubWorld) ticketFor(b *wechattest.Browser, s *loginSite, page string) string {
	w.t.Helper()
	return w.redirectTo(b, s.url+page, s.url+"/_wx/callback?code=")
}

// wantSite checks that a page load ended at a target of a site, as a visitor.
func (w *hubWorld) wantSite(page *wechattest.Page, s *loginSite, target, visitor string) {
	w.t.Helper()
	if page.Status != http.StatusOK || page.Header.Get("From-Upstream") == "" || page.URL.Host != mustURL(w.t, s.url).Host {
		w.t.Errorf("ends with %d %q at %s, want the page of %s", page.Status, headingElement.FindString(page.Body), page.URL.Host+page.URL.Path, s.url)
		return
	}
	seen := echoIn(w.t, page.Body)
	if got := seen.Header.Get("X-Wx-Openid"); seen.Target != target || got != s.openID(visitor) {
		w.t.Errorf("the site sees %q for %q, want %q for %q", seen.Target, got, target, s.openID(visitor))
	}
}

// wantNobody checks that the browser has no session at the sites.
func (w *hubWorld) wantNobody(b *wechattest.Browser, sites ...*loginSite) {
	w.t.Helper()
	for _, s := range sites {
		if me := s.me(b); me != (meAnswer{}) {
			w.t.Errorf("/me at %s = %+v, want nobody", s.url, me)
		}
	}
}

// addressesOf are the addresses of a page load in order, without queries.
func addressesOf(page *wechattest.Page) []string {
	var addresses []string
	for _, hop := range page.Hops {
		addresses = append(addresses, hop.URL.Scheme+"://"+hop.URL.Host+hop.URL.Path)
	}
	return addresses
}

// copyOf is another browser with the same cookies of all three gateways.
func (w *hubWorld) copyOf(b *wechattest.Browser) *wechattest.Browser {
	w.t.Helper()
	return w.hub.copyOf(b, shop1Origin, shop2Origin)
}
