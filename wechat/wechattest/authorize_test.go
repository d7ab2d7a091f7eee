package wechattest_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// changed is a well-formed authorize query with some values replaced; a value
// "-" leaves the parameter out.
func changed(pairs ...string) string {
	list := []string{"appid", wechattest.StockAppID, "redirect_uri", site, "response_type", "code", "scope", "snsapi_base", "state", "s1"}
	for i := 0; i < len(pairs); i += 2 {
		at := slices.Index(list, pairs[i])
		switch {
		case at < 0:
			list = append(list, pairs[i], pairs[i+1])
		case pairs[i+1] == "-":
			list = slices.Delete(list, at, at+2)
		default:
			list[at+1] = pairs[i+1]
		}
	}
	return query(list...)
}

// cast returns an emulator with accounts of every kind and state.
func cast(t *testing.T, config wechattest.Config) *emulator {
	account := func(appID string, kind wechattest.Kind, change func(*wechattest.Account)) wechattest.Account {
		a := wechattest.Account{AppID: appID, Secret: "secret", Kind: kind, Verified: true, CallbackDomains: []string{"h5.example.cn", "wx.example.cn/mp"}}
		if change != nil {
			change(&a)
		}
		return a
	}
	config.Accounts = []wechattest.Account{
		wechattest.StockAccount(), wechattest.StockWebsite(),
		account("service", wechattest.KindService, nil),
		account("banned", wechattest.KindService, func(a *wechattest.Account) { a.Banned = true }),
		account("unverified", wechattest.KindService, func(a *wechattest.Account) { a.Verified = false }),
		account("subscription", wechattest.KindSubscription, nil),
		account("media", wechattest.KindSubscription, func(a *wechattest.Account) { a.GovernmentOrMedia = true }),
		account("small", wechattest.KindSubscription, func(a *wechattest.Account) { a.GovernmentOrMedia, a.Verified = true, false }),
	}
	config.Visitors = append(wechattest.StockVisitors(), wechattest.Visitor{ID: "bad", Banned: true})
	return newEmulator(t, config)
}

