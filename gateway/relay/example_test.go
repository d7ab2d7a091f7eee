package relay_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/wxgate/wxgate/gateway/relay"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A server of the site lists the account's followers through the relay, without a
// token. Calls that Paths does not have are refused. The emulator takes the place of
// WeChat: a real program leaves both APIURL fields empty.
func Example() {
	wx := wechattest.NewServer()
	defer wx.Close()
	client := &wechat.Client{AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, APIURL: wx.URL}
	l, err := relay.New(relay.Config{
		Tokens: &wechat.TokenSource{Client: client},
		Paths:  []string{"GET /cgi-bin/user/get"},
		APIURL: wx.URL,
	})
	if err != nil {
		log.Fatal(err)
	}
	private := httptest.NewServer(l) // on the private network
	defer private.Close()

	for _, path := range []string{"/cgi-bin/user/get", "/cgi-bin/menu/get"} {
		res, err := http.Get(private.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		var body struct {
			Total int    // of followers
			Error string // of the relay
		}
		err = json.NewDecoder(res.Body).Decode(&body)
		res.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s, total %d, error %q\n", path, res.Status, body.Total, body.Error)
	}
	// Output:
	// /cgi-bin/user/get: 200 OK, total 4, error ""
	// /cgi-bin/menu/get: 403 Forbidden, total 0, error "not_allowed"
}
