package gateway_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A page of the hub cannot finish the login of a site's visitor.
func TestHubRefusesItsOwnPages(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	callback := w.redirectTo(b, shop1Origin+"/a", hubOrigin+"/_wx/callback?code=")
	query := queryOf(t, callback)
	wantRefusal(t, w.hub.postCode(b, query.Get("code"), query.Get("state")), 400, "invalid_state")
	w.hub.wantExchanges(0)
	w.wantNobody(b, w.hub)
	w.wantSite(w.hub.open(b, callback), w.shop1, "/a", "lihua")
	wantRefusal(t, w.hub.postCode(b, query.Get("code"), query.Get("state")), 400, "invalid_state")
	w.hub.wantExchanges(1)
}

// OutsideWeChat of the site applies to its visitors, not that of the hub.
func TestHubLoginOutsideWeChat(t *testing.T) {
	t.Parallel()
	outside := func(o gateway.OutsideWeChat) func(*testConfig) {
		return func(c *testConfig) {
			if o == gateway.OutsideQRConnect {
				scanLogin(c)
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
				w.wantSite(w.hub.open(b, shop1Origin+"/a"), w.shop1, "/a", "lihua")
				desktop := w.browser("lihua")
				desktop.UserAgent = wechattest.AgentChrome
				if a := w.shop1.get(desktop, "/a"); a.StatusCode != site.status || site.status == 302 && !strings.HasPrefix(a.location(), hubLogin) {
					t.Errorf("outside WeChat: %d to %q, want %d", a.StatusCode, upTo(a.location(), "?"), site.status)
				}
				if site.status == 302 { // the emulator accepts any browser
					w.wantSite(w.hub.open(desktop, shop1Origin+"/a"), w.shop1, "/a", "lihua")
				}
			})
		}
	}
}

// Scan login at a site whose hub has no website application is refused at the hub,
// which warns its operator.
func TestHubWithoutScanLogin(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{shop1: scanLogin})
	b := w.browser("lihua")
	b.UserAgent = wechattest.AgentChrome
	page := w.hub.open(b, shop1Origin+"/a")
	wantPage(t, answerOf(page), 400, headingBadRequest)
	if lines := w.hub.log.level("warn"); len(lines) != 1 || !strings.Contains(lines[0], "WXGATE_QR_APP_ID") {
		t.Errorf("warnings %q, want one that names WXGATE_QR_APP_ID", lines)
	}
}

// A site and a hub of different accounts: the site shows the page, logs the error
// once, and starts no second login.
func TestHubOfAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{shop1: func(c *testConfig) { c.Account.AppID = "wx00000000000000ff" }})
	b := w.browser("lihua")
	page := w.hub.open(b, shop1Origin+"/a")
	wantPage(t, answerOf(page), 502, headingMisconfigured)
	if len(page.Hops) != 5 {
		t.Errorf("the addresses are %q, want one login", addressesOf(page))
	}
	lines := w.shop1.log.level("error")
	if len(lines) != 1 || !strings.Contains(lines[0], "WXGATE_APP_ID") || !strings.Contains(lines[0], "wx00000000000000ff") {
		t.Errorf("error lines %q, want one that names both accounts and WXGATE_APP_ID", lines)
	}
	w.wantNobody(b, w.shop1)
	wantPage(t, w.shop1.get(b, page.URL.String()), 400, headingRestart)
	w.hub.wantExchanges(1)
}

const someState = "00112233445566778899aabbccddeeff"

