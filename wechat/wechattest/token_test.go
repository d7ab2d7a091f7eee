package wechattest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

func (e *emulator) plain() answer {
	e.t.Helper()
	return e.get("/cgi-bin/token", "grant_type", "client_credential", "appid", wechattest.StockAppID, "secret", wechattest.StockAppSecret)
}

func (e *emulator) stable(force bool) answer {
	e.t.Helper()
	return e.post("/cgi-bin/stable_token", fmt.Sprintf(`{"grant_type":"client_credential","appid":%q,"secret":%q,"force_refresh":%t}`,
		wechattest.StockAppID, wechattest.StockAppSecret, force))
}

// works returns the errcode with which a global token is refused, or 0.
func (e *emulator) works(token string) int {
	e.t.Helper()
	return e.get("/cgi-bin/getcallbackip", "access_token", token).code()
}

func (e *emulator) wantWorks(name, token string, want int) {
	e.t.Helper()
	if got := e.works(token); got != want {
		e.t.Errorf("%s: errcode %d, want %d", name, got, want)
	}
}

func TestTokenOrder(t *testing.T) {
	t.Parallel()
	limited := wechattest.StockAccount()
	limited.AppID, limited.IPAllowList = "limited", []string{"192.0.2.7"}
	for _, test := range []struct {
		appID, secret, grantType string
		want                     int
	}{
		{"", "", "", 41002}, {"wx0", "", "", 40013}, {wechattest.StockAppID, "", "", 41004}, {"frozen", "wrong", "", 40243},
		{wechattest.StockAppID, "wrong", "", 40125}, {wechattest.StockWebsiteAppID, wechattest.StockWebsiteAppSecret, "", 40013},
		{"limited", wechattest.StockAppSecret, "x", 40002}, {"limited", wechattest.StockAppSecret, "client_credential", 40164},
		{wechattest.StockAppID, wechattest.StockAppSecret, "client_credential", 0},
	} {
		e := newEmulator(t, wechattest.Config{Accounts: []wechattest.Account{wechattest.StockAccount(), wechattest.StockWebsite(), frozen(), limited}})
		a := e.get("/cgi-bin/token", "appid", test.appID, "secret", test.secret, "grant_type", test.grantType)
		if a.code() != test.want {
			t.Errorf("token(%q, %q, %q) = %s, want %d", test.appID, test.secret, test.grantType, a.body, test.want)
		}
		a = e.post("/cgi-bin/stable_token", fmt.Sprintf(`{"appid":%q,"secret":%q,"grant_type":%q}`, test.appID, test.secret, test.grantType))
		if a.code() != test.want {
			t.Errorf("stable_token(%q, %q, %q) = %s, want %d", test.appID, test.secret, test.grantType, a.body, test.want)
		}
	}

	e := newEmulator(t, wechattest.Config{Accounts: []wechattest.Account{limited}})
	const path = "/cgi-bin/token?appid=limited&secret=" + wechattest.StockAppSecret + "&grant_type=client_credential"
	from := func(ip string) answer {
		return e.do("GET", path, "", map[string][]string{wechattest.ClientIPHeader: {ip}})
	}
	if a := from("192.0.2.8"); !strings.Contains(a.body, "invalid ip 192.0.2.8 ipv6 ::ffff:192.0.2.8, not in whitelist") {
		t.Errorf("unlisted address = %s, want it named", a.body)
	}
	if a := from("192.0.2.7"); a.code() != 0 {
		t.Errorf("listed address = %s, want success", a.body)
	}
	e.SetSwitches(wechattest.Switches{UnlistedIP89503: true})
	if a := from("192.0.2.8"); a.code() != 89503 {
		t.Errorf("unlisted address, switch = %s, want 89503", a.body)
	}
	if a := e.post("/cgi-bin/stable_token", ""); a.code() != 44002 {
		t.Errorf("empty body = %s, want 44002", a.body)
	}
	if a := e.post("/cgi-bin/stable_token", "appid=limited"); a.code() != 47001 {
		t.Errorf("form body = %s, want 47001", a.body)
	}
	e = newEmulator(t, wechattest.Config{})
	e.SetSwitches(wechattest.Switches{NeedsForceRefresh: true})
	body := fmt.Sprintf(`{"appid":%q,"secret":%q,"grant_type":"client_credential"}`, wechattest.StockAppID, wechattest.StockAppSecret)
	if a := e.post("/cgi-bin/stable_token", body); a.code() != 41002 {
		t.Errorf("without force_refresh, switch = %s, want 41002", a.body)
	}
}

func TestPlainTokenLeavesGrace(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Clock: still})
	first := e.plain().text("access_token")
	second := e.plain().text("access_token")
	if first == second {
		t.Fatal("two fetches gave one token")
	}
	e.Advance(5*time.Minute - time.Second)
	e.wantWorks("former token in its grace", first, 0)
	e.Advance(time.Second)
	e.wantWorks("former token after five minutes", first, 40001)
	e.wantWorks("present token", second, 0)
	e.Advance(2 * time.Hour)
	e.wantWorks("present token after two hours", second, 42001)
	e.wantWorks("missing token", "", 41001)
	e.wantWorks("web token", e.exchange(e.login("snsapi_base", nil)).text("access_token"), 40001)
}

