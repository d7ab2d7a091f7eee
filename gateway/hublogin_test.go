package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/hub"
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
type hubSetup struct{ hub, shop1, shop2 func(*gateway.Config) }

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
	w.hub = w.gateway(hubOrigin, 'a', setup.hub, func(c *gateway.Config) {
		c.HubSites = []string{shop1Origin, shop2Origin}
	})
	atHub := func(c *gateway.Config) {
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

func (w *hubWorld) gateway(origin string, key byte, configure, part func(*gateway.Config)) *loginSite {
	s := &loginSite{t: w.t, wx: w.wx, open: "https://open.weixin.qq.com", url: origin, transport: w, upstream: http.HandlerFunc(loginUpstream)}
	s.prepare(func() gateway.Config {
		return gateway.Config{
			PublicURL: origin,
			HubKey:    hubKey(),
			Account: &wechat.Client{
				AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret,
				Transport: w.wx.Transport(),
			},
		}
	}, func(c *gateway.Config) {
		c.CookieKeys = [][]byte{bytes.Repeat([]byte{key}, 32)}
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

func TestHubLogin(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	lihua, tom := w.browser("lihua"), w.browser("tom")
	calls := 0
	for _, step := range []struct {
		b    *wechattest.Browser
		site *loginSite
	}{{lihua, w.shop1}, {tom, w.shop1}, {tom, w.shop2}, {lihua, w.shop2}} {
		const target = "/orders/7?item=1&b=%2F&c=%20d"
		page := w.shop1.visit(step.b, step.site.url+target)
		w.wantSite(page, step.site, target, step.b.Visitor)
		want := []string{
			step.site.url + "/orders/7", hubOrigin + "/_wx/login", "https://open.weixin.qq.com/connect/oauth2/authorize",
			hubOrigin + "/_wx/callback", step.site.url + "/_wx/callback", step.site.url + "/orders/7",
		}
		if got := wayOf(page); !slices.Equal(got, want) {
			t.Errorf("the way is %q, want %q", got, want)
		}
		header := seenBy(t, page.Body).Header
		for name, want := range map[string]string{"X-Wx-Appid": wechattest.StockAppID, "X-Wx-Scope": "snsapi_base", "X-Wx-Source": "wx_client"} {
			if got := header.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		calls++
		w.hub.wantCalls(calls)
		w.wantSite(w.shop1.visit(step.b, step.site.url+"/next"), step.site, "/next", step.b.Visitor) // signed in
		w.hub.wantCalls(calls)
	}
	for _, b := range []*wechattest.Browser{lihua, tom} {
		w.wantNobody(b, w.hub)
		for _, name := range w.hub.cookieNames(b) {
			if !strings.HasPrefix(name, "__Host-wxgate_login_") {
				t.Errorf("the hub sets the cookie %s, want none but those of logins", name)
			}
		}
	}
	if hub, site := w.hub.count("wxgate_logins_total", "ok"), w.shop1.count("wxgate_logins_total", "ok"); hub != 4 || site != 2 {
		t.Errorf("%v logins counted at the hub and %v at a site, want 4 and 2", hub, site)
	}
}

// Two visitors at two sites each, all under way at the same time.
func TestHubLoginsInterleaved(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	lihua, tom := w.browser("lihua"), w.browser("tom")
	type way struct {
		b    *wechattest.Browser
		site *loginSite
		page string
		at   string
	}
	var ways []*way
	for _, b := range []*wechattest.Browser{lihua, tom} {
		for _, site := range []*loginSite{w.shop1, w.shop2} {
			for _, page := range []string{"/first?a", "/second?b"} {
				ways = append(ways, &way{b, site, page, site.url + page})
			}
		}
	}
	for range 4 { // to the hub, to WeChat, back to the hub, back to the site
		for _, l := range ways {
			l.at = w.until(l.b, l.at, "https://")
		}
	}
	for _, l := range ways {
		w.wantSite(w.hub.visit(l.b, l.at), l.site, l.page, l.b.Visitor)
	}
	w.hub.wantCalls(len(ways))
}

func TestHubLoginTheHubsOwn(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	w.wantSite(w.hub.visit(b, "/own?a"), w.hub, "/own?a", "lihua")
	w.wantNobody(b, w.shop1, w.shop2)
	w.wantSite(w.hub.visit(b, shop1Origin+"/a"), w.shop1, "/a", "lihua")
	if got := w.hub.me(b).OpenID; got != w.hub.openID("lihua") {
		t.Errorf("/me at the hub = %q, want its own session kept", got)
	}
}

func TestHubLoginWithProfile(t *testing.T) {
	t.Parallel()
	userInfo := func(c *gateway.Config) { c.Scope = wechat.ScopeUserInfo }
	for _, tt := range []struct {
		name, page, nickname string
		setup                hubSetup
	}{
		{"the site's scope", "/", "小美🌸✨", hubSetup{shop1: userInfo}},
		{"asked for", "/_wx/login?scope=snsapi_userinfo", "小美🌸✨", hubSetup{}},
		{"the hub's scope", "/", "", hubSetup{hub: userInfo}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newHubWorld(t, tt.setup)
			b := w.browser("xiaomei")
			w.wantSite(w.hub.visit(b, shop1Origin+tt.page), w.shop1, "/", "xiaomei")
			want := loginMe{OpenID: w.hub.openID("xiaomei"), AppID: wechattest.StockAppID, Scope: "snsapi_base"}
			if tt.nickname != "" {
				want.Nickname, want.Scope, want.UnionID = tt.nickname, "snsapi_userinfo", w.wx.UnionID(wechattest.StockAppID, "xiaomei")
			}
			me := w.shop1.me(b)
			if tt.nickname != "" && me.Avatar == "" {
				t.Error("no avatar")
			}
			want.Avatar, want.IssuedAt, want.ExpiresAt = me.Avatar, me.IssuedAt, me.ExpiresAt
			if me != want {
				t.Errorf("/me = %+v, want %+v", me, want)
			}
		})
	}
}

// A page of the site drives the login: the ticket is its code.
func TestHubPageLogin(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"/guest?from=menu", "/guest#/route", "/#/route", "", "?a=b", "#/route", "/" + strings.Repeat("%E5", 600), "/?" + strings.Repeat("a", 1900)} {
		t.Run(fmt.Sprintf("%.20s", page), func(t *testing.T) {
			t.Parallel()
			w := newHubWorld(t, hubSetup{})
			b := w.browser("lihua")
			begun := w.shop1.pageConfig(b, "?redirect_uri="+url.QueryEscape(shop1Origin+page))
			if begun.AppID != wechattest.StockAppID || begun.Scope != "snsapi_base" || !strings.HasPrefix(begun.AuthorizeURL, hubLogin) {
				t.Errorf("/config = %+v, want the address of the hub", begun)
			}
			back := w.until(b, begun.AuthorizeURL, shop1Origin)
			address, fragment, _ := strings.Cut(back, "#")
			if wanted, wantFragment, _ := strings.Cut(shop1Origin+page, "#"); !strings.HasPrefix(address, wanted) || fragment != wantFragment {
				t.Errorf("the hub sends back to %q, want %q", back, shop1Origin+page)
			}
			query := queryOf(t, back)
			if query.Get("state") != begun.State {
				t.Errorf("state = %q, want %q", query.Get("state"), begun.State)
			}
			hubs := w.hub.handOver(b, query.Get("code"), begun.State)
			wantRefusal(t, hubs, 400, "invalid_state")
			for range 2 {
				w.shop1.wantVisitor(w.shop1.handOver(b, query.Get("code"), begun.State), b, w.hub.openID("lihua"))
			}
			w.hub.wantCalls(1)
			w.wantNobody(b, w.hub, w.shop2)
		})
	}
}

func TestHubPageLoginRefused(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	begun := w.shop1.pageConfig(b, "?redirect_uri="+url.QueryEscape(shop1Origin+"/guest"))
	w.until(b, begun.AuthorizeURL, shop1Origin)
	wantRefusal(t, w.shop1.handOver(b, "forged", begun.State), 400, "invalid_code")
	wantRefusal(t, w.shop1.handOver(b, "forged", begun.State), 400, "invalid_state")
	w.wantNobody(b, w.shop1)
}

// No page of the hub has begun the login of a site's visitor, and none ends it.
func TestHubKeepsItsPagesOut(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	callback := w.until(b, shop1Origin+"/a", hubOrigin+"/_wx/callback?code=")
	query := queryOf(t, callback)
	wantRefusal(t, w.hub.handOver(b, query.Get("code"), query.Get("state")), 400, "invalid_state")
	w.hub.wantCalls(0)
	w.wantNobody(b, w.hub)
	w.wantSite(w.hub.visit(b, callback), w.shop1, "/a", "lihua")
	wantRefusal(t, w.hub.handOver(b, query.Get("code"), query.Get("state")), 400, "invalid_state")
	w.hub.wantCalls(1)
}

// Who may sign in from which browser is for the site to say, not for the hub.
func TestHubLoginOutsideWeChat(t *testing.T) {
	t.Parallel()
	outside := func(o gateway.OutsideWeChat) func(*gateway.Config) {
		return func(c *gateway.Config) {
			if o == gateway.OutsideQRConnect {
				scanAtHub(c)
			}
			c.OutsideWeChat = o
		}
	}
	for _, site := range []struct {
		rule   gateway.OutsideWeChat
		status int // of a page load outside WeChat
	}{{gateway.OutsideRedirect, 302}, {gateway.OutsidePage, 200}, {gateway.OutsideDeny, 403}} {
		for _, hub := range []gateway.OutsideWeChat{gateway.OutsideRedirect, gateway.OutsidePage, gateway.OutsideDeny, gateway.OutsideQRConnect} {
			t.Run(string(site.rule)+" at a hub with "+string(hub), func(t *testing.T) {
				t.Parallel()
				w := newHubWorld(t, hubSetup{hub: outside(hub), shop1: outside(site.rule)})
				b := w.browser("lihua")
				w.wantSite(w.hub.visit(b, shop1Origin+"/a"), w.shop1, "/a", "lihua")
				desktop := w.browser("lihua")
				desktop.UserAgent = wechattest.AgentChrome
				if a := w.shop1.get(desktop, "/a"); a.status != site.status || site.status == 302 && !strings.HasPrefix(a.location(), hubLogin) {
					t.Errorf("outside WeChat: %d to %q, want %d", a.status, before(a.location(), "?"), site.status)
				}
				if site.status == 302 { // the emulator lets any browser in
					w.wantSite(w.hub.visit(desktop, shop1Origin+"/a"), w.shop1, "/a", "lihua")
				}
			})
		}
	}
}

// A site's scan login goes by way of the hub, too, where that has the same
// website application.
func TestHubScanLogin(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{hub: scanAtHub, shop1: scanAtHub})
	desktop, phone := w.browser("lihua"), w.browser("lihua")
	desktop.UserAgent = wechattest.AgentChrome
	w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: 40029}) // the next try is a scan login, too
	page := w.hub.visit(desktop, shop1Origin+"/_wx/login?scope=snsapi_userinfo&return_to=/a")
	if got, want := page.Hops[2].URL.Path, "/connect/qrconnect"; got != want {
		t.Errorf("the visitor is sent to %s, want %s", got, want)
	}
	if me := w.shop1.me(desktop); me.AppID != wechattest.StockWebsiteAppID || me.OpenID != w.wx.OpenID(wechattest.StockWebsiteAppID, "lihua") || me.Nickname != "李华" {
		t.Errorf("/me = %+v, want the website application's openid, and a nickname", me)
	}
	w.wantSite(w.hub.visit(phone, shop1Origin+"/a"), w.shop1, "/a", "lihua")

	begun := w.shop1.pageConfig(desktop, "")
	if begun.AppID != wechattest.StockWebsiteAppID || begun.Scope != "snsapi_login" {
		t.Errorf("/config = %+v, want the website application", begun)
	}
	desktop.Answer = wechattest.AnswerDeclineRedirect
	page = w.hub.visit(desktop, shop1Origin+"/_wx/login?return_to=/a")
	desktop.Answer = ""
	if way := wayOf(w.hub.visit(desktop, button(t, page.Body))); way[1] != "https://open.weixin.qq.com/connect/qrconnect" {
		t.Errorf("the button of the page leads by %q, want the scan login", way)
	}
}

