package wechattest_test

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

func (e *emulator) ticket(token, kind string) answer {
	e.t.Helper()
	return e.get("/cgi-bin/ticket/getticket", "access_token", token, "type", kind)
}

func TestTicket(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Clock: still})
	token := e.stable(false).text("access_token")
	for kind, want := range map[string]int{"": 40097, "x": 40097, "jsapi": 0, "wx_card": 0} {
		if a := e.ticket(token, kind); a.code() != want {
			t.Errorf("ticket of type %q = %s, want %d", kind, a.body, want)
		}
	}
	if a := e.ticket("x", "jsapi"); a.code() != 40001 {
		t.Errorf("ticket with an unknown token = %s, want 40001", a.body)
	}
	first := e.ticket(token, "jsapi")
	want := fmt.Sprintf(`{"errcode":0,"errmsg":"ok","ticket":%q,"expires_in":7200}`, first.text("ticket"))
	if first.body != want || first.text("ticket") == e.ticket(token, "wx_card").text("ticket") {
		t.Errorf("ticket = %s, want %s and another for cards", first.body, want)
	}
	e.Advance(time.Hour + 50*time.Minute)
	later := e.ticket(token, "jsapi")
	if later.text("ticket") != first.text("ticket") || later.fields["expires_in"] != 600.0 {
		t.Errorf("after 110 minutes = %s, want the same ticket and 600", later.body)
	}
	e.Advance(10 * time.Minute)
	token = e.stable(false).text("access_token")
	if got := e.ticket(token, "jsapi"); got.text("ticket") == first.text("ticket") {
		t.Error("an ended ticket was given again")
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	token := e.stable(false).text("access_token")
	for _, path := range []string{"/cgi-bin/getcallbackip", "/cgi-bin/get_api_domain_ip"} {
		if a := e.get(path, "access_token", token); !strings.HasPrefix(a.body, `{"ip_list":["`) {
			t.Errorf("%s = %s, want an ip_list", path, a.body)
		}
		if a := e.get(path); a.code() != 41001 {
			t.Errorf("%s without a token = %s, want 41001", path, a.body)
		}
	}
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	ticket := e.ticket(e.stable(false).text("access_token"), "jsapi").text("ticket")
	signed := func(address string) string {
		sum := sha1.Sum([]byte("jsapi_ticket=" + ticket + "&noncestr=n1&timestamp=1414587457&url=" + address))
		return fmt.Sprintf("%x", sum)
	}
	const page = "http://localhost:8080/a?x=1&y=%2B"
	for _, test := range []struct {
		name                      string
		appID, url, landing, sign string
		want                      string
	}{
		{"good", wechattest.StockAppID, page, "", signed(page), "ok"},
		{"fragment does not count", wechattest.StockAppID, page + "#/route", "", signed(page), "ok"},
		{"fragment was signed", wechattest.StockAppID, page + "#/route", "", signed(page + "#/route"), "invalid signature"},
		{"shared", wechattest.StockAppID, page + "&from=singlemessage", "", signed(page), "invalid signature"},
		{"query order", wechattest.StockAppID, "http://localhost:8080/a?y=%2B&x=1", "", signed(page), "invalid signature"},
		{"iPhone, landing signed", wechattest.StockAppID, "http://localhost:8080/b", page, signed(page), "ok"},
		{"iPhone, present signed", wechattest.StockAppID, page, "http://localhost:8080/b", signed(page), "invalid signature"},
		{"domain", wechattest.StockAppID, "http://evil.cn/", "", signed("http://evil.cn/"), "invalid url domain"},
		{"no address", wechattest.StockAppID, "", "", signed(""), "invalid url domain"},
		{"account", "wx0", page, "", signed(page), "invalid appid"},
	} {
		config := wechattest.JSConfig{AppID: test.appID, Timestamp: "1414587457", NonceStr: "n1", Signature: test.sign, URL: test.url, Landing: test.landing}
		if got := e.CheckConfig(config); got != "config:"+test.want {
			t.Errorf("%s: CheckConfig = %q, want %q", test.name, got, "config:"+test.want)
		}
	}

	form := url.Values{"appId": {wechattest.StockAppID}, "timestamp": {"1414587457"}, "nonceStr": {"n1"}, "signature": {signed(page)}, "url": {page}}
	a := e.do("POST", "/_emulator/jssdk", form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if !strings.Contains(a.body, `data-result="config:ok"`) {
		t.Errorf("check page = %d %q, want config:ok", a.status, a.body)
	}
	a = e.post("/_emulator/jssdk", fmt.Sprintf(`{"appId":%q,"timestamp":1414587457,"nonceStr":"n1","signature":%q,"url":%q}`, wechattest.StockAppID, signed(page), page))
	if a.text("errMsg") != "config:ok" {
		t.Errorf("check by a script = %s, want config:ok", a.body)
	}
	if a := e.get("/_emulator/jssdk", "url", page); !strings.Contains(a.body, "x=1&amp;y=%2B") {
		t.Error("the check page does not take its fields from the query")
	}
	e.Advance(2 * time.Hour)
	if got := e.CheckConfig(wechattest.JSConfig{AppID: wechattest.StockAppID, URL: page, Signature: signed(page)}); got != "config:invalid signature" {
		t.Errorf("with an ended ticket = %q, want config:invalid signature", got)
	}
}
