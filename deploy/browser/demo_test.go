package browser_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// TestBrowser goes through the demo in a real browser with the User-Agent of
// WeChat on an iPhone. With WXGATE_SCREENSHOTS=dir in the environment it writes a
// picture of each page to that directory.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	t.Run("the site at work", b.siteAtWork)
	t.Run("back button", b.backButton)
	t.Run("two tabs at once", b.twoTabs)
	t.Run("declined", b.declined)
	t.Run("somebody else", b.somebodyElse)
	t.Run("signed out", b.signedOut)
	t.Run("signed out by page", b.signedOutByPage)
	t.Run("snapshot", b.snapshot)
	t.Run("old address", b.oldAddress)
	t.Run("wechat away", b.wechatAway)
	t.Run("consent", b.consent)
	t.Run("follow gate", b.followGate)
	t.Run("scan login", b.scanLogin)
}

// siteAtWork uses each thing that a site does behind the gateway.
func (b *browser) siteAtWork(t *testing.T) {
	origin := b.startDemo(t)
	lihua := openID(t, "lihua")
	tab := b.profile(t)
	tab.open(origin + "/?from=menu")
	tab.see("h1", "以谁的身份登录")
	tab.picture("choose")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", lihua)
	tab.at(origin + "/?from=menu#")
	tab.picture("shop")
	if got := tab.evaluate("'cookies: ' + document.cookie"); got != "cookies: " {
		t.Errorf("scripts see %q, want no cookies", got)
	}

	tab.press(`nav a[href="#/api"]`)
	tab.press(`[data-action="fetch"]`)
	tab.see("#fetch-result", "200 /api/me", lihua)
	tab.press(`[data-action="order"]`)
	tab.see("#fetch-result", "200 /api/orders", lihua, "tea")
	tab.picture("api")

	tab.press(`nav a[href="#/live"]`)
	tab.press(`[data-action="ws"]`)
	tab.see("#ws-result", "hello "+lihua, "你好")
	tab.press(`[data-action="sse"]`)
	tab.see("#sse-result", `"n":1`, `"n":2`, lihua)
	tab.picture("live")

	tab.press(`nav a[href="#/me"]`)
	tab.press("#ask-nickname")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#nickname", "李华")
	tab.at(origin + "/#/me")
	tab.true("the picture shows", `document.querySelector("#avatar").naturalWidth > 0`)
	tab.true("nothing is left to grant", `document.querySelector("#ask-nickname") === null`)
	tab.true("no box is empty",
		`[...document.querySelectorAll("pre.card")].every(box => box.textContent || !box.offsetHeight)`)
	tab.do("a computer", chromedp.EmulateViewport(1280, 800))
	tab.true("the bar is as wide as its content", `(() => {
		const [bar, main] = ["nav", "main"].map(name => document.querySelector(name).getBoundingClientRect());
		return Math.abs(bar.left - main.left) < 1 && Math.abs(bar.right - main.right) < 1;
	})()`)
	tab.do("a phone", phone)
	tab.picture("me")

	tab.open(origin + "/about")
	tab.see("#openid", lihua)
	tab.picture("about")
	tab.open(origin + wechattest.ControlPath)
	tab.see("h1", "微信模拟器")
	tab.picture("dashboard")
	tab.open(origin + "/_wx/nothing")
	tab.see("h1", "页面不存在")
	tab.picture("not-found")
}

// backButton goes back to WeChat's page, and to the callback, after a login.
func (b *browser) backButton(t *testing.T) {
	origin := b.startDemo(t)
	lihua := openID(t, "lihua")
	tab := b.profile(t)
	tab.open(origin + "/?from=menu")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", lihua)
	if got := exchanges(t, origin); got != 1 {
		t.Fatalf("%d codes exchanged for a login, want 1", got)
	}
	callback := lastCallback(t, origin)

	tab.evaluate("history.back()")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", lihua)
	tab.at(origin + "/?from=menu#")
	tab.open(callback)
	tab.see("#openid", lihua)
	tab.at(origin + "/?from=menu#")
	if got := exchanges(t, origin); got != 1 {
		t.Errorf("%d codes exchanged after going back, want 1", got)
	}
}

