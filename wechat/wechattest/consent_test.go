package wechattest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

const userInfo = "snsapi_userinfo"

// openAuthorize opens the authorize page with some values replaced.
func (e *emulator) openAuthorize(header http.Header, pairs ...string) answer {
	e.t.Helper()
	return e.do("GET", "/connect/oauth2/authorize?"+changed(pairs...), "", header)
}

var (
	hiddenID      = regexp.MustCompile(`name="id" value="([^"]+)"`)
	hiddenVisitor = regexp.MustCompile(`type="hidden" name="visitor" value="([^"]+)"`)
	actionHook    = regexp.MustCompile(`data-action="([^"]+)"`)
	visitorHook   = regexp.MustCompile(`data-visitor="([^"]+)"`)
)

func hooks(hook *regexp.Regexp, page string) []string {
	var list []string
	for _, m := range hook.FindAllStringSubmatch(page, -1) {
		list = append(list, m[1])
	}
	return list
}

// press presses a button of a page.
func (e *emulator) press(page answer, name, value string) answer {
	e.t.Helper()
	id := hiddenID.FindStringSubmatch(page.body)
	if id == nil {
		e.t.Fatalf("page %q has no form", heading(page.body))
	}
	form := url.Values{"id": {id[1]}, name: {value}}
	if v := hiddenVisitor.FindStringSubmatch(page.body); v != nil && name == "action" {
		form.Set("visitor", v[1])
	}
	return e.post("/connect/confirm", form.Encode())
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Answer: wechattest.AnswerAsk})
	codeIn(t, e.openAuthorize(nil)) // snsapi_base never asks
	page := e.openAuthorize(as("wangfang"), "scope", userInfo)
	if got, want := hooks(actionHook, page.body), []string{"agree", "decline-silent", "decline", "snapshot"}; !slices.Equal(got, want) || !strings.Contains(page.body, "王芳") {
		t.Errorf("actions = %q for %q, want %q", got, page.body, want)
	}
	if a := e.press(page, "action", "decline-silent"); a.status != 200 || !strings.Contains(a.body, "data-declined") {
		t.Errorf("silent decline = %d %q, want the page that says so", a.status, a.header.Get("Location"))
	}
	if a := e.press(page, "action", "decline"); a.header.Get("Location") != site+"?state=s1" {
		t.Errorf("decline = %d %q, want back with state alone", a.status, a.header.Get("Location"))
	}
	if a := e.exchange(codeIn(t, e.press(page, "action", "snapshot"))); a.fields["is_snapshotuser"] != 1.0 {
		t.Errorf("snapshot = %s, want the flag", a.body)
	}
	if a := e.exchange(codeIn(t, e.press(page, "action", "agree"))); a.text("openid") != e.OpenID(wechattest.StockAppID, "wangfang") {
		t.Errorf("agree = %s, want the visitor's openid", a.body)
	}
	if a := e.post("/connect/confirm", "id=x&action=agree"); a.status != 400 {
		t.Errorf("unknown page = %d, want 400", a.status)
	}
}

func TestSilentRule(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Answer: wechattest.AnswerAsk, Clock: still})
	silent := func(name string, want bool, pairs ...string) {
		t.Helper()
		if a := e.openAuthorize(nil, pairs...); (a.status == 302) != want {
			t.Errorf("%s: status %d, want silent = %t", name, a.status, want)
		}
	}
	silent("popup does not make snsapi_base ask", true, "forcePopup", "true")
	silent("first time", false, "scope", userInfo)
	codeIn(t, e.press(e.openAuthorize(nil, "scope", userInfo), "action", "agree"))
	silent("recent consent", true, "scope", userInfo)
	silent("recent consent, popup forced", false, "scope", userInfo, "forcePopup", "true")
	silent("recent consent, snapshot forced", true, "scope", userInfo, "forceSnapShot", "true")
	e.Advance(time.Hour)
	silent("consent of an hour ago", false, "scope", userInfo)
	if err := e.SetVisitor(wechattest.Visitor{ID: "lihua", FromMenu: true}); err != nil {
		t.Fatal(err)
	}
	silent("from the menu, not following", false, "scope", userInfo)
	e.SetFollows(wechattest.StockAppID, "lihua", true)
	silent("follower from the menu", true, "scope", userInfo, "forcePopup", "true", "forceSnapShot", "true")
}