func scanAtHub(c *gateway.Config) {
	c.OutsideWeChat = gateway.OutsideQRConnect
	c.ScanAccount = &wechat.Client{
		AppID: wechattest.StockWebsiteAppID, AppSecret: wechattest.StockWebsiteAppSecret,
		Transport: c.Account.Transport,
	}
}

// Scan login at a site whose hub has no website application ends at the hub,
// whose operator is told.
func TestHubWithoutScanLogin(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{shop1: scanAtHub})
	b := w.browser("lihua")
	b.UserAgent = wechattest.AgentChrome
	page := w.hub.visit(b, shop1Origin+"/a")
	wantPage(t, shown(page), 400, headingBadRequest)
	if lines := w.hub.log.level("warn"); len(lines) != 1 || !strings.Contains(lines[0], "WXGATE_QR_APP_ID") {
		t.Errorf("warnings %q, want one that names WXGATE_QR_APP_ID", lines)
	}
}

// A ticket opens for one login at one site, and nothing else does.
func TestTicketRefused(t *testing.T) {
	t.Parallel()
	seal := func(t *testing.T, key []byte, site, state string) string {
		tickets, err := hub.New(key)
		if err != nil {
			t.Fatal(err)
		}
		ticket, err := tickets.Seal(site, state, &session.Session{AppID: wechattest.StockAppID, OpenID: "oforged", Scope: "snsapi_base"})
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	for _, tt := range []struct {
		name string
		code func(t *testing.T, w *hubWorld, b *wechattest.Browser, state string) string
	}{
		{"forged", func(*testing.T, *hubWorld, *wechattest.Browser, string) string { return "Zm9yZ2Vk" }},
		{"a code of WeChat's", func(t *testing.T, w *hubWorld, b *wechattest.Browser, _ string) string {
			return queryOf(t, w.until(b, shop1Origin+"/b", hubOrigin+"/_wx/callback?code=")).Get("code")
		}},
		{"the other site's", func(t *testing.T, w *hubWorld, b *wechattest.Browser, _ string) string {
			return queryOf(t, w.ticketFor(b, w.shop2, "/b")).Get("code")
		}},
		{"the other site's, of this state", func(t *testing.T, _ *hubWorld, _ *wechattest.Browser, state string) string {
			return seal(t, hubKey(), shop2Origin, state)
		}},
		{"of another state", func(t *testing.T, w *hubWorld, b *wechattest.Browser, _ string) string {
			return queryOf(t, w.ticketFor(b, w.shop1, "/b")).Get("code")
		}},
		{"another visitor's", func(t *testing.T, w *hubWorld, _ *wechattest.Browser, _ string) string {
			return queryOf(t, w.ticketFor(w.browser("tom"), w.shop1, "/b")).Get("code")
		}},
		{"of another key", func(t *testing.T, _ *hubWorld, _ *wechattest.Browser, state string) string {
			return seal(t, bytes.Repeat([]byte("i"), 32), shop1Origin, state)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newHubWorld(t, hubSetup{})
			b := w.browser("lihua")
			states := make(map[string]bool)
			at := shop1Origin + "/a?b"
			for range 3 {
				login := w.until(b, at, hubLogin)
				state := queryOf(t, login).Get("state")
				states[state] = true
				at = shop1Origin + "/_wx/callback?code=" + tt.code(t, w, b, state) + "&state=" + state
				w.wantNobody(b, w.shop1)
			}
			a := w.shop1.get(b, at)
			wantPage(t, a, 403, headingCodeRefused)
			if len(states) != 3 {
				t.Errorf("%d logins, want 3 under a state each", len(states))
			}
			w.wantNobody(b, w.shop1)
			wantPage(t, w.shop1.get(b, at), 400, headingRestart)
			if got := w.shop1.count("wxgate_logins_total", "code_refused"); got != 3 {
				t.Errorf("refused codes counted = %v, want 3", got)
			}
			// An operator with two keys would not know otherwise.
			if lines := w.shop1.log.level("warn"); len(lines) != 1 || !strings.Contains(lines[0], "WXGATE_HUB_KEY") {
				t.Errorf("warnings %q, want one that names WXGATE_HUB_KEY", lines)
			}
			w.wantSite(w.hub.visit(b, button(t, a.body)), w.shop1, "/a?b", "lihua")
		})
	}
}

// Refused once, or twice, the login starts again by itself and ends well.
func TestTicketRefusedOnce(t *testing.T) {
	t.Parallel()
	for times := range 3 {
		w := newHubWorld(t, hubSetup{})
		b := w.browser("lihua")
		at := shop1Origin + "/a?b"
		for range times {
			at = shop1Origin + "/_wx/callback?code=forged&state=" + queryOf(t, w.until(b, at, hubLogin)).Get("state")
		}
		w.wantSite(w.hub.visit(b, at), w.shop1, "/a?b", "lihua")
		w.hub.wantCalls(1)
		if lines := w.shop1.log.level("warn"); len(lines) != 0 {
			t.Errorf("warnings %q, want none", lines)
		}
	}
}

func TestTicketTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newHubWorld(t, hubSetup{})
		b := w.browser("lihua")
		at := shop1Origin + "/a?b"
		for calls := range 3 {
			at = w.until(b, at, shop1Origin+"/_wx/callback?code=")
			w.hub.wantCalls(calls + 1)
			time.Sleep(time.Minute + time.Second)
		}
		a := w.shop1.get(b, at)
		wantPage(t, a, 403, headingCodeRefused)
		w.wantNobody(b, w.shop1)

		in59s := w.until(b, button(t, a.body), shop1Origin+"/_wx/callback?code=")
		time.Sleep(59 * time.Second)
		w.wantSite(w.hub.visit(b, in59s), w.shop1, "/a?b", "lihua")
	})
}

