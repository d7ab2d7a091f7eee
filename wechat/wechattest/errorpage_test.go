package wechattest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// An automatic client sees by the status that a page is an error page.
func TestErrorPagesHaveAnErrorStatus(t *testing.T) {
	t.Parallel()
	e := cast(t, wechattest.Config{})
	e.SetSwitches(wechattest.Switches{WeChatOnly: true, TestNeedsFollow: true})
	const scan = "/connect/qrconnect?"
	const own = "/connect/oauth2/authorize?"
	for _, test := range []struct {
		name, target string
		visitor      string
		status       int
	}{
		{"wrong scope", own + changed("scope", "snsapi_all"), "lihua", 400},
		{"no scope", own + changed("scope", ""), "lihua", 400},
		{"unknown account", own + changed("appid", "wx0"), "lihua", 400},
		{"foreign redirect_uri", own + changed("redirect_uri", "http://evil.cn/"), "lihua", 400},
		{"response type", own + changed("response_type", "token"), "lihua", 400},
		{"long state", own + changed("state", strings.Repeat("a", 129)), "lihua", 400},
		{"banned account", own + changed("appid", "banned"), "lihua", 403},
		{"account without the right", own + changed("appid", "unverified", "redirect_uri", "https://h5.example.cn/"), "lihua", 400},
		{"banned visitor", own + changed("appid", "service", "redirect_uri", "https://h5.example.cn/"), "bad", 403},
		{"not following", own + changed(), "tom", 403},
		{"nobody", own + changed(), "nobody", 400},
		{"scan: wrong scope", scan + changed("appid", wechattest.StockWebsiteAppID), "lihua", 400},
		{"scan: unknown application", scan + changed("appid", "wx0"), "lihua", 400},
		{"scan: an account", scan + changed(), "lihua", 400},
	} {
		header := as(test.visitor)
		header.Set("User-Agent", wechattest.AgentIOS)
		if a := e.do("GET", test.target, "", header); a.status != test.status || a.header.Get("Location") != "" {
			t.Errorf("%s = %d to %q, want %d", test.name, a.status, a.header.Get("Location"), test.status)
		}
	}
	header := http.Header{"User-Agent": {wechattest.AgentChrome}}
	if a := e.do("GET", own+changed(), "", header); a.status != 403 {
		t.Errorf("another browser than WeChat's = %d, want 403", a.status)
	}
	e.SetLimit("/connect/oauth2/authorize", wechattest.Limit{PerMinute: 1})
	header = http.Header{"User-Agent": {wechattest.AgentIOS}}
	e.do("GET", own+changed(), "", header)
	if a := e.do("GET", own+changed(), "", header); a.status != 429 {
		t.Errorf("too often = %d, want 429", a.status)
	}
}