func (b *browser) twoTabs(t *testing.T) {
	origin := b.startDemo(t)
	first := b.profile(t)
	second := first.another()
	first.open(origin + "/?tab=1")
	first.see("h1", "以谁的身份登录")
	second.open(origin + "/?tab=2")
	second.see("h1", "以谁的身份登录")
	for i, tab := range []*tab{first, second} {
		tab.press(`[data-visitor="lihua"]`)
		tab.see("#openid", openID(t, "lihua"))
		tab.at(origin + "/?tab=" + []string{"1", "2"}[i] + "#")
	}
}

func (b *browser) declined(t *testing.T) {
	origin := b.startDemo(t)
	tab := b.profile(t)
	tab.open(origin + "/?from=menu")
	tab.press(`[data-action="decline"]`)
	tab.see("h1", "登录已取消")
	tab.picture("declined")
	tab.press(".button")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
	tab.at(origin + "/?from=menu#")
}

// somebodyElse signs another visitor in, in a second tab of the same browser.
func (b *browser) somebodyElse(t *testing.T) {
	origin := b.startDemo(t)
	first := b.profile(t)
	first.open(origin)
	first.press(`[data-visitor="lihua"]`)
	first.see("#openid", openID(t, "lihua"))

	second := first.another()
	second.open(origin + "/#/me")
	second.press("#login-other")
	second.press(`[data-visitor="alice"]`)
	second.see("#openid", openID(t, "alice"))

	// The first tab still shows the former visitor, but acts as the new one.
	first.press(`nav a[href="#/api"]`)
	first.press(`[data-action="fetch"]`)
	first.see("#fetch-result", "200 /api/me", openID(t, "alice"))
	first.open(origin)
	first.see("#openid", openID(t, "alice"))
}

// signedOut uses the site's own button; another tab then gets a 401.
func (b *browser) signedOut(t *testing.T) {
	origin := b.startDemo(t)
	first := b.profile(t)
	first.open(origin)
	first.press(`[data-visitor="lihua"]`)
	first.see("#openid", openID(t, "lihua"))
	second := first.another()
	second.open(origin + "/#/api")
	second.see("#openid", openID(t, "lihua"))

	first.press(`nav a[href="#/me"]`)
	first.press("#logout")
	first.see("h1", "已退出登录")
	first.at(origin + "/_wx/logout#")
	first.picture("signed-out")

	second.press(`[data-action="fetch"]`)
	second.see("#fetch-result", "401 /api/me", "unauthorized")
	second.picture("session-ended")
	second.press("#login-again")
	second.press(`[data-visitor="lihua"]`)
	second.see("#openid", openID(t, "lihua"))
	second.at(origin + "/#/api")

	first.press(".button")
	first.see("h1", "以谁的身份登录")
}

// signedOutByPage uses the gateway's page that asks whether to sign out.
func (b *browser) signedOutByPage(t *testing.T) {
	origin := b.startDemo(t)
	tab := b.profile(t)
	tab.open(origin)
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
	tab.open(origin + "/_wx/logout?return_to=/about")
	tab.see("h1", "确定要退出登录？")
	tab.picture("sign-out")
	tab.press(".button")
	tab.see("#openid", "未登录")
	tab.at(origin + "/about#")
}

func (b *browser) snapshot(t *testing.T) {
	origin := b.startDemo(t)
	tab := b.profile(t)
	tab.open(origin)
	tab.press(`[data-visitor="snapshot"]`)
	tab.see(".notice", "快照页模式")
	tab.picture("snapshot")
	if got := tab.evaluate(`document.querySelector("#openid").textContent`); got == "" || got == openID(t, "snapshot") {
		t.Errorf("openid of a snapshot visitor = %q, want a virtual one", got)
	}
}

// oldAddress opens a callback for which this browser has no pending login.
func (b *browser) oldAddress(t *testing.T) {
	origin := b.startDemo(t)
	callback := origin + "/_wx/callback?code=planted&state=0123456789abcdef0123456789abcdef"
	tab := b.profile(t)
	tab.open(callback)
	tab.see("h1", "登录未完成")
	tab.picture("no-cookies")
	tab.press(".button")
	tab.see("h1", "以谁的身份登录")
	tab.open(callback)
	tab.see("h1", "请重新登录")
	tab.picture("restart")
	tab.press(".button")
	tab.press(`[data-visitor="tom"]`)
	tab.see("#openid", openID(t, "tom"))
	if got := exchanges(t, origin); got != 1 {
		t.Errorf("%d codes exchanged, want that of the login alone", got)
	}
}