// The hub signs visitors in only for the sites of its list, compared as text.
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
	for _, state := range []string{
		someState[1:], someState + "0", strings.ToUpper(someState), someState[:31] + "g", someState[:31] + " ", someState[:30] + "ä",
		someState[:31] + "\x00", someState[:31] + "=",
	} {
		addresses = append(addresses, login(shop1Origin+"/_wx/callback", state))
	}
	for _, redirectURI := range []string{
		"https://shop3.cn/_wx/callback", "https://evil.example/", "https://SHOP1.cn/_wx/callback", "HTTPS://shop1.cn/_wx/callback",
		"https://shop1.cn:443/_wx/callback", "https://shop1.cn:8443/_wx/callback", "https://shop1.cn:@evil.example/",
		"https://shop1.cn./_wx/callback", "https://m.shop1.cn/_wx/callback",
		"http://shop1.cn/_wx/callback", "//shop1.cn/_wx/callback", "/_wx/callback", "shop1.cn/_wx/callback", "https:shop1.cn/", "https:///shop1.cn/",
		"https://shop1.cn.evil.example/_wx/callback", "https://shop1.cnevil.example/", "https://shop1.cn@evil.example/",
		"https://x@shop1.cn/", "https://x:y@shop1.cn/",
		`https://shop1.cn\@evil.example/`, `https://shop1.cn\.evil.example/`, "https://shop1.cn%2eevil.example/",
		"https://shop1.cn%2f@evil.example/", "https://shop1.cn;evil.example/",
		" https://shop1.cn/", "https://shop1.cn/ ", "https://shop1.cn/\r\nSet-Cookie: a=b", "https://shop1.cn/商店", "https://shop1.cn/\x00",
		"\thttps://shop1.cn/", "https://shop1.cn\t.evil.example/",
		"javascript://shop1.cn/%0aalert(1)", "https://auth.example.com/", "https://auth.example.com/_wx/callback",
		"https://shop1.cn/_wx/login", "https://shop1.cn/_wx/login?return_to=/", "https://shop1.cn/_wx/log%69n",
		"https://shop1.cn/_wx//login", "https://shop1.cn/a/../_wx/login",
		"https://shop1.cn/_wx/callback/../login", "https://shop1.cn/_wx/callback/../login?a", "https://shop1.cn/_wx/callback/%2e%2e/login",
		"https://shop1.cn/_wx/callback/./../login#a",
		"https://shop1.cn/" + strings.Repeat("a", session.MaxReturnTo),
	} {
		addresses = append(addresses, login(redirectURI, someState))
	}
	addresses = append(addresses, hubLogin+"redirect_uri=&state="+someState, login(shop1Origin+"/_wx/callback", someState)+"&appid="+wechattest.StockWebsiteAppID)
	for _, address := range addresses {
		a := w.hub.get(w.browser("lihua"), address)
		wantPage(t, a, 400, headingBadRequest)
		if len(a.cookies("")) != 0 || a.location() != "" {
			t.Errorf("%s sets %q and leads to %q, want neither", address, a.Header["Set-Cookie"], a.location())
		}
	}
	for _, address := range []string{login(shop1Origin+"/", "x"), login("https://shop3.cn/", someState)} {
		wantPage(t, w.hub.get(w.browser("lihua"), address, asScript), 400, headingBadRequest)
	}
	lines := w.hub.log.level("warn")
	if len(lines) != 1 || !strings.Contains(lines[0], "WXGATE_HUB_SITES") || !strings.Contains(lines[0], "https://shop3.cn/_wx/callback") {
		t.Errorf("warnings %q, want one that names WXGATE_HUB_SITES and the first address", lines)
	}
	if len(w.wx.Requests()) != 0 {
		t.Error("WeChat was asked")
	}
	for _, redirectURI := range []string{
		"https://shop1.cn/_wx/callback", "https://shop2.cn/_wx/callback", "https://shop2.cn/", "https://shop2.cn",
		"https://shop2.cn/a?b=c#d", "https://shop2.cn/_wx/loginpage",
	} {
		a := w.hub.get(w.browser("lihua"), login(redirectURI, someState))
		if a.StatusCode != 302 || !strings.HasPrefix(a.location(), w.hub.weChatURL+"/connect/oauth2/authorize?") {
			t.Errorf("%s: %d to %q, want WeChat", redirectURI, a.StatusCode, a.location())
		}
	}
}

// A gateway that is no hub refuses logins for other sites, so two that name each
// other as hub do not redirect in a loop.
func TestHubLoginDoesNotLoop(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{
		shop1: func(c *testConfig) { c.HubURL = shop2Origin },
		shop2: func(c *testConfig) { c.HubURL = shop1Origin },
	})
	for _, s := range []*loginSite{w.shop1, w.shop2} {
		page := w.hub.open(w.browser("lihua"), s.url+"/a")
		wantPage(t, answerOf(page), 400, headingBadRequest)
		if len(page.Hops) != 2 {
			t.Errorf("the addresses are %q, want an end at the other gateway", addressesOf(page))
		}
	}
	plain := newLoginMemorySite(t, nil)
	a := plain.get(plain.browser(), "/_wx/login?redirect_uri="+url.QueryEscape(shop1Origin+"/_wx/callback")+"&state="+someState)
	wantPage(t, a, 400, headingBadRequest)
}

