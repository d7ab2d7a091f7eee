package gateway_test

import (
	"bytes"
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

// hubWorld is a hub and two sites that sign in there, all of one account, which
// WeChat calls back at the hub's domain alone. It needs no network.
type hubWorld struct {
	t            *testing.T
	wx           *wechattest.Emulator
	hub          *loginSite
	shop1, shop2 *loginSite
}

// hubSetup may change what each of the three gateways is made with.
type hubSetup struct{ hub, shop1, shop2 func(*testConfig) }

func hubKey() []byte { return bytes.Repeat([]byte("h"), 32) }

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
		c.Account.AppSecret = "" // a site has no need of it
		c.Account.Transport = loginTransport(func(r *http.Request) (*http.Response, error) {
			t.Errorf("a site asks WeChat for %s, want the hub alone to", r.URL.Path)
			return wx.Transport().RoundTrip(r)
		})
	}
	w.shop1 = w.gateway(shop1Origin, 'b', setup.shop1, atHub)
	w.shop2 = w.gateway(shop2Origin, 'c', setup.shop2, atHub)
	return w
}

func (w *hubWorld) gateway(origin string, key byte, configure, part func(*testConfig)) *loginSite {
	s := &loginSite{t: w.t, wx: w.wx, open: "https://open.weixin.qq.com", url: origin, transport: w, upstream: http.HandlerFunc(loginUpstream)}
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
		c.CookieKeys = session.Keys{bytes.Repeat([]byte{key}, 32)}
		part(c)
		if configure != nil {
			configure(c)
		}
	})
	return s
}

// RoundTrip takes a browser to the gateway that has the host, or to WeChat.
func (w *hubWorld) RoundTrip(r *http.Request) (*http.Response, error) {
	switch origin := r.URL.Scheme + "://" + r.URL.Host; origin {
	case hubOrigin, hubAlias:
		return w.hub.answer(r), nil
	case shop1Origin:
		return w.shop1.answer(r), nil
	case shop2Origin:
		return w.shop2.answer(r), nil
	case w.hub.open:
		return w.wx.Transport().RoundTrip(r)
	default:
		return nil, fmt.Errorf("no browser should go to %s", origin)
	}
}

func (w *hubWorld) browser(visitor string) *wechattest.Browser {
	b := w.hub.browser()
	b.Visitor = visitor
	return b
}

// until opens address and follows redirects up to one that leads to an address
// with the prefix, which it returns unopened.
func (w *hubWorld) until(b *wechattest.Browser, address, prefix string) string {
	w.t.Helper()
	for range 10 {
		a := w.hub.get(b, before(address, "#"), func(r *http.Request) {
			r.Header.Set(wechattest.VisitorHeader, b.Visitor)
			r.Header.Set(wechattest.AnswerHeader, string(b.Answer))
		})
		if a.status != http.StatusFound {
			w.t.Fatalf("GET %s = %d %q, want a redirect", before(address, "?"), a.status, loginHeading.FindString(a.body))
		}
		if address = a.location(); strings.HasPrefix(address, prefix) {
			return address
		}
	}
	w.t.Fatalf("ten redirects do not lead to %s", prefix)
	return ""
}

// ticketFor loads a page and goes up to the site's callback, with the ticket in
// the address.
func (w *hubWorld) ticketFor(b *wechattest.Browser, s *loginSite, page string) string {
	w.t.Helper()
	return w.until(b, s.url+page, s.url+"/_wx/callback?code=")
}

// wantSite holds the page at which a browser has arrived against a page of a
// site, seen as a visitor.
func (w *hubWorld) wantSite(page *wechattest.Page, s *loginSite, target, visitor string) {
	w.t.Helper()
	if page.Status != http.StatusOK || page.Header.Get("From-Upstream") == "" || page.URL.Host != mustURL(w.t, s.url).Host {
		w.t.Errorf("ends with %d %q at %s, want the page of %s", page.Status, loginHeading.FindString(page.Body), page.URL.Host+page.URL.Path, s.url)
		return
	}
	seen := seenBy(w.t, page.Body)
	if got := seen.Header.Get("X-Wx-Openid"); seen.Target != target || got != s.openID(visitor) {
		w.t.Errorf("the site sees %q for %q, want %q for %q", seen.Target, got, target, s.openID(visitor))
	}
}

func (w *hubWorld) wantNobody(b *wechattest.Browser, sites ...*loginSite) {
	w.t.Helper()
	for _, s := range sites {
		if me := s.me(b); me != (loginMe{}) {
			w.t.Errorf("/me at %s = %+v, want nobody", s.url, me)
		}
	}
}

func shown(page *wechattest.Page) loginAnswer {
	return loginAnswer{page.Status, page.Header, page.Body}
}

// wayOf is the way of a page load, address for address without queries.
func wayOf(page *wechattest.Page) []string {
	var way []string
	for _, hop := range page.Hops {
		way = append(way, hop.URL.Scheme+"://"+hop.URL.Host+hop.URL.Path)
	}
	return way
}

func scanAtHub(c *testConfig) {
	c.OutsideWeChat = gateway.OutsideQRConnect
	c.ScanAccount = &wechat.Client{
		AppID: wechattest.StockWebsiteAppID, AppSecret: wechattest.StockWebsiteAppSecret,
		Transport: c.Account.Transport,
	}
}

// twin is another browser with the same cookies.
func (w *hubWorld) twin(b *wechattest.Browser) *wechattest.Browser {
	w.t.Helper()
	twin := w.browser(b.Visitor)
	for _, origin := range []string{hubOrigin, shop1Origin, shop2Origin} {
		u := mustURL(w.t, origin)
		twin.Jar.SetCookies(u, b.Jar.Cookies(u))
	}
	return twin
}
