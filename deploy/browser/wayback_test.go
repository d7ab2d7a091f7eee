package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// startSite starts a site behind a gateway, with an emulator beside it, and returns
// its origin.
func startSite(t *testing.T, site http.Handler, configure func(*gateway.Site)) string {
	t.Helper()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	var handler http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	c := gateway.Site{
		PublicURL: front.URL,
		Account: &wechat.Client{
			AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, APIURL: wx.URL, OpenURL: wx.URL,
		},
		CookieKeys: testKeys(),
	}
	configure(&c)
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{c}})
	if err != nil {
		t.Fatal(err)
	}
	handler = g.Wrap(site)
	return front.URL
}

// hashRouter signs in at pages with and without a route: WeChat's own fragment,
// which a hash router takes for a route, is in no address afterwards.
func (b *browser) hashRouter(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(`<!doctype html><p id="route"></p>
<form method="post" action="/_wx/logout?return_to=/bye"><button>leave</button></form>
<script>
const route = document.getElementById("route");
route.textContent = "route: " + location.hash;
if (location.pathname === "/bye") route.id = "gone", route.textContent = "signed out, at /bye";
</script>`))
	})
	origin := startSite(t, page, func(c *gateway.Site) { c.PublicPaths = []string{"/bye"} })
	for _, address := range []string{"/", "/shop?item=1", "//shop/7", "/_wx/login?return_to=/shop%23/cart"} {
		tab := b.profile(t)
		tab.open(origin + address)
		want := "route: "
		if strings.Contains(address, "cart") {
			want += "#/cart"
		}
		tab.see("#route", "route:")
		if got := "route: " + tab.evaluate("location.hash"); got != want {
			t.Errorf("%s: the page sees %q, want %q", address, got, want)
		}
		if strings.HasPrefix(address, "//") {
			tab.at(origin + address + "#")
		}
		tab.press("button")
		tab.see("#gone", "/bye")
		tab.at(origin + "/bye#")
	}
}

// formAfterSession sends a form of a page whose session has ended meanwhile. The
// visitor sees a page, signs in, and comes back to the form.
func (b *browser) formAfterSession(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.Method == http.MethodPost {
			fmt.Fprintf(w, `<!doctype html><h1>ordered %s</h1>`, r.FormValue("item"))
			return
		}
		w.Write([]byte(`<!doctype html><h1>shop</h1>
<form method="post" action="/orders"><input name="item" value="tea"><button>order</button></form>`))
	})
	origin := startSite(t, page, func(c *gateway.Site) { c.APIPaths = []string{"/api/"} })
	for _, address := range []string{"/cart?id=7", "//cart?id=7"} {
		tab := b.profile(t)
		tab.open(origin + address)
		tab.see("h1", "shop")
		tab.evaluate(`fetch("/_wx/logout", {method: "POST"})
			.then(() => document.querySelector("h1").textContent = "signed out")`)
		tab.see("h1", "signed out")
		tab.press("button")
		tab.see("h1", "登录已失效")
		tab.at(origin + "/orders")
		tab.picture("form-unauthorized")
		tab.press(".button")
		tab.see("h1", "shop")
		tab.at(origin + address + "#")
		tab.press("button")
		tab.see("h1", "ordered tea")
	}
}
