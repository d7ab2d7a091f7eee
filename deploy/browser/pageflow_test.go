package browser_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// TestBrowserPages tests in a real browser what the scripts of a site's pages do
// with the gateway.
func TestBrowserPages(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	t.Run("login by the page", b.pageLogin)
	t.Run("login by the page, declined", b.pageLoginDeclined)
	t.Run("login by the page, code refused", b.pageLoginRefused)
	t.Run("two logins on one page", b.loginTwice)
	t.Run("hash router", b.hashRouter)
	t.Run("form after the session has ended", b.formAfterSession)
	t.Run("hash route through the login", b.hashRoute)
	t.Run("signature", b.signature)
	t.Run("address copied", b.copied)
}

// pageLogin signs in on a public page, which keeps its address, query and hash
// route.
func (b *browser) pageLogin(t *testing.T) {
	origin := b.startDemo(t)
	lihua := openID(t, "lihua")
	page := origin + "/guest?from=menu&q=a+b%2F#/offers"
	tab := b.profile(t)
	tab.open(page)
	tab.see("#openid", "未登录")
	tab.picture("guest")
	tab.press(`[data-action="login"]`)
	tab.see("h1", "以谁的身份登录")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", lihua)
	tab.see("#login-result", lihua, "snsapi_base")
	tab.at(page)
	tab.picture("guest-signed-in")
	if got := exchanges(t, origin); got != 1 {
		t.Errorf("%d codes exchanged, want 1", got)
	}
	if got := tab.evaluate("'cookies: ' + document.cookie"); got != "cookies: " {
		t.Errorf("scripts see %q, want no cookies", got)
	}

	// The session is that of the whole site.
	tab.open(origin + "/")
	tab.see("#openid", lihua)
	// The callback of the same login leads to the page.
	tab.open(lastCallback(t, origin))
	tab.see("#openid", lihua)
	tab.at(page)
	if got := exchanges(t, origin); got != 1 {
		t.Errorf("%d codes exchanged in the end, want 1", got)
	}
}

func (b *browser) pageLoginDeclined(t *testing.T) {
	origin := b.startDemo(t)
	tab := b.profile(t)
	tab.open(origin + "/guest?from=menu")
	tab.press(`[data-action="login"]`)
	tab.press(`[data-action="decline"]`)
	tab.see("#login-result", "登录已取消")
	tab.at(origin + "/guest?from=menu")
	tab.press(`[data-action="login"]`)
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
}

func (b *browser) pageLoginRefused(t *testing.T) {
	origin := b.startDemo(t)
	tab := b.profile(t)
	tab.open(origin + "/guest?code=planted&state=0123456789abcdef0123456789abcdef")
	tab.see("#login-result", "400 invalid_state")
	tab.at(origin + "/guest")
	if got := exchanges(t, origin); got != 0 {
		t.Errorf("%d codes exchanged for a planted state, want none", got)
	}
	control(t, origin, "faults", `{"path":"/sns/oauth2/access_token","mode":"errcode","code":40029,"times":1}`)
	tab.press(`[data-action="login"]`)
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#login-result", "400 invalid_code")
	tab.press(`[data-action="login"]`)
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
}

// hashRoute opens a route of the single-page app without a session.
func (b *browser) hashRoute(t *testing.T) {
	origin := b.startDemo(t)
	for _, route := range []string{"/#/me", "/?a=1+2&b=%2F#/api", "/#/me?x=%E5%95%86&y=a+b"} {
		tab := b.profile(t)
		tab.open(origin + route)
		tab.see("h1", "以谁的身份登录")
		tab.press(`[data-visitor="lihua"]`)
		tab.see("#openid", openID(t, "lihua"))
		tab.at(origin + route)
	}
	// The page that reads the fragment is not in the history.
	tab := b.profile(t)
	tab.open(origin + "/about")
	tab.see("h1", "关于本站")
	tab.evaluate(`location.href = "/#/me"`)
	tab.see("h1", "以谁的身份登录")
	tab.evaluate("history.back()")
	tab.see("h1", "关于本站")
	tab.at(origin + "/about")
}

// signature fetches the arguments of wx.config on another route than the landing
// page's, and has the emulator check them as an iPhone does.
func (b *browser) signature(t *testing.T) {
	origin := b.startDemo(t)
	landing := origin + "/?from=singlemessage&isappinstalled=0"
	tab := b.profile(t)
	tab.open(landing)
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
	tab.press(`nav a[href="#/api"]`)
	tab.press(`[data-action="jssdk"]`)
	tab.see("#jssdk-result", "200 /_wx/jssdk", `"signature"`)
	tab.picture("jssdk")
	_, shown, _ := strings.Cut(tab.evaluate(`document.querySelector("#jssdk-result").textContent`), "\n")
	var config map[string]any
	if err := json.Unmarshal([]byte(shown), &config); err != nil {
		t.Fatalf("%v in %q", err, shown)
	}
	config["url"], config["landing"] = tab.evaluate("location.href"), landing
	body, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	answer := control(t, origin, "jssdk", string(body))
	var checked struct {
		ErrMsg string `json:"errMsg"`
	}
	if err := json.Unmarshal(answer, &checked); err != nil || checked.ErrMsg != "config:ok" {
		t.Errorf("the emulator answers %s (%v), want config:ok", answer, err)
	}
}

// copied presses the button that copies the address on the page for browsers
// that are not WeChat's.
func (b *browser) copied(t *testing.T) {
	gateway := b.start(t, []string{
		"WXGATE_APP_ID=" + wechattest.StockAppID,
		"WXGATE_APP_SECRET=" + wechattest.StockAppSecret,
		"WXGATE_COOKIE_KEYS=" + base64.StdEncoding.EncodeToString([]byte("32 random bytes, made once for all")),
		"WXGATE_PUBLIC_URL=http://h5.example.com",
		"WXGATE_UPSTREAM=http://127.0.0.1:1", // gets no request
		"WXGATE_OUTSIDE_WECHAT=page",
		"WXGATE_LISTEN=127.0.0.1:0",
		"WXGATE_ADMIN_LISTEN=127.0.0.1:0",
	}, `"server":"gateway","address":"([^"]+)"`, "serve")
	tab := b.profile(t)
	tab.do("another browser", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent: "Mozilla/5.0 (Linux; Android 14) Chrome/142.0.0.0",
		})
		return err
	}))
	tab.open("http://" + gateway + "/shop?item=1024")
	tab.see("#address", "/shop?item=1024")
	tab.picture("open-in-wechat")
	tab.press("#copy")
	tab.see("#copy", "已复制")
	shown := tab.evaluate(`document.getElementById("address").innerText`)
	if got := tab.evaluate("getSelection().toString()"); got != shown {
		t.Errorf("selected for copying: %q, want %q", got, shown)
	}
}
