package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A browser is a running Chromium, with a built wxgate to open pages of.
type browser struct {
	ctx    context.Context
	wxgate string // path of the program
}

// startBrowser starts the Chromium on PATH. Without one it skips the test, or
// fails it if TEST_REQUIRE_ALL is 1.
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
		chromedp.NoSandbox, // the sandbox does not work for root
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
	return &browser{ctx, buildWXGate(t)}
}

// A tab is one page of a browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// profile opens a tab that shares cookies with no earlier tab.
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

// press clicks on the element that the CSS selector names. It waits until the
// page is loaded and nothing covers the element.
func (tab *tab) press(selector string) {
	tab.t.Helper()
	place := ""
	if !soon(func() bool {
		place = tab.evaluate("(" + placeOf + ")(" + strconv.Quote(selector) + ")")
		return place != ""
	}) {
		tab.t.Fatalf("no element to press at %s: %s", tab.evaluate("location.href"), selector)
	}
	var x, y float64
	if _, err := fmt.Sscan(place, &x, &y); err != nil {
		tab.t.Fatalf("%s is at %q: %v", selector, place, err)
	}
	tab.do("press "+selector, chromedp.MouseClickXY(x, y))
}

// placeOf is a JavaScript function that scrolls to the element that a CSS selector
// names and returns its middle, or "" while a click there would not reach it.
const placeOf = `selector => {
	const element = document.querySelector(selector);
	if (!element || document.readyState !== "complete") return "";
	element.scrollIntoView({ block: "center", behavior: "instant" });
	const box = element.getBoundingClientRect();
	const x = box.x + box.width / 2, y = box.y + box.height / 2;
	return element.contains(document.elementFromPoint(x, y)) ? x + " " + y : "";
}`

// evaluate returns the value of a JavaScript expression as text, "" on an error.
func (tab *tab) evaluate(expression string) string {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		return "" // such as a page that is just being replaced
	}
	return text
}

// see waits until the element that the CSS selector names is visible and holds all
// the texts.
func (tab *tab) see(selector string, texts ...string) {
	tab.t.Helper()
	text := ""
	if !soon(func() bool {
		text = tab.evaluate("document.querySelector(" + strconv.Quote(selector) + ")?.innerText ?? ''")
		missing := func(want string) bool { return !strings.Contains(text, want) }
		return text != "" && !slices.ContainsFunc(texts, missing)
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

// true checks that a JavaScript expression becomes true.
func (tab *tab) true(what, expression string) {
	tab.t.Helper()
	if !soon(func() bool { return tab.evaluate(expression) == "true" }) {
		tab.t.Errorf("at %s it is not so that %s", tab.evaluate("location.href"), what)
	}
}

// picture writes PNGs of the whole page to the directory WXGATE_SCREENSHOTS: on a
// phone and on a desktop, light and dark. Without the variable it only checks that
// nothing on the page is wider than a phone.
func (tab *tab) picture(name string) {
	tab.t.Helper()
	tab.true(name+" is no wider than the phone", "document.documentElement.scrollWidth <= innerWidth")
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
		{"desktop-light", "light", chromedp.EmulateViewport(1280, 800)},
		{"desktop-dark", "dark", chromedp.EmulateViewport(1280, 800)},
	} {
		tab.do("look", look.viewport, colours(look.colours))
		png, err := chromedp.Run(tab.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			tab.t.Fatal(err)
		}
		file := filepath.Join(dir, name+"-"+look.suffix+".png")
		if err := os.WriteFile(file, png, 0o644); err != nil {
			tab.t.Fatal(err)
		}
	}
}

// colours sets the colour scheme that the page sees.
func colours(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}