// TestAuthorizeOrder makes each request wrong in two ways. The page has to show the
// first of them, since the checks have a fixed order.
func TestAuthorizeOrder(t *testing.T) {
	t.Parallel()
	wechat := http.Header{"User-Agent": {wechattest.AgentAndroid}}
	asBad := http.Header{"User-Agent": {wechattest.AgentAndroid}, wechattest.VisitorHeader: {"bad"}}
	odd := wechattest.Switches{StrictOrder: true, WeChatOnly: true, RefuseOddState: true, TestNeedsFollow: true}
	for _, test := range []struct {
		name   string
		query  string
		header http.Header
		want   string // on the page
	}{
		{"1 order", "redirect_uri=x&appid=", nil, "out of the documented order: appid"},
		{"1 twice", changed("appid", "") + "&state=2", nil, "given twice: state"},
		{"1 letter case", "AppID=x", nil, "letter case counts"},
		{"2 other browser", changed("appid", ""), http.Header{"User-Agent": {wechattest.AgentChrome}}, "in WeChat"},
		{"2 WeCom without MicroMessenger", changed("appid", ""), http.Header{"User-Agent": {wechattest.AgentWeComMac}}, "in WeChat"},
		{"2 WeCom", changed("appid", ""), http.Header{"User-Agent": {wechattest.AgentWeComPhone}}, "in WeChat"},
		{"3 empty", changed("appid", "", "redirect_uri", ""), wechat, "10012"},
		{"3 missing", changed("appid", "-", "redirect_uri", ""), wechat, "10012"},
		{"3 unknown", changed("appid", "wx0", "redirect_uri", ""), wechat, "no account"},
		{"3 website", changed("appid", wechattest.StockWebsiteAppID, "redirect_uri", ""), wechat, "10016"},
		{"3 banned", changed("appid", "banned", "redirect_uri", ""), wechat, "10004"},
		{"4 empty", changed("redirect_uri", "", "response_type", "token"), wechat, "10011"},
		{"4 domain", changed("redirect_uri", "http://evil.cn/", "response_type", "token"), wechat, "10003"},
		{"5 response type", changed("response_type", "token", "scope", ""), wechat, "cannot be opened"},
		{"6 empty", changed("scope", "", "state", strings.Repeat("a", 129)), wechat, "10010"},
		{"6 unknown", changed("scope", "snsapi_login", "state", strings.Repeat("a", 129)), wechat, "10005"},
		{"6 unverified", changed("appid", "unverified", "redirect_uri", "https://h5.example.cn/", "state", strings.Repeat("a", 129)), wechat, "10005"},
		{"6 subscription", changed("appid", "subscription", "redirect_uri", "https://h5.example.cn/", "state", strings.Repeat("a", 129)), wechat, "10005"},
		{"6 unverified media", changed("appid", "small", "redirect_uri", "https://h5.example.cn/", "state", strings.Repeat("a", 129)), wechat, "10005"},
		{"7 media", changed("appid", "media", "redirect_uri", "https://h5.example.cn/", "state", strings.Repeat("a", 129)), wechat, "longer than 128"},
		{"6 platform", changed("component_appid", "wx1", "state", strings.Repeat("a", 129)), wechat, "10015"},
		{"7 long", changed("state", strings.Repeat("-", 129)), wechat, "longer than 128"},
		{"7 odd", changed("state", "a-b"), asBad, "letters and digits"},
		{"8 follow", changed(), asBad, "10006"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := cast(t, wechattest.Config{})
			e.SetSwitches(odd)
			header := test.header.Clone()
			if header == nil {
				header = http.Header{}
			}
			header.Set("Accept-Language", "en")
			a := e.do("GET", "/connect/oauth2/authorize?"+test.query, "", header)
			page := html.UnescapeString(a.body)
			if a.status < 400 || a.status > 499 || a.header.Get("Location") != "" || !strings.Contains(page, test.want) {
				t.Errorf("page for %s = %d %q, want 4xx and %q", test.query, a.status, heading(page), test.want)
			}
		})
	}

	t.Run("9 too often, before 10 banned", func(t *testing.T) {
		t.Parallel()
		e := cast(t, wechattest.Config{})
		e.SetLimit("/connect/oauth2/authorize", wechattest.Limit{PerMinute: 2})
		for i, want := range []string{"账号存在异常", "账号存在异常", "10009"} {
			a := e.do("GET", "/connect/oauth2/authorize?"+changed(), "", as("bad"))
			if !strings.Contains(a.body, want) {
				t.Errorf("request %d: page %q, want %q", i, heading(a.body), want)
			}
		}
		e.login("snsapi_base", nil) // other visitors are counted on their own
		e.Advance(time.Minute)
		if a := e.do("GET", "/connect/oauth2/authorize?"+changed(), "", as("bad")); strings.Contains(a.body, "10009") {
			t.Errorf("a minute later: page %q, want no 10009", heading(a.body))
		}
	})
}

func heading(page string) string {
	if m := regexp.MustCompile(`(?s)<h1>(.*?)</h1>`).FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return page[:min(len(page), 80)]
}

func TestStockProfileTakesAnyOrder(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	a := e.do("GET", "/connect/oauth2/authorize?"+query("appid", wechattest.StockAppID, "connect_redirect", "1",
		"redirect_uri", site, "response_type", "code", "scope", "snsapi_base", "state", "a-b"), "", nil)
	codeIn(t, a)
	warnings := e.Requests()[0].Warnings
	if len(warnings) != 2 || !strings.Contains(warnings[0], "order") || !strings.Contains(warnings[1], "state") {
		t.Errorf("warnings = %q, want one about the order and one about the state", warnings)
	}
	if got := a.header.Get("Location"); !strings.HasSuffix(got, "&state=ab") {
		t.Errorf("Location = %q, want a mangled state", got)
	}
	e.ClearRequests()
	codeIn(t, e.do("GET", "/connect/oauth2/authorize?"+changed("connect_redirect", "1"), "", nil))
	if warnings := e.Requests()[0].Warnings; len(warnings) != 0 {
		t.Errorf("warnings for the documented order = %q, want none", warnings)
	}
}

