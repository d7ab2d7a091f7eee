package wechat_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A site that signs its visitors in. The emulator takes the place of WeChat: a
// real site leaves APIURL and OpenURL empty.
func Example() {
	wx := wechattest.NewServer()
	defer wx.Close()
	client := &wechat.Client{
		AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, APIURL: wx.URL, OpenURL: wx.URL,
	}
	// A real site makes a random state for each login, stores it in a cookie and
	// compares it in the callback.
	const state = "7f9c2ba4e88f827d616045507605853e"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		authorize := wechat.Authorize{RedirectURI: "http://" + r.Host + "/callback", State: state}
		http.Redirect(w, r, client.AuthorizeURL(authorize), http.StatusFound)
	})
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("state") != state {
			http.Error(w, "invalid state", http.StatusForbidden)
			return
		}
		grant, err := client.Exchange(r.Context(), r.FormValue("code"))
		if err != nil {
			http.Error(w, "no login: "+wechat.Result(err), http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, "signed in: ", grant.OpenID == wx.OpenID(client.AppID, "lihua"))
	})
	site := httptest.NewServer(mux)
	defer site.Close()

	page, err := new(wechattest.Browser).Open(context.Background(), site.URL+"/login")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Body)
	// Output:
	// signed in: true
}
