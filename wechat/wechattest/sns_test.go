package wechattest_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// frozen is the stock account with its secret frozen.
func frozen() wechattest.Account {
	a := wechattest.StockAccount()
	a.AppID, a.SecretFrozen = "frozen", true
	return a
}

func TestExchangeOrder(t *testing.T) {
	t.Parallel()
	good := []string{"appid", wechattest.StockAppID, "secret", wechattest.StockAppSecret, "code", "CODE", "grant_type", "authorization_code"}
	with := func(pairs ...string) []string {
		list := append([]string{}, good...)
		for i := 0; i < len(pairs); i += 2 {
			for j := 0; j < len(list); j += 2 {
				if list[j] == pairs[i] {
					list[j+1] = pairs[i+1]
				}
			}
		}
		return list
	}
	for _, test := range []struct {
		name     string
		params   []string
		before   func(e *emulator, code string)
		switches wechattest.Switches
		want     int
	}{
		{name: "no appid", params: with("appid", "", "secret", ""), want: 41002},
		{name: "unknown appid", params: with("appid", "wx0", "secret", ""), want: 40013},
		{name: "no secret", params: with("secret", "", "code", ""), want: 41004},
		{name: "frozen before wrong", params: with("appid", "frozen", "secret", "wrong"), want: 40243},
		{name: "wrong secret", params: with("secret", "wrong", "code", ""), want: 40125},
		{name: "wrong secret, switch", params: with("secret", "wrong"), switches: wechattest.Switches{WrongSecret40001: true}, want: 40001},
		{name: "no code", params: with("code", "", "grant_type", "x"), want: 41008},
		{name: "grant type", params: with("code", "unknown", "grant_type", "x"), want: 40002},
		{name: "minute quota", params: with("code", "unknown"), want: 45011, before: func(e *emulator, _ string) {
			e.SetLimit("/sns/oauth2/access_token", wechattest.Limit{PerMinute: 1})
			e.exchange("x")
		}},
		{name: "unknown code", params: with("code", "unknown"), want: 40029},
		{name: "another account's code", params: with("appid", wechattest.StockWebsiteAppID, "secret", wechattest.StockWebsiteAppSecret), want: 40029},
		{name: "five minutes", params: good, want: 0, before: func(e *emulator, _ string) { e.Advance(5*time.Minute - time.Second) }},
		{name: "expired", params: good, want: 40029, before: func(e *emulator, _ string) { e.Advance(5*time.Minute + time.Second) }},
		{name: "expired, switch", params: good, switches: wechattest.Switches{ExpiredCode42003: true}, want: 42003,
			before: func(e *emulator, _ string) { e.Advance(5*time.Minute + time.Second) }},
		{name: "expired before used", params: good, want: 40029, before: func(e *emulator, code string) {
			e.exchange(code)
			e.Advance(6 * time.Minute)
		}},
		{name: "used", params: good, want: 40163, before: func(e *emulator, code string) { e.exchange(code) }},
		{name: "used, switch", params: good, switches: wechattest.Switches{UsedCode40029: true}, want: 40029,
			before: func(e *emulator, code string) { e.exchange(code) }},
		{name: "banned", params: good, want: 50002, before: func(e *emulator, _ string) {
			e.SetVisitor(wechattest.Visitor{ID: "lihua", Banned: true})
		}},
		{name: "wrong secret does not burn", params: good, want: 0, before: func(e *emulator, code string) {
			e.get("/sns/oauth2/access_token", with("secret", "wrong", "code", code)...)
		}},
		{name: "IP list is not asked", params: good, want: 0, before: unlist},
		{name: "IP list, switch", params: good, switches: wechattest.Switches{IPListOnSNS: true}, want: 40164, before: unlist},
		{name: "success", params: good, want: 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := newEmulator(t, wechattest.Config{Accounts: []wechattest.Account{wechattest.StockAccount(), wechattest.StockWebsite(), frozen()}})
			e.SetSwitches(test.switches)
			code := e.login("snsapi_base", nil)
			if test.before != nil {
				test.before(e, code)
			}
			params := append([]string{}, test.params...)
			for i := range params {
				params[i] = strings.Replace(params[i], "CODE", code, 1)
			}
			a := e.get("/sns/oauth2/access_token", params...)
			if a.status != 200 || a.code() != test.want {
				t.Errorf("answer = %d %s, want status 200 and errcode %d", a.status, a.body, test.want)
			}
		})
	}
}

