package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// scanLogin configures scan login for browsers other than WeChat's.
func scanLogin(c *testConfig) {
	c.OutsideWeChat = gateway.OutsideQRConnect
	c.ScanAccount = &wechat.Client{
		AppID: wechattest.StockWebsiteAppID, AppSecret: wechattest.StockWebsiteAppSecret,
		APIURL: c.Account.APIURL, OpenURL: c.Account.OpenURL, Transport: c.Account.Transport,
	}
}

// newScanSite starts a site with scan login and returns a desktop browser too.
func newScanSite(t *testing.T) (*loginSite, *wechattest.Browser) {
	t.Helper()
	s := newLoginSite(t, scanLogin)
	b := s.browser()
	b.UserAgent = wechattest.AgentChrome
	return s, b
}

func TestScanLoginAddress(t *testing.T) {
	t.Parallel()
	s, desktop := newScanSite(t)
	callback := url.QueryEscape(s.url + "/_wx/callback")
	for _, test := range []struct {
		name, agent, path string
		want              string // up to the state
		end               string
	}{
		{"desktop", wechattest.AgentChrome, "/shop", "/connect/qrconnect?appid=" + wechattest.StockWebsiteAppID +
			"&redirect_uri=" + callback + "&response_type=code&scope=snsapi_login&state=", "#wechat_redirect"},
		{"desktop, asked to sign in", wechattest.AgentChrome, "/_wx/login?scope=snsapi_userinfo", "/connect/qrconnect?appid=" + wechattest.StockWebsiteAppID +
			"&redirect_uri=" + callback + "&response_type=code&scope=snsapi_login&state=", "#wechat_redirect"},
		{"WeCom", wechattest.AgentWeComPhone, "/shop", "/connect/qrconnect?appid=" + wechattest.StockWebsiteAppID, "#wechat_redirect"},
		{"WeCom on a Mac", wechattest.AgentWeComMac, "/shop", "/connect/qrconnect?appid=" + wechattest.StockWebsiteAppID, "#wechat_redirect"},
		{"HarmonyOS", wechattest.AgentHarmony, "/shop", "/connect/oauth2/authorize?appid=" + wechattest.StockAppID, "#wechat_redirect"},
		{"WeChat on Linux", wechattest.AgentLinux, "/shop", "/connect/oauth2/authorize?appid=" + wechattest.StockAppID, "#wechat_redirect"},
		{"developer tools", wechattest.AgentDevTools, "/shop", "/connect/oauth2/authorize?appid=" + wechattest.StockAppID, "#wechat_redirect"},
		{"WeChat", wechattest.AgentIOS, "/shop", "/connect/oauth2/authorize?appid=" + wechattest.StockAppID +
			"&redirect_uri=" + callback + "&response_type=code&scope=snsapi_base&state=", "&connect_redirect=1#wechat_redirect"},
		{"WeChat on Windows", wechattest.AgentWindows, "/shop", "/connect/oauth2/authorize?appid=" + wechattest.StockAppID, "#wechat_redirect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := s.browser()
			b.UserAgent = test.agent
			a := s.get(b, test.path)
			rest, ok := strings.CutPrefix(a.location(), s.weChatURL+test.want)
			if a.StatusCode != http.StatusFound || !ok || !strings.HasSuffix(rest, test.end) {
				t.Errorf("GET %s = %d to %q, want 302 to %q…%q", test.path, a.StatusCode, a.location(), s.weChatURL+test.want, test.end)
			}
		})
	}
	if a := s.get(desktop, "/api", asScript); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a script gets %d, want 401", a.StatusCode)
	}
}

func TestScanLogin(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	seen := s.signIn(b).Header
	phone := s.browser()
	onPhone := s.signIn(phone).Header
	openID := s.wx.OpenID(wechattest.StockWebsiteAppID, "lihua")
	for name, want := range map[string]string{
		"X-Wx-Openid": openID, "X-Wx-Appid": wechattest.StockWebsiteAppID, "X-Wx-Scope": "snsapi_login", "X-Wx-Source": "wx_client",
		"X-Wx-Unionid": s.wx.UnionID(wechattest.StockAppID, "lihua"), "X-Wx-Nickname": "",
	} {
		if got := seen.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if got := onPhone.Get("X-Wx-Appid"); got != wechattest.StockAppID {
		t.Errorf("in WeChat, X-WX-AppID = %q, want the official account's", got)
	}
	if me := s.me(b); me.AppID != wechattest.StockWebsiteAppID || me.OpenID != openID {
		t.Errorf("/me = %+v, want the website application's openid", me)
	}
	if got := s.wx.Calls(userInfoPath); got != 0 {
		t.Errorf("%d calls of userinfo, want none without snsapi_userinfo", got)
	}
	// Account and application are of one open platform account, whose unionid a
	// login for the profile brings on the phone too.
	s.open(phone, "/_wx/login?scope=snsapi_userinfo")
	if me := s.me(phone); me.UnionID == "" || me.UnionID != seen.Get("X-Wx-Unionid") {
		t.Errorf("unionid %q on the phone, %q on the desktop, want the same", me.UnionID, seen.Get("X-Wx-Unionid"))
	}
}

func TestScanLoginProfile(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	s.open(b, "/_wx/login?scope=snsapi_userinfo")
	if me := s.me(b); me.Nickname != "李华" || me.Scope != "snsapi_login" || me.UnionID == "" {
		t.Errorf("/me = %+v, want a nickname and a unionid", me)
	}
}

// Refused codes and declined logins are handled as in WeChat, and the login that
// is started again is a scan login too.
func TestScanLoginFailures(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	address := s.get(b, "/shop").location()
	b.Visitor = "lihua"
	callback := func() string {
		t.Helper()
		authorize, _, _ := strings.Cut(address, "#")
		return s.get(b, authorize).location()
	}
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: 40029})
	a := s.get(b, callback())
	if !strings.HasPrefix(a.location(), s.weChatURL+"/connect/qrconnect?") {
		t.Fatalf("a refused code: %d to %q, want the scan login again", a.StatusCode, a.location())
	}
	address = a.location()
	wantRedirect(t, s.get(b, callback()), "/shop#")

	other := s.browser()
	other.UserAgent = wechattest.AgentChrome
	declined := withQuery(t, s.get(other, "/shop").location(), func(q url.Values) {})
	state := queryOf(t, declined).Get("state")
	wantPage(t, s.get(other, "/_wx/callback?state="+state), http.StatusForbidden, headingDeclined)
	stranger := s.browser()
	wantPage(t, s.get(stranger, "/_wx/callback?code=x&state="+state), http.StatusBadRequest, headingNoCookies)
}

