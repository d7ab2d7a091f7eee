package gateway_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

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
		page := w.shop1.open(step.b, step.site.url+target)
		w.wantSite(page, step.site, target, step.b.Visitor)
		want := []string{
			step.site.url + "/orders/7", hubOrigin + "/_wx/login", "https://open.weixin.qq.com/connect/oauth2/authorize",
			hubOrigin + "/_wx/callback", step.site.url + "/_wx/callback", step.site.url + "/orders/7",
		}
		if got := addressesOf(page); !slices.Equal(got, want) {
			t.Errorf("the addresses are %q, want %q", got, want)
		}
		header := echoIn(t, page.Body).Header
		for name, want := range map[string]string{"X-Wx-Appid": wechattest.StockAppID, "X-Wx-Scope": "snsapi_base", "X-Wx-Source": "wx_client"} {
			if got := header.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		calls++
		w.hub.wantExchanges(calls)
		w.wantSite(w.shop1.open(step.b, step.site.url+"/next"), step.site, "/next", step.b.Visitor) // signed in
		w.hub.wantExchanges(calls)
	}
	for _, b := range []*wechattest.Browser{lihua, tom} {
		w.wantNobody(b, w.hub)
		for _, name := range w.hub.cookieNames(b) {
			if !strings.HasPrefix(name, "__Host-wxgate_login_") {
				t.Errorf("the hub sets the cookie %s, want none but those of logins", name)
			}
		}
	}
	if hub, site := w.hub.loginCount("ok"), w.shop1.loginCount("ok"); hub != 4 || site != 2 {
		t.Errorf("%v logins counted at the hub and %v at a site, want 4 and 2", hub, site)
	}
}

// Two visitors sign in to two sites each, all at the same time.
func TestHubLoginsInterleaved(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	lihua, tom := w.browser("lihua"), w.browser("tom")
	type login struct {
		b    *wechattest.Browser
		site *loginSite
		page string
		at   string
	}
	var logins []*login
	for _, b := range []*wechattest.Browser{lihua, tom} {
		for _, site := range []*loginSite{w.shop1, w.shop2} {
			for _, page := range []string{"/first?a", "/second?b"} {
				logins = append(logins, &login{b, site, page, site.url + page})
			}
		}
	}
	for range 4 { // to the hub, to WeChat, back to the hub, back to the site
		for _, l := range logins {
			l.at = w.redirectTo(l.b, l.at, "https://")
		}
	}
	for _, l := range logins {
		w.wantSite(w.hub.open(l.b, l.at), l.site, l.page, l.b.Visitor)
	}
	w.hub.wantExchanges(len(logins))
}

func TestHubLoginAtTheHub(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	w.wantSite(w.hub.open(b, "/own?a"), w.hub, "/own?a", "lihua")
	w.wantNobody(b, w.shop1, w.shop2)
	w.wantSite(w.hub.open(b, shop1Origin+"/a"), w.shop1, "/a", "lihua")
	if got := w.hub.me(b).OpenID; got != w.hub.openID("lihua") {
		t.Errorf("/me at the hub = %q, want its own session kept", got)
	}
}

func TestHubLoginWithProfile(t *testing.T) {
	t.Parallel()
	userInfo := func(c *testConfig) { c.Scope = wechat.ScopeUserInfo }
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
			w.wantSite(w.hub.open(b, shop1Origin+tt.page), w.shop1, "/", "xiaomei")
			want := meAnswer{OpenID: w.hub.openID("xiaomei"), AppID: wechattest.StockAppID, Scope: "snsapi_base"}
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

// A page of the site drives a login through the hub: its code is the ticket.
func TestHubPageLogin(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		"/guest?from=menu", "/guest#/route", "/#/route", "", "?a=b", "#/route", "/" + strings.Repeat("%E5", 600),
		"/?" + strings.Repeat("a", 1900),
	} {
		t.Run(fmt.Sprintf("%.20s", page), func(t *testing.T) {
			t.Parallel()
			w := newHubWorld(t, hubSetup{})
			b := w.browser("lihua")
			begun := w.shop1.pageConfig(b, "?redirect_uri="+url.QueryEscape(shop1Origin+page))
			if begun.AppID != wechattest.StockAppID || begun.Scope != "snsapi_base" || !strings.HasPrefix(begun.AuthorizeURL, hubLogin) {
				t.Errorf("/config = %+v, want the address of the hub", begun)
			}
			back := w.redirectTo(b, begun.AuthorizeURL, shop1Origin)
			address, fragment, _ := strings.Cut(back, "#")
			if wanted, wantFragment, _ := strings.Cut(shop1Origin+page, "#"); !strings.HasPrefix(address, wanted) || fragment != wantFragment {
				t.Errorf("the hub sends back to %q, want %q", back, shop1Origin+page)
			}
			query := queryOf(t, back)
			if query.Get("state") != begun.State {
				t.Errorf("state = %q, want %q", query.Get("state"), begun.State)
			}
			hubs := w.hub.postCode(b, query.Get("code"), begun.State)
			wantRefusal(t, hubs, 400, "invalid_state")
			for range 2 {
				w.shop1.wantVisitor(w.shop1.postCode(b, query.Get("code"), begun.State), b, w.hub.openID("lihua"))
			}
			w.hub.wantExchanges(1)
			w.wantNobody(b, w.hub, w.shop2)
		})
	}
}