func TestForcedSnapshot(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	a := e.openAuthorize(nil, "scope", userInfo, "forceSnapShot", "true")
	if got := e.exchange(codeIn(t, a)); got.fields["is_snapshotuser"] != 1.0 {
		t.Errorf("forced snapshot = %s, want the flag", got.body)
	}
	e.SetAnswer(wechattest.AnswerAsk)
	page := e.openAuthorize(nil, "scope", userInfo, "forceSnapShot", "true")
	if got := hooks(actionHook, page.body); !slices.Equal(got, []string{"full", "snapshot"}) {
		t.Fatalf("actions of the snapshot page = %q, want full and snapshot", got)
	}
	consent := e.press(page, "action", "full")
	if got := e.exchange(codeIn(t, e.press(consent, "action", "agree"))); got.fields["is_snapshotuser"] != nil {
		t.Errorf("full service = %s, want no flag", got.body)
	}
}

func TestAutomaticAnswers(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	for _, test := range []struct {
		answer   wechattest.Answer
		location string // C stands for a code
	}{
		{wechattest.AnswerAgree, site + "?code=C&state=s1"},
		{wechattest.AnswerSnapshot, site + "?code=C&state=s1"},
		{wechattest.AnswerDecline, ""},
		{wechattest.AnswerDeclineRedirect, site + "?state=s1"},
	} {
		e.SetAnswer(test.answer)
		for _, scope := range []string{"snsapi_base", userInfo} {
			got := e.openAuthorize(nil, "scope", scope).header.Get("Location")
			got = regexp.MustCompile(`code=\w{32}`).ReplaceAllString(got, "code=C")
			if got != test.location {
				t.Errorf("answer %q to %s: Location = %q, want %q", test.answer, scope, got, test.location)
			}
		}
	}
	e.SetAnswer(wechattest.AnswerAgree)
	e.HoldPhone("alice")
	if a := e.exchange(e.login("snsapi_base", nil)); a.text("openid") != e.OpenID(wechattest.StockAppID, "alice") {
		t.Errorf("with the phone held by alice: %s", a.body)
	}
	e.HoldPhone("nobody")
	if a := e.openAuthorize(http.Header{"Accept-Language": {"en"}}); !strings.Contains(a.body, "nobody holds the phone") {
		t.Errorf("with the phone held by nobody: %q", heading(a.body))
	}
}

func TestChooseVisitor(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{
		ChooseVisitor: true,
		Visitors:      append(wechattest.StockVisitors(), wechattest.Visitor{ID: "bad", Nickname: `<b>"&`, Banned: true}),
	})
	page := e.openAuthorize(nil)
	want := []string{"lihua", "wangfang", "alice", "xiaomei", "tom", "snapshot", "bad"}
	if got := hooks(visitorHook, page.body); !slices.Equal(got, want) {
		t.Errorf("visitors = %q, want %q", got, want)
	}
	if got := hooks(actionHook, page.body); !slices.Equal(got, []string{"decline", "decline-silent"}) {
		t.Errorf("actions = %q, want both declines", got)
	}
	if strings.Contains(page.body, "<b>") {
		t.Error("a nickname is not escaped")
	}
	if a := e.exchange(codeIn(t, e.press(page, "visitor", "tom"))); a.text("openid") != e.OpenID(wechattest.StockAppID, "tom") {
		t.Errorf("chosen tom: %s", a.body)
	}
	if a := e.exchange(codeIn(t, e.press(page, "visitor", "snapshot"))); a.fields["is_snapshotuser"] != 1.0 {
		t.Errorf("chosen the snapshot visitor: %s", a.body)
	}
	if a := e.press(page, "visitor", "bad"); a.status != 403 || !strings.Contains(a.body, "账号存在异常") {
		t.Errorf("chosen a banned visitor: %d %q", a.status, heading(a.body))
	}
	if a := e.press(page, "visitor", "x"); a.status != 400 {
		t.Errorf("chosen an unknown visitor: %d, want 400", a.status)
	}
	codeIn(t, e.openAuthorize(as("alice"))) // no page for the visitor in the header
}