// A ticket that somebody else got hold of is of no use without the browser that
// the login was begun in.
func TestTicketInAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	mallory, victim := w.browser("tom"), w.browser("lihua")
	callback := w.ticketFor(mallory, w.shop1, "/mallory")
	w.shop1.get(victim, "/victim")
	wantPage(t, w.shop1.get(victim, callback), 400, headingRestart)
	wantPage(t, w.shop1.get(w.browser(""), callback), 400, headingNoCookies)
	w.wantNobody(victim, w.shop1)
	w.wantSite(w.hub.visit(mallory, callback), w.shop1, "/mallory", "tom")
	wantPage(t, w.shop1.get(victim, callback), 400, headingRestart)

	// Nor is the hub's callback.
	other := w.browser("tom")
	atHub := w.until(other, shop1Origin+"/a", hubOrigin+"/_wx/callback?code=")
	wantPage(t, w.hub.get(victim, atHub), 400, headingNoCookies)
	w.hub.wantCalls(1)
	w.wantSite(w.hub.visit(other, atHub), w.shop1, "/a", "tom")
}

// The back button leads on from each address of the way, without WeChat.
func TestHubLoginAskedAgain(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	atHub := w.until(b, shop1Origin+"/a?b", hubOrigin+"/_wx/callback?code=")
	atSite := w.until(b, atHub, shop1Origin+"/_wx/callback?code=")
	for range 2 {
		w.wantSite(w.hub.visit(b, atSite), w.shop1, "/a?b", "lihua")
		w.wantSite(w.hub.visit(b, atHub), w.shop1, "/a?b", "lihua")
	}
	w.hub.wantCalls(1)
	if got := w.shop1.count("wxgate_logins_total", "ok"); got != 1 {
		t.Errorf("logins counted = %v, want 1", got)
	}
	w.shop1.do(b, http.MethodPost, "/_wx/logout", nil)
	for _, address := range []string{atHub, atSite} {
		page := w.hub.visit(b, address)
		wantPage(t, shown(page), 400, headingRestart)
	}
	w.wantNobody(b, w.shop1)
}