func TestStrictProfile(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Strict: true})
	for _, extra := range []string{"", "&connect_redirect=1", "&forcePopup=true&connect_redirect=1"} {
		codeIn(t, e.do("GET", "/connect/oauth2/authorize?"+changed()+extra, "", http.Header{"User-Agent": {wechattest.AgentIOS}}))
	}
}

func TestCallbackDomains(t *testing.T) {
	t.Parallel()
	e := cast(t, wechattest.Config{})
	for _, test := range []struct {
		appID, address string
		want           bool
	}{
		{"service", "http://h5.example.cn", true},
		{"service", "https://h5.example.cn/a/b?c=d#e", true},
		{"service", "https://H5.Example.CN/", true},
		{"service", "https://h5.example.cn:443/", false},
		{"service", "https://www.h5.example.cn/", false},
		{"service", "https://example.cn/", false},
		{"service", "https://h5.example.cn.evil.cn/", false},
		{"service", "https://h5.example.cn@evil.cn/", false},
		{"service", "https://u@h5.example.cn/", false},
		{"service", "//h5.example.cn/", false},
		{"service", "/callback", false},
		{"service", "javascript://h5.example.cn/", false},
		{"service", "https://192.0.2.1/", false},
		{"service", "https://wx.example.cn/mp", true},
		{"service", "https://wx.example.cn/mp/callback", true},
		{"service", "https://wx.example.cn/mpx", false},
		{"service", "https://wx.example.cn/mp/../x", false},
		{"service", "https://wx.example.cn/", false},
		{wechattest.StockAppID, "http://127.0.0.1:1/", true},
		{wechattest.StockAppID, "http://localhost/", true},
		{wechattest.StockAppID, "http://[::1]:8080/", true},
		{wechattest.StockAppID, "http://192.0.2.1/", false},
	} {
		a := e.do("GET", "/connect/oauth2/authorize?"+changed("appid", test.appID, "redirect_uri", test.address), "", nil)
		if got := a.status == 302; got != test.want || !got && !strings.Contains(a.body, "10003") {
			t.Errorf("redirect_uri %q of %s: allowed = %t, want %t", test.address, test.appID, got, test.want)
		}
	}
}