func TestHubPageLoginRefused(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	begun := w.shop1.pageConfig(b, "?redirect_uri="+url.QueryEscape(shop1Origin+"/guest"))
	w.redirectTo(b, begun.AuthorizeURL, shop1Origin)
	wantRefusal(t, w.shop1.postCode(b, "forged", begun.State), 400, "invalid_code")
	wantRefusal(t, w.shop1.postCode(b, "forged", begun.State), 400, "invalid_state")
	w.wantNobody(b, w.shop1)
}

// A site's scan login goes through the hub if that has the same website
// application.
func TestHubScanLogin(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{hub: scanLogin, shop1: scanLogin})
	desktop, phone := w.browser("lihua"), w.browser("lihua")
	desktop.UserAgent = wechattest.AgentChrome
	w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: 40029}) // the second attempt is a scan login too
	page := w.hub.open(desktop, shop1Origin+"/_wx/login?scope=snsapi_userinfo&return_to=/a")
	if got, want := page.Hops[2].URL.Path, "/connect/qrconnect"; got != want {
		t.Errorf("the visitor is sent to %s, want %s", got, want)
	}
	openID := w.wx.OpenID(wechattest.StockWebsiteAppID, "lihua")
	if me := w.shop1.me(desktop); me.AppID != wechattest.StockWebsiteAppID || me.OpenID != openID || me.Nickname != "李华" {
		t.Errorf("/me = %+v, want the website application's openid, and a nickname", me)
	}
	w.wantSite(w.hub.open(phone, shop1Origin+"/a"), w.shop1, "/a", "lihua")

	begun := w.shop1.pageConfig(desktop, "")
	if begun.AppID != wechattest.StockWebsiteAppID || begun.Scope != "snsapi_login" {
		t.Errorf("/config = %+v, want the website application", begun)
	}
	desktop.Answer = wechattest.AnswerDeclineRedirect
	page = w.hub.open(desktop, shop1Origin+"/_wx/login?return_to=/a")
	desktop.Answer = ""
	if addresses := addressesOf(w.hub.open(desktop, button(t, page.Body))); addresses[1] != "https://open.weixin.qq.com/connect/qrconnect" {
		t.Errorf("the button leads through %q, want the scan login", addresses)
	}
}

func TestHubVisitorDeclines(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	b.Answer = wechattest.AnswerDeclineRedirect
	page := w.hub.open(b, shop1Origin+"/_wx/login?scope=snsapi_userinfo&return_to=/a?b")
	wantPage(t, answerOf(page), 403, headingDeclined)
	if page.URL.Host != "auth.example.com" {
		t.Errorf("the page is at %s, want the hub", page.URL.Host)
	}
	w.hub.wantExchanges(0)
	b.Answer = ""
	w.wantSite(w.hub.open(b, button(t, page.Body)), w.shop1, "/a?b", "lihua")
	if got := w.shop1.me(b).Nickname; got != "李华" {
		t.Errorf("nickname %q, want the scope kept", got)
	}
}

func TestHubWeChatAway(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultStatus, Status: 502})
	page := w.hub.open(b, shop1Origin+"/a?b")
	wantPage(t, answerOf(page), 503, headingWeChatAway)
	if page.URL.Host != "auth.example.com" || page.Header.Get("Retry-After") != "5" {
		t.Errorf("the page is at %s with Retry-After %q, want the hub and 5", page.URL.Host, page.Header.Get("Retry-After"))
	}
	w.hub.wantExchanges(1)
	// A reload does not send the code again; either button starts a new login.
	reloaded := w.hub.open(b, page.URL.String())
	wantPage(t, answerOf(reloaded), 400, headingRestart)
	w.hub.wantExchanges(1)
	w.wantSite(w.hub.open(w.copyOf(b), button(t, reloaded.Body)), w.shop1, "/a?b", "lihua")
	w.wantSite(w.hub.open(b, button(t, page.Body)), w.shop1, "/a?b", "lihua")
	w.hub.wantExchanges(3)
}

// A code that WeChat refuses starts the hub's login again, with the same state of
// the site.
func TestHubCodeRefused(t *testing.T) {
	t.Parallel()
	for times, status := range []int{200, 200, 200, 403} {
		w := newHubWorld(t, hubSetup{})
		b := w.browser("lihua")
		if times > 0 {
			w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: 40163, Times: times})
		}
		login := w.redirectTo(b, shop1Origin+"/a?b", hubLogin)
		page := w.hub.open(b, login)
		w.hub.wantExchanges(min(times+1, 3))
		if status == 403 {
			wantPage(t, answerOf(page), 403, headingCodeRefused)
			w.wantNobody(b, w.shop1)
			page = w.hub.open(b, button(t, page.Body))
		}
		w.wantSite(page, w.shop1, "/a?b", "lihua")
		back := page.Hops[len(page.Hops)-2].URL
		if got, want := back.Query().Get("state"), queryOf(t, login).Get("state"); back.Host != "shop1.cn" || got != want {
			t.Errorf("comes back to %s with another state than the site's", back.Host)
		}
	}
}