// The hub's answer never arrived, and its callback is asked again. A replica
// that knows nothing of the exchange has no ticket; she has not declined, and the
// button goes on.
func TestHubAnswerLost(t *testing.T) {
	t.Parallel()
	for _, replica := range []bool{false, true} {
		w := newHubWorld(t, hubSetup{})
		b := w.browser("lihua")
		atHub := w.until(b, shop1Origin+"/a?b", hubOrigin+"/_wx/callback?code=")
		w.until(b, atHub, shop1Origin)
		if replica {
			w.hub.use(w.hub.replica(w.hub.config()))
		}
		page := w.hub.visit(b, atHub)
		w.hub.wantCalls(1)
		if replica {
			wantPage(t, shown(page), 400, headingRestart)
			if got := w.shop1.count("wxgate_logins_total", "declined"); got != 0 {
				t.Errorf("visitors who declined = %v, want none", got)
			}
			page = w.hub.visit(b, button(t, page.Body))
		}
		w.wantSite(page, w.shop1, "/a?b", "lihua")
		w.wantSite(w.hub.visit(b, atHub), w.shop1, "/a?b", "lihua")
	}
}

// What only an operator can mend is told at the site, once, and ends there.
func TestHubOfAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{shop1: func(c *gateway.Config) { c.Account.AppID = "wx00000000000000ff" }})
	b := w.browser("lihua")
	page := w.hub.visit(b, shop1Origin+"/a")
	wantPage(t, shown(page), 502, headingMisconfigured)
	if len(page.Hops) != 5 {
		t.Errorf("the way is %q, want one round", wayOf(page))
	}
	lines := w.shop1.log.level("error")
	if len(lines) != 1 || !strings.Contains(lines[0], "WXGATE_APP_ID") || !strings.Contains(lines[0], "wx00000000000000ff") {
		t.Errorf("error lines %q, want one that names both accounts and WXGATE_APP_ID", lines)
	}
	w.wantNobody(b, w.shop1)
	wantPage(t, w.shop1.get(b, page.URL.String()), 400, headingRestart)
	w.hub.wantCalls(1)
}