func (b *browser) wechatAway(t *testing.T) {
	origin := b.startDemo(t)
	control(t, origin, "faults", `{"path":"/sns/oauth2/access_token","mode":"status"}`)
	tab := b.profile(t)
	tab.open(origin + "/?from=menu")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("h1", "微信暂时无响应")
	tab.picture("wechat-away")
	tab.press(".button")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
	tab.at(origin + "/?from=menu#")
}

// consent answers the page that asks for nickname and picture.
func (b *browser) consent(t *testing.T) {
	origin := b.start(t, nil, `WeChat emulator: (http://127\.0\.0\.1:\d+)`, "emulator", "--listen", "127.0.0.1:0")
	control(t, origin, "answer", `{"answer":"ask"}`)
	tab := b.profile(t)
	authorize := origin + "/connect/oauth2/authorize?appid=" + wechattest.StockAppID +
		"&redirect_uri=http%3A%2F%2Flocalhost%2Fcallback&response_type=code&scope=snsapi_userinfo&state=1"
	tab.open(authorize)
	tab.see("h1", "申请获取你的昵称、头像")
	tab.picture("consent")
	tab.true("拒绝 stands left of 允许, at the bottom", `(() => {
		const [no, yes] = ["decline-silent", "agree"].map(name =>
			document.querySelector('[data-action="' + name + '"]').getBoundingClientRect());
		return no.top === yes.top && no.right < yes.left && no.top > innerHeight / 2;
	})()`)
	tab.press(`[data-action="decline-silent"]`)
	tab.see("h1", "已拒绝授权")
	tab.picture("declined-silently")
	tab.open(authorize + "&forceSnapShot=true")
	tab.see("h1", "以快照页打开")
	tab.picture("offered-snapshot")
	tab.open(strings.Replace(authorize, "snsapi_userinfo", "snsapi_all", 1))
	tab.see("h1", "公众号没有这些 scope 的权限")
	tab.picture("emulator-error")
}

// localhost returns the address of a demo's host with the name under localhost.
func localhost(origin, name string) string {
	return strings.Replace(origin, "127.0.0.1", name+".localhost", 1)
}

// followGate enters after the visitor has followed the account.
func (b *browser) followGate(t *testing.T) {
	origin := b.startDemo(t)
	tab := b.profile(t)
	tab.open(origin + "/about")
	tab.press("#way-follow")
	tab.press(`[data-visitor="tom"]`)
	tab.see("h1", "请先关注公众号")
	tab.true("the picture shows", `document.querySelector(".picture img").naturalWidth > 0`)
	tab.picture("follow")
	phone := tab.another()
	phone.open(origin + wechattest.ControlPath)
	phone.press(`[data-follow="tom"]`)
	phone.see(`[data-follow="tom"]`, "已关注")
	// WeChat is asked again a few seconds after the last time.
	if !soon(func() bool {
		tab.evaluate(`document.querySelector("a.button")?.click()`)
		return tab.evaluate(`document.querySelector("#openid")?.textContent`) == openID(t, "tom")
	}) {
		t.Errorf("who has followed is at %s, want in the shop", tab.evaluate("location.href"))
	}
	tab.at(localhost(origin, "follow") + "/")
}

// scanLogin signs in on a computer.
func (b *browser) scanLogin(t *testing.T) {
	origin := b.startDemo(t)
	tab := b.profile(t)
	tab.do("another browser", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride,
			emulation.SetUserAgentOverrideParams{UserAgent: wechattest.AgentChrome})
		return err
	}))
	tab.open(origin + "/about")
	tab.press("#way-scan")
	tab.see("h1", "微信登录")
	tab.picture("scan")
	tab.press(`[data-visitor="wangfang"]`)
	tab.see("#openid", openIDAt(t, wechattest.StockWebsiteAppID, "wangfang"))
	tab.at(localhost(origin, "scan") + "/#")
}