// still is a clock that stands: only Advance moves the time.
func still() time.Time { return time.Unix(1_750_000_000, 0) }

func TestStableToken(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Clock: still})
	plain := e.plain().text("access_token")
	first := e.stable(false)
	e.Advance(time.Hour)
	later := e.stable(false)
	if later.text("access_token") != first.text("access_token") || later.fields["expires_in"] != 3600.0 {
		t.Errorf("after an hour = %s, want the same token and 3600", later.body)
	}
	e.wantWorks("plain token beside it", plain, 0)
	e.Advance(55*time.Minute + time.Second)
	renewed := e.stable(false)
	if renewed.text("access_token") == first.text("access_token") || renewed.fields["expires_in"] != 7200.0 {
		t.Errorf("in the last five minutes = %s, want a new token", renewed.body)
	}
	e.wantWorks("old token until its end", first.text("access_token"), 0)
	e.Advance(5 * time.Minute)
	e.wantWorks("old token after its end", first.text("access_token"), 42001)
	e.wantWorks("new token", renewed.text("access_token"), 0)
	e.VoidTokens(wechattest.StockAppID)
	e.wantWorks("voided token", renewed.text("access_token"), 40001)
	if got := e.stable(false).text("access_token"); got == renewed.text("access_token") {
		t.Error("a voided token was given again")
	}
}

func TestForcedRenewal(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Clock: still})
	leaked := e.stable(false).text("access_token")
	first := e.stable(true).text("access_token")
	if first == leaked {
		t.Fatal("forced renewal gave the same token")
	}
	e.wantWorks("former token after one forced renewal", leaked, 0)
	e.Advance(29 * time.Second)
	if got := e.stable(true).text("access_token"); got != first {
		t.Error("forced renewal after 29 s changed the token")
	}
	e.Advance(time.Second)
	second := e.stable(true).text("access_token")
	if second == first {
		t.Error("forced renewal after 30 s gave the same token")
	}
	e.wantWorks("leaked token after two forced renewals", leaked, 40001)
	e.wantWorks("token between, in its grace", first, 0)
	e.Advance(5 * time.Minute)
	e.wantWorks("token between, after its grace", first, 40001)

	for range 18 {
		e.Advance(30 * time.Second)
		e.stable(true)
	}
	last := e.stable(false).text("access_token")
	e.Advance(30 * time.Second)
	if got := e.stable(true).text("access_token"); got != last {
		t.Error("the 21st forced renewal of a day changed the token")
	}
	e.Advance(24 * time.Hour)
	last = e.stable(false).text("access_token")
	if got := e.stable(true).text("access_token"); got == last {
		t.Error("forced renewal a day later gave the same token")
	}
}

func TestFreezeSecret(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	e.FreezeSecret(wechattest.StockAppID)
	if a := e.stable(false); a.code() != 40243 {
		t.Errorf("frozen secret = %s, want 40243", a.body)
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Clock: still})
	e.SetLimit("/cgi-bin/user/get", wechattest.Limit{PerDay: 3, PerMinute: 2})
	token := e.stable(false).text("access_token")
	list := func(name string, want int) {
		t.Helper()
		if a := e.get("/cgi-bin/user/get", "access_token", token); a.code() != want {
			t.Errorf("%s = %s, want %d", name, a.body, want)
		}
	}
	list("first", 0)
	list("second", 0)
	list("third in a minute", 45011)
	e.Advance(time.Minute)
	list("third", 0)
	list("fourth in a day", 45009)
	reset := func(appID string) answer {
		return e.do("POST", "/cgi-bin/clear_quota?access_token="+token, fmt.Sprintf(`{"appid":%q}`, appID), nil)
	}
	if a := reset("wx0"); a.code() != 40013 {
		t.Errorf("clear_quota of another account = %s, want 40013", a.body)
	}
	for i := range 10 {
		if a := reset(wechattest.StockAppID); a.code() != 0 || a.text("errmsg") != "ok" {
			t.Errorf("clear_quota %d = %s, want ok", i, a.body)
		}
	}
	list("after clear_quota", 0)
	if a := reset(wechattest.StockAppID); a.code() != 48006 {
		t.Errorf("the eleventh clear_quota = %s, want 48006", a.body)
	}
	e.SetLimit("/cgi-bin/user/get", wechattest.Limit{PerDay: 1})
	list("over a lower limit", 45009)
	e.Advance(24 * time.Hour)
	token = e.stable(false).text("access_token")
	list("a day later", 0)

	for i := range 201 { // the sandbox's limit
		if a, want := e.plain(), i/200*45009; a.code() != want {
			t.Fatalf("token %d of a test account = %s, want %d", i+1, a.body, want)
		}
	}
}