// A login keeps the account that it started with, even if the callback comes from
// a browser of another kind: the code is that account's.
func TestScanLoginKeepsTheAccount(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	b.Visitor = "lihua"
	authorize, _, _ := strings.Cut(s.get(b, "/shop").location(), "#")
	callback := s.get(b, authorize).location()
	twin := s.copyOf(b)
	twin.UserAgent = wechattest.AgentIOS
	wantRedirect(t, s.get(twin, callback), "/shop#")
	if me := s.me(twin); me.AppID != wechattest.StockWebsiteAppID {
		t.Errorf("/me = %+v, want the website application's session", me)
	}
}

// After scan login is turned off, sessions and pending logins of the website
// application are not accepted.
func TestScanLoginTurnedOff(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	s.signIn(b)
	pending := s.browser()
	pending.UserAgent = wechattest.AgentChrome
	pending.Visitor = "lihua"
	authorize, _, _ := strings.Cut(s.get(pending, "/shop").location(), "#")
	callback := s.get(pending, authorize).location()

	c := s.config()
	c.OutsideWeChat, c.ScanAccount = gateway.OutsideRedirect, nil
	s.use(s.replica(c))
	if a := s.get(b, "/_wx/me", asScript); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("/me = %d %s, want 401", a.StatusCode, a.body)
	}
	for _, change := range []func(*http.Request){asPageLoad, asScript} {
		a := s.get(pending, callback, change)
		wantPage(t, a, http.StatusBadRequest, headingRestart)
		if got, want := button(t, a.body), s.url+"/_wx/login?return_to=%2Fshop"; got != want {
			t.Errorf("button leads to %q, want %q", got, want)
		}
	}
	s.wantExchanges(1)
}

// A session of an account that is not the site's is not accepted.
func TestSessionOfAnotherAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, &echo{}, func(c *testConfig) {
		c.OutsideWeChat, c.ScanAccount = gateway.OutsideQRConnect, &wechat.Client{AppID: "wxscan"}
	})
	for _, test := range []struct {
		appID string
		want  int
	}{{rigAppID, 200}, {"wxscan", 200}, {"wxother", 401}, {"", 401}} {
		cookie := signedIn(t, func(s *session.Session) { s.AppID = test.appID })
		if a := r.do(t, "POST", "/", "Cookie", cookie); a.StatusCode != test.want {
			t.Errorf("session of %q: status %d, want %d", test.appID, a.StatusCode, test.want)
		}
	}
}

// A website application's code is valid for ten minutes.
func TestScanLoginSlowVisitor(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	b.Visitor = "lihua"
	authorize, _, _ := strings.Cut(s.get(b, "/shop").location(), "#")
	callback := s.get(b, authorize).location()
	s.wx.Advance(9 * time.Minute)
	wantRedirect(t, s.get(b, callback), "/shop#")
}

func TestScanLoginPageFlow(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	b.Visitor = "lihua"
	if c := s.pageConfig(b, ""); c.AppID != wechattest.StockWebsiteAppID || c.Scope != "snsapi_login" {
		t.Errorf("/config = %+v, want the website application and its scope", c)
	}
	code, state := s.pageCode(b, "/guest")
	if a := s.postCode(b, code, state); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"appid":"`+wechattest.StockWebsiteAppID+`"`) {
		t.Errorf("POST /session = %d %s, want the website application's session", a.StatusCode, a.body)
	}
}

// A login that is started again goes to the account for the present browser.
func TestScanLoginStartedAgainInWeChat(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	authorize, _, _ := strings.Cut(s.get(b, "/shop").location(), "#")
	callback := s.get(b, authorize, answering(b)).location()
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: 40029})
	b.UserAgent = wechattest.AgentIOS
	if page := s.open(b, callback); page.Status != http.StatusOK || page.URL.Path != "/shop" {
		t.Errorf("the login ends with %d at %s, want the site", page.Status, page.URL.Path)
	}
	if me := s.me(b); me.AppID != wechattest.StockAppID {
		t.Errorf("/me = %+v, want the official account's session", me)
	}
}