// A visitor whose site was removed from the hub's list while they were at WeChat
// is not sent back.
func TestHubSiteRemoved(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*testConfig)
	}{
		{"another site remains", func(c *testConfig) { c.HubSites = []string{shop2Origin} }},
		{"no longer a hub", func(c *testConfig) { c.HubSites, c.HubKey = nil, nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newHubWorld(t, hubSetup{})
			b, again := w.browser("lihua"), w.browser("tom")
			callback := w.redirectTo(b, shop1Origin+"/a", hubOrigin+"/_wx/callback?code=")
			spent := w.redirectTo(again, shop1Origin+"/a", hubOrigin+"/_wx/callback?code=")
			w.redirectTo(again, spent, shop1Origin)
			c := w.hub.config()
			tt.change(&c)
			w.hub.use(w.hub.replica(c))
			wantPage(t, w.hub.get(b, callback), 400, headingRestart)
			wantPage(t, w.hub.get(again, spent), 400, headingRestart)
			w.hub.wantExchanges(1)
		})
	}
}

// A site that names the hub by another of its hosts is redirected to its public
// URL, once.
func TestHubByAnotherName(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	c := w.hub.config()
	c.Hosts = []string{mustURL(t, hubAlias).Host}
	w.hub.use(w.hub.replica(c))
	b := w.browser("lihua")
	login := w.redirectTo(b, shop1Origin+"/a?b", hubLogin)
	page := w.hub.open(b, strings.Replace(login, hubOrigin, hubAlias, 1))
	w.wantSite(page, w.shop1, "/a?b", "lihua")
	if got, want := page.Hops[1].URL.String(), login+"&moved=1"; got != want {
		t.Errorf("the alias leads to %q, want %q", got, want)
	}
}

// The site's rules apply to its visitors, and the hub's do not.
func TestHubRules(t *testing.T) {
	t.Parallel()
	openID := (&wechattest.Emulator{}).OpenID
	deny := func(visitor string) func(*testConfig) {
		return func(c *testConfig) {
			c.DenyOpenIDsFile = openIDList(t, openID(wechattest.StockAppID, visitor))
		}
	}
	allow := func(c *testConfig) { c.AllowOpenIDsFile = openIDList(t, "onobody") }
	snapshots := func(c *testConfig) { c.DenySnapshotUsers = true }
	for _, tt := range []struct {
		name, visitor string
		rule          func(*hubWorld) func(*testConfig)
		heading       string
	}{
		{"deny list", "lihua", func(*hubWorld) func(*testConfig) { return deny("lihua") }, headingForbidden},
		{"allow list", "lihua", func(*hubWorld) func(*testConfig) { return allow }, headingForbidden},
		{"snapshot", "snapshot", func(*hubWorld) func(*testConfig) { return snapshots }, headingSnapshot},
		{"follow", "tom", func(w *hubWorld) func(*testConfig) {
			return func(c *testConfig) {
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
			page := ofTheHub.hub.open(b, shop1Origin+"/_wx/login?scope=snsapi_userinfo&return_to=/a")
			if page.Status != 200 || page.Header.Get("From-Upstream") == "" {
				t.Errorf("rule of the hub: %d %q, want the site", page.Status, headingElement.FindString(page.Body))
			}
			if me := ofTheHub.shop1.me(b); me.Nickname == "" || me.SnapshotUser != (tt.visitor == "snapshot") {
				t.Errorf("rule of the hub: /me = %+v, want a nickname", me)
			}
			if got := ofTheHub.wx.Calls("/cgi-bin/user/info"); got != 0 {
				t.Errorf("the hub asks %d times whether a site's visitor follows, want none", got)
			}

			ofTheSite := newHubWorld(t, hubSetup{})
			apply(ofTheSite, ofTheSite.shop1)
			b = ofTheSite.browser(tt.visitor)
			page = ofTheSite.hub.open(b, shop1Origin+"/a")
			if page.Status != 403 || page.URL.Host != "shop1.cn" || !strings.Contains(page.Body, tt.heading) {
				t.Errorf("rule of the site: %d %q at %s, want 403 %q there", page.Status, headingElement.FindString(page.Body), page.URL.Host, tt.heading)
			}
			if a := ofTheSite.shop1.get(b, "/a"); a.StatusCode == 200 {
				t.Error("rule of the site: signed in")
			}
			if page := ofTheSite.hub.open(ofTheSite.browser("lihua"), shop2Origin+"/a"); page.Status != 200 {
				t.Errorf("rule of the site applies at the other site: %d", page.Status)
			}
		})
	}
}