const someState = "00112233445566778899aabbccddeeff"

// The hub signs visitors in for the sites of its list, to the letter.
func TestHubRefuses(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	login := func(redirectURI, state string) string {
		return hubLogin + "redirect_uri=" + url.QueryEscape(redirectURI) + "&state=" + url.QueryEscape(state)
	}
	callback := url.QueryEscape(shop1Origin + "/_wx/callback")
	addresses := []string{
		hubLogin + "redirect_uri=" + callback,
		hubLogin + "redirect_uri=" + callback + "&state=",
		hubLogin + "redirect_uri=" + callback + "&state=" + someState + "&state=" + someState,
		hubLogin + "redirect_uri=" + callback + "&redirect_uri=" + callback + "&state=" + someState,
		hubLogin + "redirect_uri=" + callback + "&redirect_uri=https://evil.example/&state=" + someState,
		hubLogin + "redirect_uri=https://evil.example/&redirect_uri=" + callback + "&state=" + someState,
		hubLogin + "redirect_uri=" + callback + "&state=" + someState + "&scope=snsapi_all",
	}
	for _, state := range []string{someState[1:], someState + "0", strings.ToUpper(someState), someState[:31] + "g", someState[:31] + " ", someState[:30] + "ä", someState[:31] + "\x00", someState[:31] + "="} {
		addresses = append(addresses, login(shop1Origin+"/_wx/callback", state))
	}
	for _, redirectURI := range []string{
		"https://shop3.cn/_wx/callback", "https://evil.example/", "https://SHOP1.cn/_wx/callback", "HTTPS://shop1.cn/_wx/callback",
		"https://shop1.cn:443/_wx/callback", "https://shop1.cn:8443/_wx/callback", "https://shop1.cn:@evil.example/", "https://shop1.cn./_wx/callback", "https://m.shop1.cn/_wx/callback",
		"http://shop1.cn/_wx/callback", "//shop1.cn/_wx/callback", "/_wx/callback", "shop1.cn/_wx/callback", "https:shop1.cn/", "https:///shop1.cn/",
		"https://shop1.cn.evil.example/_wx/callback", "https://shop1.cnevil.example/", "https://shop1.cn@evil.example/", "https://x@shop1.cn/", "https://x:y@shop1.cn/",
		`https://shop1.cn\@evil.example/`, `https://shop1.cn\.evil.example/`, "https://shop1.cn%2eevil.example/", "https://shop1.cn%2f@evil.example/", "https://shop1.cn;evil.example/",
		" https://shop1.cn/", "https://shop1.cn/ ", "https://shop1.cn/\r\nSet-Cookie: a=b", "https://shop1.cn/商店", "https://shop1.cn/\x00", "\thttps://shop1.cn/", "https://shop1.cn\t.evil.example/",
		"javascript://shop1.cn/%0aalert(1)", "https://auth.example.com/", "https://auth.example.com/_wx/callback",
		"https://shop1.cn/_wx/login", "https://shop1.cn/_wx/login?return_to=/", "https://shop1.cn/_wx/log%69n", "https://shop1.cn/_wx//login", "https://shop1.cn/a/../_wx/login",
		"https://shop1.cn/_wx/callback/../login", "https://shop1.cn/_wx/callback/../login?a", "https://shop1.cn/_wx/callback/%2e%2e/login", "https://shop1.cn/_wx/callback/./../login#a",
		"https://shop1.cn/" + strings.Repeat("a", session.MaxReturnTo),
	} {
		addresses = append(addresses, login(redirectURI, someState))
	}
	addresses = append(addresses, hubLogin+"redirect_uri=&state="+someState, login(shop1Origin+"/_wx/callback", someState)+"&appid="+wechattest.StockWebsiteAppID)
	for _, address := range addresses {
		a := w.hub.get(w.browser("lihua"), address)
		wantPage(t, a, 400, headingBadRequest)
		if len(a.cookies("")) != 0 || a.location() != "" {
			t.Errorf("%s sets %q and leads to %q, want neither", address, a.header["Set-Cookie"], a.location())
		}
	}
	if lines := w.hub.log.level("warn"); len(lines) != 1 || !strings.Contains(lines[0], "WXGATE_HUB_SITES") || !strings.Contains(lines[0], "https://shop3.cn/_wx/callback") {
		t.Errorf("warnings %q, want one that names WXGATE_HUB_SITES and the first address", lines)
	}
	if len(w.wx.Requests()) != 0 {
		t.Error("WeChat was asked")
	}
	for _, redirectURI := range []string{"https://shop1.cn/_wx/callback", "https://shop2.cn/_wx/callback", "https://shop2.cn/", "https://shop2.cn", "https://shop2.cn/a?b=c#d", "https://shop2.cn/_wx/loginpage"} {
		if a := w.hub.get(w.browser("lihua"), login(redirectURI, someState)); a.status != 302 || !strings.HasPrefix(a.location(), "https://open.weixin.qq.com/connect/oauth2/authorize?") {
			t.Errorf("%s: %d to %q, want WeChat", redirectURI, a.status, a.location())
		}
	}
}