func unlist(e *emulator, _ string) {
	a := wechattest.StockAccount()
	a.IPAllowList = []string{"192.0.2.0/24"}
	if err := e.SetAccount(a); err != nil {
		e.t.Fatal(err)
	}
}

func TestMethodFirst(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	e.Fault(wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 1, Times: -1})
	for path, want := range map[string]int{
		"/sns/oauth2/access_token": 43001, "/sns/oauth2/refresh_token": 43001, "/sns/userinfo": 43001, "/sns/auth": 43001,
		"/cgi-bin/token": 43001, "/cgi-bin/user/get": 43001, "/cgi-bin/user/info": 43001, "/cgi-bin/ticket/getticket": 43001,
		"/cgi-bin/getcallbackip": 43001, "/cgi-bin/get_api_domain_ip": 43001,
		"/cgi-bin/stable_token": 43002, "/cgi-bin/user/info/batchget": 43002, "/cgi-bin/clear_quota": 43002,
	} {
		method, right := "POST", "GET"
		if want == 43002 {
			method, right = right, method
		}
		if a := e.do(method, path, "", nil); a.code() != want {
			t.Errorf("%s %s = %s, want %d", method, path, a.body, want)
		}
		if a := e.do(right, path, "", nil); a.code() != 1 {
			t.Errorf("%s %s = %s, want the fault", right, path, a.body)
		}
	}
}

func TestOneOfManyGetsTheCode(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	code := e.login("snsapi_base", nil)
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			a := e.exchange(code)
			mu.Lock()
			defer mu.Unlock()
			got[a.code()]++
		})
	}
	wg.Wait()
	if got[0] != 1 || got[40163] != 99 {
		t.Errorf("errcodes of 100 at once = %v, want one success and 99 times 40163", got)
	}
}

func TestAnswerForms(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{PublicURL: "http://wx.test/"})
	a := e.exchange(e.login("snsapi_userinfo", as("xiaomei")))
	form := regexp.MustCompile(`^\{"access_token":"[^"]+","expires_in":7200,"refresh_token":"[^"]+","openid":"o[^"]{27}","scope":"snsapi_userinfo","unionid":"o[^"]+"\}$`)
	if got := a.header.Get("Content-Type"); !form.MatchString(a.body) || got != "text/plain" {
		t.Errorf("answer = %q %s, want text/plain and the documented fields in order", got, a.body)
	}
	info := e.get("/sns/userinfo", "access_token", a.text("access_token"), "openid", a.text("openid"), "lang", "zh_CN")
	want := `{"openid":"` + a.text("openid") + `","nickname":"小美🌸✨","sex":0,"province":"","city":"","country":"",` +
		`"headimgurl":"http:\/\/wx.test\/mmopen\/xiaomei\/132","privilege":[],"unionid":"` + a.text("unionid") + `"}`
	if info.body != want {
		t.Errorf("userinfo = %s, want %s", info.body, want)
	}
	if svg := e.get("/mmopen/xiaomei/132"); svg.status != 200 || !strings.Contains(svg.body, ">小<") {
		t.Errorf("picture = %d %s, want a drawing of 小", svg.status, svg.body)
	}
	if none := e.get("/mmopen/nobody/132"); none.status != 404 {
		t.Errorf("picture of nobody = %d, want 404", none.status)
	}

	refused := e.exchange("x")
	if !regexp.MustCompile(`"errmsg":"invalid code, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"`).MatchString(refused.body) {
		t.Errorf("sns error = %s, want a rid after a comma", refused.body)
	}
	refused = e.get("/cgi-bin/user/get")
	if got := refused.header.Get("Content-Type"); got != "application/json; encoding=utf-8" ||
		!regexp.MustCompile(`"errmsg":"access_token missing rid: [0-9a-f]{8}-`).MatchString(refused.body) {
		t.Errorf("cgi-bin error = %q %s, want encoding=utf-8 and a rid after a space", got, refused.body)
	}
	e.SetSwitches(wechattest.Switches{OldHints: true, ExtraFields: true})
	if got := e.exchange("x").body; !strings.Contains(got, ", hints: [ req_id: ") || !strings.Contains(got, "field_of_tomorrow") {
		t.Errorf("with old hints and extra fields: %s", got)
	}
}