func TestScanLogin(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	scan := func(header http.Header, pairs ...string) answer {
		return e.do("GET", "/connect/qrconnect?"+changed(append([]string{"appid", wechattest.StockWebsiteAppID, "scope", "snsapi_login"}, pairs...)...), "", header)
	}
	exchange := func(code string) answer {
		return e.get("/sns/oauth2/access_token", "appid", wechattest.StockWebsiteAppID, "secret", wechattest.StockWebsiteAppSecret,
			"code", code, "grant_type", "authorization_code")
	}
	for _, test := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"no appid", []string{"appid", ""}, "10012"},
		{"an account's appid", []string{"appid", wechattest.StockAppID}, "website application"},
		{"no redirect_uri", []string{"redirect_uri", "", "scope", ""}, "10011"},
		{"domain", []string{"redirect_uri", "http://evil.cn", "scope", ""}, "10003"},
		{"response type", []string{"response_type", "token", "scope", ""}, "cannot be opened"},
		{"no scope", []string{"scope", ""}, "10010"},
		{"scope", []string{"scope", "snsapi_base", "state", strings.Repeat("a", 129)}, "10005"},
		{"state", []string{"state", strings.Repeat("a", 129)}, "128"},
	} {
		if a := scan(http.Header{"Accept-Language": {"en"}}, test.pairs...); a.status != 400 || !strings.Contains(a.body, test.want) {
			t.Errorf("%s: %d %q, want %q", test.name, a.status, heading(a.body), test.want)
		}
	}
	a := exchange(codeIn(t, scan(nil)))
	if a.text("openid") != e.OpenID(wechattest.StockWebsiteAppID, "lihua") || a.text("unionid") != e.UnionID(wechattest.StockAppID, "lihua") || a.text("scope") != "snsapi_login" {
		t.Errorf("scan login = %s, want the application's openid and the shared unionid", a.body)
	}
	if info := e.get("/sns/userinfo", "access_token", a.text("access_token"), "openid", a.text("openid")); info.text("nickname") != "李华" {
		t.Errorf("userinfo = %s, want 李华", info.body)
	}
	code := codeIn(t, scan(nil))
	e.Advance(9 * time.Minute)
	if a := exchange(code); a.code() != 0 {
		t.Errorf("code after nine minutes = %s, want success", a.body)
	}
	code = codeIn(t, scan(nil))
	e.Advance(10*time.Minute + time.Second)
	if a := exchange(code); a.code() != 40029 {
		t.Errorf("code after ten minutes = %s, want 40029", a.body)
	}

	e.SetAnswer(wechattest.AnswerAsk)
	page := scan(nil)
	if got := hooks(actionHook, page.body); !slices.Equal(got, []string{"scan", "cancel", "decline"}) {
		t.Fatalf("actions = %q, want scan, cancel and decline", got)
	}
	codeIn(t, e.press(page, "action", "scan"))
	if a := e.press(page, "action", "cancel"); a.status != 200 || a.header.Get("Location") != "" {
		t.Errorf("cancel = %d %q, want no redirect", a.status, a.header.Get("Location"))
	}
	if a := e.press(page, "action", "decline"); a.header.Get("Location") != site+"?state=s1" {
		t.Errorf("decline = %q, want state alone", a.header.Get("Location"))
	}
}