// A gateway that is no hub signs in for nobody else: two that name each other as
// hub, or one that names a site, end at once.
func TestHubsInCircles(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{
		shop1: func(c *gateway.Config) { c.HubURL = shop2Origin },
		shop2: func(c *gateway.Config) { c.HubURL = shop1Origin },
	})
	for _, s := range []*loginSite{w.shop1, w.shop2} {
		page := w.hub.visit(w.browser("lihua"), s.url+"/a")
		wantPage(t, shown(page), 400, headingBadRequest)
		if len(page.Hops) != 2 {
			t.Errorf("the way is %q, want an end at the other gateway", wayOf(page))
		}
	}
	plain := newLoginMemorySite(t, nil)
	a := plain.get(plain.browser(), "/_wx/login?redirect_uri="+url.QueryEscape(shop1Origin+"/_wx/callback")+"&state="+someState)
	wantPage(t, a, 400, headingBadRequest)
}

// The hub's list has become shorter while a visitor was at WeChat: she is sent
// nowhere.
func TestHubSiteTakenOff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*gateway.Config)
	}{
		{"another site is left", func(c *gateway.Config) { c.HubSites = []string{shop2Origin} }},
		{"no longer a hub", func(c *gateway.Config) { c.HubSites, c.HubKey = nil, nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newHubWorld(t, hubSetup{})
			b, again := w.browser("lihua"), w.browser("tom")
			callback := w.until(b, shop1Origin+"/a", hubOrigin+"/_wx/callback?code=")
			spent := w.until(again, shop1Origin+"/a", hubOrigin+"/_wx/callback?code=")
			w.until(again, spent, shop1Origin)
			c := w.hub.config()
			tt.change(&c)
			w.hub.use(w.hub.replica(c))
			wantPage(t, w.hub.get(b, callback), 400, headingRestart)
			wantPage(t, w.hub.get(again, spent), 400, headingRestart)
			w.hub.wantCalls(1)
		})
	}
}

// A site that names the hub by another of its hosts is led to the one that
// WeChat calls back.
func TestHubByAnotherName(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	c := w.hub.config()
	c = gateway.Config{Sites: []gateway.Site{{Hosts: []string{mustURL(t, hubAlias).Host}, Config: c}}, Logger: c.Logger}
	w.hub.use(w.hub.replica(c))
	b := w.browser("lihua")
	login := w.until(b, shop1Origin+"/a?b", hubLogin)
	page := w.hub.visit(b, strings.Replace(login, hubOrigin, hubAlias, 1))
	w.wantSite(page, w.shop1, "/a?b", "lihua")
	if got := page.Hops[1].URL.String(); got != login {
		t.Errorf("the alias leads to %q, want %q", got, login)
	}
}

func TestHubVisitorDeclines(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	b.Answer = wechattest.AnswerDeclineRedirect
	page := w.hub.visit(b, shop1Origin+"/_wx/login?scope=snsapi_userinfo&return_to=/a?b")
	wantPage(t, shown(page), 403, headingDeclined)
	if page.URL.Host != "auth.example.com" {
		t.Errorf("the page is at %s, want the hub", page.URL.Host)
	}
	w.hub.wantCalls(0)
	b.Answer = ""
	w.wantSite(w.hub.visit(b, button(t, page.Body)), w.shop1, "/a?b", "lihua")
	if got := w.shop1.me(b).Nickname; got != "李华" {
		t.Errorf("nickname %q, want the scope kept", got)
	}
}