func TestJoining(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, redirectURI, state, want string
		switches                       wechattest.Switches
	}{
		{name: "no query", redirectURI: "http://localhost/cb", state: "s1", want: "http://localhost/cb?code=C&state=s1"},
		{name: "bare host", redirectURI: "http://localhost", state: "s1", want: "http://localhost/?code=C&state=s1"},
		{name: "bare host, query", redirectURI: "http://localhost?a=b", state: "s1", want: "http://localhost/?a=b&code=C&state=s1"},
		{name: "query", redirectURI: "http://localhost/cb?a=b", state: "s1", want: "http://localhost/cb?a=b&code=C&state=s1"},
		{name: "empty query", redirectURI: "http://localhost/cb?", state: "s1", want: "http://localhost/cb?code=C&state=s1"},
		{name: "fragment", redirectURI: "http://localhost/#/route", state: "s1", want: "http://localhost/?code=C&state=s1#/route"},
		{name: "bare host, fragment", redirectURI: "http://localhost#/route", state: "s1", want: "http://localhost/?code=C&state=s1#/route"},
		{name: "nested", redirectURI: "http://localhost/?to=http%3A%2F%2Fa%2F%3Fb%3Dc%26d", state: "s1",
			want: "http://localhost/?to=http%3A%2F%2Fa%2F%3Fb%3Dc%26d&code=C&state=s1"},
		{name: "bytes kept", redirectURI: "http://localhost/a+b?x=1+2&x=%2B&y", state: "s1", want: "http://localhost/a+b?x=1+2&x=%2B&y&code=C&state=s1"},
		{name: "escaped once only", redirectURI: "http://localhost/?name=李 华", state: "s1",
			want: "http://localhost/?name=%E6%9D%8E%20%E5%8D%8E&code=C&state=s1"},
		{name: "empty state", redirectURI: "http://localhost/", state: "", want: "http://localhost/?code=C&state="},
		{name: "no state", redirectURI: "http://localhost/", state: "-", want: "http://localhost/?code=C&state="},
		{name: "no state, switch", redirectURI: "http://localhost/", state: "-", want: "http://localhost/?code=C",
			switches: wechattest.Switches{OmitAbsentState: true}},
		{name: "openId, switch", redirectURI: "http://localhost/?openId=1&openid=2", state: "s1", want: "http://localhost/?openid=2&code=C&state=s1",
			switches: wechattest.Switches{DropOpenIDInQuery: true}},
		{name: "state of JSON", redirectURI: "http://localhost/", state: `{"a":1}`, want: "http://localhost/?code=C&state=a1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := newEmulator(t, wechattest.Config{})
			e.SetSwitches(test.switches)
			a := e.do("GET", "/connect/oauth2/authorize?"+changed("redirect_uri", test.redirectURI, "state", test.state), "", nil)
			got := strings.Replace(a.header.Get("Location"), codeIn(t, a), "C", 1)
			if got != test.want {
				t.Errorf("Location for %q = %q, want %q", test.redirectURI, got, test.want)
			}
			if a.status != 302 || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("answer %d, Cache-Control %q, want 302 and no-store", a.status, a.header.Get("Cache-Control"))
			}
		})
	}
}

func FuzzCallback(f *testing.F) {
	for _, seed := range []string{site, "http://localhost", "http://localhost\r\nX: y", "http://localhost#?", "//localhost", "http://localhost/\x00"} {
		f.Add(seed, "state")
	}
	e, err := wechattest.New(wechattest.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, redirectURI, state string) {
		a := (&emulator{e, t}).do("GET", "/connect/oauth2/authorize?"+changed("redirect_uri", redirectURI, "state", state), "", nil)
		location := a.header.Get("Location")
		if location == "" {
			return
		}
		u, err := url.Parse(location)
		if err != nil || !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, strings.ToLower(u.Hostname())) {
			t.Errorf("redirect_uri %q led to %q (%v), which is not in the account's domains", redirectURI, location, err)
		}
		if strings.ContainsAny(location, "\r\n \"<>") {
			t.Errorf("redirect_uri %q led to %q, which may not stand in a header", redirectURI, location)
		}
		if _, err := url.ParseQuery(u.RawQuery); err == nil && !slices.ContainsFunc(u.Query()["code"], func(code string) bool { return len(code) == 32 }) {
			t.Errorf("redirect_uri %q led to %q, without a code", redirectURI, location)
		}
	})
}

func TestHeadMakesNoCode(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	e.SetSwitches(wechattest.Switches{PreviousCode: true})
	first := e.login("snsapi_base", nil)
	e.SetSwitches(wechattest.Switches{})
	if a := e.do("HEAD", "/connect/oauth2/authorize?"+changed(), "", nil); a.status != 200 || a.header.Get("Location") != "" {
		t.Errorf("HEAD = %d to %q, want 200 and no redirect", a.status, a.header.Get("Location"))
	}
	e.SetSwitches(wechattest.Switches{PreviousCode: true})
	if again := e.login("snsapi_base", nil); again != first {
		t.Errorf("after HEAD the previous code is %q, want still %q", again, first)
	}
}

func TestPreviousCodeEnds(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	e.SetSwitches(wechattest.Switches{PreviousCode: true})
	first := e.login("snsapi_base", nil)
	if other := e.login("snsapi_base", as("tom")); other == first {
		t.Error("another visitor got the same code")
	}
	e.Advance(5*time.Minute + time.Second)
	if again := e.login("snsapi_base", nil); again == first {
		t.Error("an expired code was given again")
	}
}