func TestBaseScopeHasNoUnionID(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	a := e.exchange(e.login("snsapi_base", nil))
	if strings.Contains(a.body, "unionid") || strings.Contains(a.body, "is_snapshotuser") {
		t.Errorf("answer = %s, want neither unionid nor is_snapshotuser", a.body)
	}
	if info := e.get("/sns/userinfo", "access_token", a.text("access_token"), "openid", a.text("openid")); info.code() != 48001 {
		t.Errorf("userinfo with snsapi_base = %s, want 48001", info.body)
	}
}

func TestProfileOrder(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	a := e.exchange(e.login("snsapi_userinfo", nil))
	token, openID := a.text("access_token"), a.text("openid")
	global := e.get("/cgi-bin/token", "appid", wechattest.StockAppID, "secret", wechattest.StockAppSecret, "grant_type", "client_credential").text("access_token")
	check := func(name string, want int, params ...string) {
		t.Helper()
		for _, path := range []string{"/sns/userinfo", "/sns/auth"} {
			if got := e.get(path, params...); got.code() != want {
				t.Errorf("%s: %s = %s, want %d", name, path, got.body, want)
			}
		}
	}
	check("no token", 41001, "openid", openID)
	check("unknown token", 40001, "access_token", "x")
	check("global token", 40001, "access_token", global, "openid", openID)
	check("no openid", 41009, "access_token", token)
	check("another openid", 40003, "access_token", token, "openid", e.OpenID(wechattest.StockAppID, "tom"))
	check("good", 0, "access_token", token, "openid", openID, "lang", "klingon")
	e.SetSwitches(wechattest.Switches{UnknownToken40014: true})
	check("unknown token, switch", 40014, "access_token", "x")
	e.SetSwitches(wechattest.Switches{})
	e.Advance(2 * time.Hour)
	check("expired", 42001, "access_token", token)
	e.ChangePassword("lihua")
	check("password changed", 40001, "access_token", token, "openid", openID)
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	a := e.exchange(e.login("snsapi_userinfo", nil))
	refresh := func(appID, grantType, token string) answer {
		return e.get("/sns/oauth2/refresh_token", "appid", appID, "grant_type", grantType, "refresh_token", token)
	}
	const stock = wechattest.StockAppID
	token := a.text("refresh_token")
	for _, test := range []struct {
		appID, grantType, token string
		want                    int
	}{
		{"", "x", "", 41002}, {"wx0", "x", "", 40013}, {stock, "x", "", 40002}, {stock, "refresh_token", "", 41003},
		{stock, "refresh_token", "x", 40030}, {wechattest.StockWebsiteAppID, "refresh_token", token, 40030}, {stock, "refresh_token", token, 0},
	} {
		if got := refresh(test.appID, test.grantType, test.token); got.code() != test.want {
			t.Errorf("refresh(%q, %q, %q) = %s, want %d", test.appID, test.grantType, test.token, got.body, test.want)
		}
	}
	e.Advance(90 * time.Minute)
	again := refresh(stock, "refresh_token", token)
	if again.text("access_token") != a.text("access_token") || again.fields["expires_in"] != 7200.0 || again.text("refresh_token") != token {
		t.Errorf("refresh of a living token = %s, want the same with a full life", again.body)
	}
	e.Advance(90 * time.Minute)
	if got := e.get("/sns/auth", "access_token", a.text("access_token"), "openid", a.text("openid")); got.code() != 0 {
		t.Errorf("prolonged token after three hours = %s, want success", got.body)
	}
	e.Advance(2 * time.Hour)
	renewed := refresh(stock, "refresh_token", token)
	if got := renewed.text("access_token"); got == "" || got == a.text("access_token") {
		t.Errorf("refresh of a dead token = %s, want a new one", renewed.body)
	}
	e.ChangePassword("lihua")
	if got := refresh(stock, "refresh_token", token); got.code() != 42007 {
		t.Errorf("refresh after a change of the password = %s, want 42007", got.body)
	}
	e.Advance(30 * 24 * time.Hour)
	if got := refresh(stock, "refresh_token", token); got.code() != 42002 {
		t.Errorf("refresh after thirty days = %s, want 42002", got.body)
	}
	e.SetSwitches(wechattest.Switches{BadRefresh40029: true})
	if got := refresh(stock, "refresh_token", "x"); got.code() != 40029 {
		t.Errorf("unknown refresh token, switch = %s, want 40029", got.body)
	}
}