func TestHubWeChatAway(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultStatus, Status: 502})
	page := w.hub.visit(b, shop1Origin+"/a?b")
	wantPage(t, shown(page), 503, headingWeChatAway)
	if page.URL.Host != "auth.example.com" || page.Header.Get("Retry-After") != "5" {
		t.Errorf("the page is at %s with Retry-After %q, want the hub and 5", page.URL.Host, page.Header.Get("Retry-After"))
	}
	w.hub.wantCalls(1)
	// Reloaded, it sends the code nowhere; either button begins anew.
	reloaded := w.hub.visit(b, page.URL.String())
	wantPage(t, shown(reloaded), 400, headingRestart)
	w.hub.wantCalls(1)
	w.wantSite(w.hub.visit(w.twin(b), button(t, reloaded.Body)), w.shop1, "/a?b", "lihua")
	w.wantSite(w.hub.visit(b, button(t, page.Body)), w.shop1, "/a?b", "lihua")
	w.hub.wantCalls(3)
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

// A code that WeChat refuses starts the hub's login again, and the site's state
// is kept.
func TestHubCodeRefused(t *testing.T) {
	t.Parallel()
	for times, status := range []int{200, 200, 200, 403} {
		w := newHubWorld(t, hubSetup{})
		b := w.browser("lihua")
		if times > 0 {
			w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: 40163, Times: times})
		}
		login := w.until(b, shop1Origin+"/a?b", hubLogin)
		page := w.hub.visit(b, login)
		w.hub.wantCalls(min(times+1, 3))
		if status == 403 {
			wantPage(t, shown(page), 403, headingCodeRefused)
			w.wantNobody(b, w.shop1)
			page = w.hub.visit(b, button(t, page.Body))
		}
		w.wantSite(page, w.shop1, "/a?b", "lihua")
		back := page.Hops[len(page.Hops)-2].URL
		if got, want := back.Query().Get("state"), queryOf(t, login).Get("state"); back.Host != "shop1.cn" || got != want {
			t.Errorf("comes back to %s with another state than the site's", back.Host)
		}
	}
}

// Callbacks that arrive twice at the same time, at the hub and at the site, are
// one login.
func TestHubCallbacksAtOnce(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultSlowHeader, Delay: 100 * time.Millisecond})
	atHub := w.until(b, shop1Origin+"/a?b", hubOrigin+"/_wx/callback?code=")
	addresses := make([]string, 4)
	var all sync.WaitGroup
	for i := range addresses {
		twin := w.twin(b)
		all.Go(func() { addresses[i] = w.hub.get(twin, atHub).location() })
	}
	all.Wait()
	w.hub.wantCalls(1)
	for _, address := range addresses {
		if !strings.HasPrefix(address, shop1Origin+"/_wx/callback?code=") {
			t.Fatalf("the hub leads to %q, want the site with a ticket", before(address, "?"))
		}
		twin := w.twin(b)
		all.Go(func() {
			wantRedirect(t, w.shop1.get(twin, address), "/a?b")
			if got := w.shop1.me(twin).OpenID; got != w.hub.openID("lihua") {
				t.Errorf("/me = %q, want %q", got, w.hub.openID("lihua"))
			}
		})
	}
	all.Wait()
	w.hub.wantCalls(1)

	crowd := w.browser("tom")
	crowd.Quirks = wechattest.Quirks{Double: true, CrawlBefore: true, CrawlAfter: true}
	w.wantSite(w.hub.visit(crowd, shop1Origin+"/c"), w.shop1, "/c", "tom")
	w.hub.wantCalls(2)
}

// Who may enter a site is for the site to say; the hub's rules are the hub's.
func TestHubRules(t *testing.T) {
	t.Parallel()
	openID := (&wechattest.Emulator{}).OpenID
	deny := func(visitor string) func(*gateway.Config) {
		return func(c *gateway.Config) {
			c.DenyOpenIDsFile = openIDList(t, openID(wechattest.StockAppID, visitor))
		}
	}
	allow := func(c *gateway.Config) { c.AllowOpenIDsFile = openIDList(t, "onobody") }
	snapshots := func(c *gateway.Config) { c.DenySnapshotUsers = true }
	for _, tt := range []struct {
		name, visitor string
		rule          func(*hubWorld) func(*gateway.Config)
		heading       string
	}{
		{"deny list", "lihua", func(*hubWorld) func(*gateway.Config) { return deny("lihua") }, headingForbidden},
		{"allow list", "lihua", func(*hubWorld) func(*gateway.Config) { return allow }, headingForbidden},
		{"snapshot", "snapshot", func(*hubWorld) func(*gateway.Config) { return snapshots }, headingSnapshot},
		{"follow", "tom", func(w *hubWorld) func(*gateway.Config) {
			return func(c *gateway.Config) {
				c.RequireFollow = true
				c.Tokens = &wechat.TokenSource{Client: &wechat.Client{AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, Transport: w.wx.Transport()}}
			}
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			apply := func(w *hubWorld, s *loginSite) {
				c := s.config()
				tt.rule(w)(&c)
				s.use(s.replica(c))
			}
			ofTheHub := newHubWorld(t, hubSetup{})
			apply(ofTheHub, ofTheHub.hub)
			b := ofTheHub.browser(tt.visitor)
			page := ofTheHub.hub.visit(b, shop1Origin+"/_wx/login?scope=snsapi_userinfo&return_to=/a")
			if page.Status != 200 || page.Header.Get("From-Upstream") == "" {
				t.Errorf("a rule of the hub: %d %q, want the site", page.Status, loginHeading.FindString(page.Body))
			}
			if me := ofTheHub.shop1.me(b); me.Nickname == "" || me.SnapshotUser != (tt.visitor == "snapshot") {
				t.Errorf("a rule of the hub: /me = %+v, want a nickname", me)
			}
			if got := ofTheHub.wx.Calls("/cgi-bin/user/info"); got != 0 {
				t.Errorf("the hub asks %d times whether a site's visitor follows", got)
			}

			ofTheSite := newHubWorld(t, hubSetup{})
			apply(ofTheSite, ofTheSite.shop1)
			b = ofTheSite.browser(tt.visitor)
			page = ofTheSite.hub.visit(b, shop1Origin+"/a")
			if page.Status != 403 || page.URL.Host != "shop1.cn" || !strings.Contains(page.Body, tt.heading) {
				t.Errorf("a rule of the site: %d %q at %s, want 403 %q there", page.Status, loginHeading.FindString(page.Body), page.URL.Host, tt.heading)
			}
			if a := ofTheSite.shop1.get(b, "/a"); a.status == 200 {
				t.Error("a rule of the site: signed in all the same")
			}
			if page := ofTheSite.hub.visit(ofTheSite.browser("lihua"), shop2Origin+"/a"); page.Status != 200 {
				t.Errorf("a rule of the site holds at the other: %d", page.Status)
			}
		})
	}
}

