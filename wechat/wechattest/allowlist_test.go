package wechattest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// cgiCalls are the calls with the global token, each with a body for POST.
var cgiCalls = []struct{ method, path, body string }{
	{"GET", "/cgi-bin/user/get", ""},
	{"GET", "/cgi-bin/user/info", ""},
	{"POST", "/cgi-bin/user/info/batchget", `{"user_list":[]}`},
	{"GET", "/cgi-bin/ticket/getticket", ""},
	{"POST", "/cgi-bin/clear_quota", `{}`},
	{"GET", "/cgi-bin/getcallbackip", ""},
	{"GET", "/cgi-bin/get_api_domain_ip", ""},
}

// The IP allow-list of an account is for every call of cgi-bin, and is looked at
// after the token.
func TestAllowListIsForAllCalls(t *testing.T) {
	t.Parallel()
	a := wechattest.StockAccount()
	a.IPAllowList = []string{"192.0.2.7", "2001:db8::/32"}
	e := newEmulator(t, wechattest.Config{Accounts: []wechattest.Account{a, wechattest.StockWebsite()}})
	from := func(ip string) http.Header { return http.Header{wechattest.ClientIPHeader: {ip}} }
	const fetch = "/cgi-bin/token?grant_type=client_credential&appid=" + wechattest.StockAppID +
		"&secret=" + wechattest.StockAppSecret
	token := e.do("GET", fetch, "", from("192.0.2.7")).text("access_token")
	if token == "" {
		t.Fatal("a listed address gets no token")
	}
	for _, call := range cgiCalls {
		signed := call.path + "?access_token=" + token
		for _, ip := range []string{"192.0.2.8", "2001:db9::1", "127.0.0.1"} {
			if got := e.do(call.method, signed, call.body, from(ip)); got.code() != 40164 || !strings.Contains(got.body, ip) {
				t.Errorf("%s from %s = %s, want 40164 that names it", call.path, ip, got.body)
			}
		}
		for _, ip := range []string{"192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"} {
			if got := e.do(call.method, signed, call.body, from(ip)); got.code() == 40164 {
				t.Errorf("%s from %s = %s, want no 40164", call.path, ip, got.body)
			}
		}
		if got := e.do(call.method, call.path+"?access_token=x", call.body, from("192.0.2.8")); got.code() != 40001 {
			t.Errorf("%s with a wrong token from an unlisted address = %s, want 40001", call.path, got.body)
		}
		e.SetSwitches(wechattest.Switches{UnlistedIP61004: true})
		got := e.do(call.method, signed, call.body, from("192.0.2.8"))
		if got.code() != 61004 || !strings.Contains(got.body, "requestIP: 192.0.2.8") {
			t.Errorf("%s, switch = %s, want 61004 that names the address", call.path, got.body)
		}
		e.SetSwitches(wechattest.Switches{})
	}
	if got := e.exchange(e.login("snsapi_base", nil)); got.code() != 0 {
		t.Errorf("exchange of a code from an unlisted address = %s, want success", got.body)
	}
}

// It is not known whether WeChat compares the openid with the token.
func TestWrongOpenID(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	grant := e.exchange(e.login("snsapi_userinfo", nil))
	token, openID := grant.text("access_token"), grant.text("openid")
	for _, tt := range []struct {
		openID   string
		switched bool
		want     int
	}{
		{openID, false, 0}, {"oX", false, 40003}, {"%!s(<nil>)", false, 40003}, {"", false, 41009},
		{openID, true, 0}, {"oX", true, 0}, {"%!s(<nil>)", true, 0}, {"", true, 41009},
	} {
		e.SetSwitches(wechattest.Switches{IgnoreWrongOpenID: tt.switched})
		for _, path := range []string{"/sns/userinfo", "/sns/auth"} {
			if got := e.get(path, "access_token", token, "openid", tt.openID); got.code() != tt.want {
				t.Errorf("%s of %q, switch %t = %s, want %d", path, tt.openID, tt.switched, got.body, tt.want)
			}
		}
	}
}