// With the switch, each refresh token works once, and all of them end together.
func TestRefreshTokenRotation(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	e.SetSwitches(wechattest.Switches{RotateRefresh: true})
	refresh := func(token string) answer {
		return e.get("/sns/oauth2/refresh_token",
			"appid", wechattest.StockAppID, "grant_type", "refresh_token", "refresh_token", token)
	}
	first := e.exchange(e.login("snsapi_base", nil))
	second := refresh(first.text("refresh_token"))
	if second.text("openid") != first.text("openid") || second.text("access_token") == first.text("access_token") {
		t.Errorf("refresh = %s, want another token of the same visitor", second.body)
	}
	if got := refresh(first.text("refresh_token")); got.code() != 40030 {
		t.Errorf("the former refresh token again = %s, want 40030", got.body)
	}
	e.Advance(30*24*time.Hour + time.Second)
	if got := refresh(second.text("refresh_token")); got.code() != 42002 {
		t.Errorf("thirty days after the login = %s, want 42002", got.body)
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	first := e.exchange(e.login("snsapi_userinfo", as("snapshot")))
	second := e.exchange(e.login("snsapi_userinfo", as("snapshot")))
	base := e.exchange(e.login("snsapi_base", as("snapshot")))
	for _, a := range []answer{first, second, base} {
		if a.fields["is_snapshotuser"] != 1.0 || a.text("openid") == e.OpenID(wechattest.StockAppID, "snapshot") {
			t.Errorf("snapshot = %s, want the flag and a virtual openid", a.body)
		}
	}
	if first.text("openid") == second.text("openid") || first.text("unionid") == second.text("unionid") {
		t.Errorf("two snapshots share an identifier: %s and %s", first.body, second.body)
	}
	info := e.get("/sns/userinfo", "access_token", first.text("access_token"), "openid", first.text("openid"))
	if got := info.text("nickname"); got != "微信用户" {
		t.Errorf("nickname of a snapshot = %q, want 微信用户", got)
	}

	e.SetSwitches(wechattest.Switches{SharedSnapshotID: true, HideSnapshotFlag: true, SnapshotNoProfile: true})
	third := e.exchange(e.login("snsapi_userinfo", as("snapshot")))
	fourth := e.exchange(e.login("snsapi_userinfo", as("snapshot")))
	if third.text("unionid") != fourth.text("unionid") || third.text("openid") == fourth.text("openid") {
		t.Errorf("with a shared unionid: %s and %s", third.body, fourth.body)
	}
	if _, there := third.fields["is_snapshotuser"]; there {
		t.Errorf("with a hidden flag: %s", third.body)
	}
	info = e.get("/sns/userinfo", "access_token", third.text("access_token"), "openid", third.text("openid"))
	if info.code() != 48001 {
		t.Errorf("userinfo of a snapshot, switch = %s, want 48001", info.body)
	}

	answer := as("lihua")
	answer.Set(wechattest.AnswerHeader, string(wechattest.AnswerSnapshot))
	if a := e.exchange(e.login("snsapi_userinfo", answer)); a.text("openid") == e.OpenID(wechattest.StockAppID, "lihua") {
		t.Errorf("snapshot of an ordinary visitor = %s, want a virtual openid", a.body)
	}
	if a := e.exchange(e.login("snsapi_userinfo", as("lihua"))); a.text("openid") != e.OpenID(wechattest.StockAppID, "lihua") {
		t.Errorf("full login after it = %s, want the visitor's own openid", a.body)
	}
}

// Without a public URL the picture is at the host where the visitor's browser has
// reached the emulator, which may differ from the one that the site calls.
func TestPictureAtTheVisitorsHost(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	for _, visitor := range []string{"lihua", "snapshot"} {
		req := newRequest("http://phone.test:8080/connect/oauth2/authorize?" + changed("scope", userInfo))
		req.Header.Set(wechattest.VisitorHeader, visitor)
		res, err := e.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		grant := e.exchange(codeIn(t, answer{header: res.Header}))
		profile := e.get("/sns/userinfo", "access_token", grant.text("access_token"), "openid", grant.text("openid"))
		if got := profile.text("headimgurl"); !strings.HasPrefix(got, "http://phone.test:8080/mmopen/") {
			t.Errorf("headimgurl of %s = %q, want it at http://phone.test:8080", visitor, got)
		}
	}
}