// Neither tickets nor states, codes and openids stand in a line of any log, and
// no answer but a redirect names them. (That each redirect is kept by nobody and
// tells no address on is held against every answer of these tests.)
func TestHubSecretsStay(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	metrics := map[*loginSite]*prometheus.Registry{w.hub: w.hub.metrics, w.shop1: w.shop1.metrics, w.shop2: w.shop2.metrics}
	b := w.browser("xiaomei")
	callback := w.ticketFor(b, w.shop1, "/a")
	w.shop2.get(b, strings.Replace(callback, "shop1", "shop2", 1))
	w.shop2.get(b, strings.Replace(callback, "shop1.cn/_wx/callback", "shop2.cn/", 1))
	w.shop1.get(w.browser(""), callback)
	w.hub.visit(b, callback)
	w.hub.visit(b, callback)
	w.hub.visit(b, shop2Origin+"/_wx/login?scope=snsapi_userinfo")
	begun := w.shop1.pageConfig(b, "?redirect_uri="+url.QueryEscape(shop1Origin+"/guest"))
	back := queryOf(t, w.until(b, begun.AuthorizeURL, shop1Origin))
	w.hub.handOver(b, back.Get("code"), back.Get("state"))
	w.shop1.handOver(b, back.Get("code"), back.Get("state"))
	for _, code := range []int{40163, 40029, -1, 40125, 50002} {
		w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: code})
		page := w.hub.visit(w.browser("lihua"), shop1Origin+"/a")
		w.hub.visit(b, page.URL.String())
	}
	w.hub.get(b, hubLogin+"redirect_uri="+url.QueryEscape("https://shop3.cn/?state="+someState)+"&state="+someState)
	for _, site := range []string{shop1Origin, shop2Origin} { // each with tickets that it refuses
		at := site + "/b"
		stranger := w.browser("tom")
		for range 3 {
			state := queryOf(t, w.until(stranger, at, hubLogin)).Get("state")
			at = site + "/_wx/callback?code=" + queryOf(t, callback).Get("code") + "&state=" + state
		}
		w.hub.get(stranger, at)
	}
	other := w.shop1.config()
	other.Account.AppID = "wx00000000000000ff"
	w.shop1.use(w.shop1.replica(other))
	w.hub.visit(w.browser("lihua"), shop1Origin+"/a")

	secrets := map[string]string{someState: "state", string(hubKey()): "hub key"}
	for _, visitor := range wechattest.StockVisitors() {
		secrets[w.hub.openID(visitor.ID)] = "openid"
	}
	for s := range metrics {
		for _, a := range s.answers {
			query := queryOf(t, a.header.Get("Location"))
			for _, name := range []string{"code", "state"} {
				if value := query.Get(name); value != "" {
					secrets[value] = name
				}
			}
			for _, c := range (&http.Response{Header: a.header}).Cookies() {
				if c.Value != "" {
					secrets[c.Value] = "cookie"
				}
			}
		}
	}
	search := newSecretSearch(secrets)
	for s, registry := range metrics {
		for line := range strings.Lines(s.log.String()) {
			search.in(t, "log line of "+s.url, line)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			search.in(t, "metric of "+s.url, family.String())
		}
		for i, a := range s.answers {
			where := fmt.Sprintf("answer %d of %s, %s", i, s.url, a.path)
			switch {
			case a.fromUpstream():
			case strings.HasPrefix(string(a.body), "{"):
				var me loginMe
				json.Unmarshal(a.body, &me)
				if me.OpenID == "" && a.path != "/_wx/config" {
					search.in(t, where, string(a.body))
				}
			default: // the button of a page leads on under the site's state
				search.in(t, where, string(a.body), "state")
			}
		}
	}
	for _, s := range []*loginSite{w.hub, w.shop1} {
		if len(s.log.level("warn"))+len(s.log.level("error")) == 0 {
			t.Errorf("%s logged no fault: the test shows nothing", s.url)
		}
	}
}
