package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// TestBrowser walks through the demo in a real browser that calls itself
// WeChat's on an iPhone. With WXGATE_SCREENSHOTS=dir in the environment it
// leaves a picture of every page that it passes there.
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
}

// siteAtWork uses all that a site may do behind the gateway.
func (b *browser) siteAtWork(t *testing.T) {
	_, origin := startDemo(t)
	lihua := openID(t, "lihua")
	tab := b.profile(t)
	tab.open(origin + "/?from=menu")
	tab.see("h1", "以谁的身份登录")
	tab.picture("choose")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", lihua)
	tab.at(origin + "/?from=menu")
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
	tab.picture("me")

	tab.open(origin + "/about")
	tab.see("#openid", lihua)
	tab.picture("about")
	tab.open(origin + wechattest.ControlPath)
	tab.see("h1", "微信模拟器")
	tab.picture("dashboard")
	tab.open(origin + "/_wx/nothing")
	tab.see("h1", "没有这个页面")
	tab.picture("not-found")
}

// backButton goes back to WeChat's page, and to the callback, after a login.
func (b *browser) backButton(t *testing.T) {
	_, origin := startDemo(t)
	lihua := openID(t, "lihua")
	tab := b.profile(t)
	tab.open(origin + "/?from=menu")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", lihua)
	if got := exchanges(t, origin); got != 1 {
		t.Fatalf("%d codes exchanged for a login, want 1", got)
	}
	callback := lastRedirect(t, origin)

	tab.evaluate("history.back()")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", lihua)
	tab.at(origin + "/?from=menu")
	tab.open(callback)
	tab.see("#openid", lihua)
	tab.at(origin + "/?from=menu")
	if got := exchanges(t, origin); got != 1 {
		t.Errorf("%d codes exchanged after going back, want 1", got)
	}
}

func (b *browser) twoTabs(t *testing.T) {
	_, origin := startDemo(t)
	first := b.profile(t)
	second := first.another()
	first.open(origin + "/?tab=1")
	first.see("h1", "以谁的身份登录")
	second.open(origin + "/?tab=2")
	second.see("h1", "以谁的身份登录")
	for i, tab := range []*tab{first, second} {
		tab.press(`[data-visitor="lihua"]`)
		tab.see("#openid", openID(t, "lihua"))
		tab.at(origin + "/?tab=" + []string{"1", "2"}[i])
	}
}

func (b *browser) declined(t *testing.T) {
	_, origin := startDemo(t)
	tab := b.profile(t)
	tab.open(origin + "/?from=menu")
	tab.press(`[data-action="decline"]`)
	tab.see("h1", "你没有同意登录")
	tab.picture("declined")
	tab.press(".button")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
	tab.at(origin + "/?from=menu")
}

// somebodyElse signs in anew in a second tab of the same browser.
func (b *browser) somebodyElse(t *testing.T) {
	_, origin := startDemo(t)
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

// signedOut uses the site's own button; another tab then finds out by a 401.
func (b *browser) signedOut(t *testing.T) {
	_, origin := startDemo(t)
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
	first.at(origin + "/_wx/logout")
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

// signedOutByPage uses the gateway's page with the question.
func (b *browser) signedOutByPage(t *testing.T) {
	_, origin := startDemo(t)
	tab := b.profile(t)
	tab.open(origin)
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
	tab.open(origin + "/_wx/logout?return_to=/about")
	tab.see("h1", "要退出登录吗")
	tab.picture("sign-out")
	tab.press(".button")
	tab.see("#openid", "no visitor")
	tab.at(origin + "/about")
}

func (b *browser) snapshot(t *testing.T) {
	_, origin := startDemo(t)
	tab := b.profile(t)
	tab.open(origin)
	tab.press(`[data-visitor="snapshot"]`)
	tab.see(".notice", "快照页模式")
	tab.picture("snapshot")
	if got := tab.evaluate(`document.querySelector("#openid").textContent`); got == "" || got == openID(t, "snapshot") {
		t.Errorf("openid of a snapshot visitor = %q, want a virtual one", got)
	}
}

// oldAddress opens a callback that no login of this browser waits for.
func (b *browser) oldAddress(t *testing.T) {
	_, origin := startDemo(t)
	callback := origin + "/_wx/callback?code=planted&state=0123456789abcdef0123456789abcdef"
	tab := b.profile(t)
	tab.open(callback)
	tab.see("h1", "浏览器没有保存 Cookie")
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
	_, origin := startDemo(t)
	fault := url.Values{"path": {"/sns/oauth2/access_token"}, "mode": {string(wechattest.FaultStatus)}}
	res, err := newClient(t).PostForm(origin+wechattest.ControlPath+"faults", fault)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	tab := b.profile(t)
	tab.open(origin + "/?from=menu")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("h1", "微信暂时没有回应")
	tab.picture("wechat-away")
	tab.press(".button")
	tab.press(`[data-visitor="lihua"]`)
	tab.see("#openid", openID(t, "lihua"))
	tab.at(origin + "/?from=menu")
}

// emulatorRequests is the log of the demo's emulator, oldest first.
func emulatorRequests(t *testing.T, origin string) []wechattest.Request {
	t.Helper()
	_, body := get(t, origin+wechattest.ControlPath+"requests")
	var list []wechattest.Request
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("emulator's log %q: %v", body, err)
	}
	return list
}

// exchanges counts the codes that the gateway has asked WeChat about.
func exchanges(t *testing.T, origin string) int {
	t.Helper()
	n := 0
	for _, r := range emulatorRequests(t, origin) {
		if r.Path == "/sns/oauth2/access_token" {
			n++
		}
	}
	return n
}

// lastRedirect is the callback of the last login: its code and state as the
// emulator has seen them.
func lastRedirect(t *testing.T, origin string) string {
	t.Helper()
	callback := url.Values{}
	for _, r := range emulatorRequests(t, origin) {
		for _, name := range []string{"code", "state"} {
			if value := r.Query.Get(name); value != "" {
				callback.Set(name, value)
			}
		}
	}
	return origin + "/_wx/callback?" + callback.Encode()
}

// A browser is a running Chromium.
type browser struct{ ctx context.Context }

// startBrowser starts the Chromium that is on PATH. Without one the test is
// skipped, or fails where nothing may be skipped.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	switch {
	case path == "" && os.Getenv("TEST_REQUIRE_ALL") == "1":
		t.Fatal("no chromium, chromium-browser or google-chrome on PATH")
	case path == "":
		t.Skip("no chromium, chromium-browser or google-chrome on PATH")
	}
	ctx, end := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.UserAgent(wechattest.AgentIOS),
		chromedp.Headless,
		chromedp.NoSandbox, // Chromium's own does not work for root
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.Flag("accept-lang", "zh-CN"),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("no-proxy-server", true),
	)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &browser{ctx}
}

// A tab is one page of a browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// profile opens a tab that shares cookies with none before it.
func (b *browser) profile(t *testing.T) *tab {
	return openTab(t, b.ctx, chromedp.WithNewBrowserContext())
}

// another opens a tab that shares this one's cookies.
func (tab *tab) another() *tab { return openTab(tab.t, tab.ctx) }

func openTab(t *testing.T, parent context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, phone); err != nil {
		t.Fatal(err)
	}
	return &tab{t, ctx}
}

// phone gives the page the size of a small iPhone.
func phone(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
	return chromedp.EmulateViewport(375, 812, chromedp.EmulateMobile, chromedp.EmulateTouch)(ctx, target)
}

func (tab *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("%s at %s: %v", what, tab.evaluate("location.href"), err)
	}
}

func (tab *tab) open(address string) {
	tab.t.Helper()
	tab.do("open "+address, chromedp.Navigate(address))
}

// press clicks on what the CSS selector names, as soon as the page is complete
// and nothing lies over it.
func (tab *tab) press(selector string) {
	tab.t.Helper()
	place := ""
	if !soon(patience, func() bool {
		place = tab.evaluate("(" + placeOf + ")(" + strconv.Quote(selector) + ")")
		return place != ""
	}) {
		tab.t.Fatalf("at %s there is no %s to press", tab.evaluate("location.href"), selector)
	}
	var x, y float64
	if _, err := fmt.Sscan(place, &x, &y); err != nil {
		tab.t.Fatalf("%s is at %q: %v", selector, place, err)
	}
	tab.do("press "+selector, chromedp.MouseClickXY(x, y))
}

// placeOf is a JavaScript function that scrolls to what a CSS selector names
// and gives the middle of it, or nothing while a click there would miss.
const placeOf = `selector => {
	const element = document.querySelector(selector);
	if (!element || document.readyState !== "complete") return "";
	element.scrollIntoView({ block: "center", behavior: "instant" });
	const box = element.getBoundingClientRect();
	const x = box.x + box.width / 2, y = box.y + box.height / 2;
	return element.contains(document.elementFromPoint(x, y)) ? x + " " + y : "";
}`

// evaluate is the value of a JavaScript expression as text.
func (tab *tab) evaluate(expression string) string {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		return "" // the page is about to change
	}
	return text
}

// see waits until what the CSS selector names can be seen with all the texts.
func (tab *tab) see(selector string, texts ...string) {
	tab.t.Helper()
	text := ""
	if !soon(patience, func() bool {
		text = tab.evaluate("document.querySelector(" + strconv.Quote(selector) + ")?.innerText ?? ''")
		return text != "" && containsAll(text, texts)
	}) {
		tab.t.Fatalf("%s at %s = %q, want it with %q", selector, tab.evaluate("location.href"), text, texts)
	}
}

// at checks the address of the page.
func (tab *tab) at(address string) {
	tab.t.Helper()
	if got := tab.evaluate("location.href"); got != address {
		tab.t.Errorf("arrived at %s, want %s", got, address)
	}
}

// picture writes the whole page as PNGs, where they are asked for: on a phone
// by day and by night, and on a desktop.
func (tab *tab) picture(name string) {
	tab.t.Helper()
	dir := os.Getenv("WXGATE_SCREENSHOTS")
	if dir == "" {
		return
	}
	defer tab.do("back to the phone", phone, colours("light"))
	for _, look := range []struct {
		suffix, colours string
		viewport        chromedp.Action[chromedp.Void]
	}{
		{"phone-light", "light", phone},
		{"phone-dark", "dark", phone},
		{"desktop", "light", chromedp.EmulateViewport(1280, 800)},
	} {
		tab.do("look", look.viewport, colours(look.colours))
		png, err := chromedp.Run(tab.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			tab.t.Fatal(err)
		}
		writeFile(tab.t, filepath.Join(dir, name+"-"+look.suffix+".png"), png)
	}
}

// colours is the colour scheme that the page is told of.
func colours(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}
