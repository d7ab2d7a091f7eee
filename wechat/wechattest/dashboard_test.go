package wechattest_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

var languages = []string{"zh-CN", "en"}

// in asks for pages in a language.
func in(language string) http.Header { return http.Header{"Accept-Language": {language}} }

var (
	han          = regexp.MustCompile(`\p{Han}+`)
	styleElement = regexp.MustCompile(`(?s)<style>.*?</style>`)
	switchRow    = regexp.MustCompile(`(?s)<code>(\w+)</code>\s*<span class="soft">([^<]*)</span>`)
)

// Each switch has a sentence in the language of the page.
func TestDashboardExplainsSwitches(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	var switches map[string]bool
	if err := json.Unmarshal([]byte(e.get("/_emulator/switches").body), &switches); err != nil {
		t.Fatal(err)
	}
	for _, language := range languages {
		page := e.do("GET", "/_emulator/", "", in(language)).body
		sentences := map[string]string{}
		for _, row := range switchRow.FindAllStringSubmatch(page, -1) {
			sentences[row[1]] = html.UnescapeString(row[2])
		}
		for name := range switches {
			sentence := sentences[name]
			if len(sentence) < 10 || han.MatchString(sentence) != (language == "zh-CN") {
				t.Errorf("%s: switch %s has the sentence %q, want one in this language", language, name, sentence)
			}
		}
		if len(sentences) != len(switches) {
			t.Errorf("%s: %d sentences for %d switches", language, len(sentences), len(switches))
		}
	}
}

// English pages are in English, names of the stock account and visitors included.
func TestEnglishPages(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*emulator) answer{
		"dashboard": func(e *emulator) answer { return e.do("GET", "/_emulator/", "", in("en")) },
		"jssdk":     func(e *emulator) answer { return e.do("GET", "/_emulator/jssdk", "", in("en")) },
		"consent":   func(e *emulator) answer { return e.openAuthorize(in("en"), "scope", userInfo) },
		"snapshot": func(e *emulator) answer {
			e.HoldPhone("snapshot")
			return e.openAuthorize(in("en"), "scope", userInfo)
		},
		"scan": func(e *emulator) answer {
			query := changed("appid", wechattest.StockWebsiteAppID, "scope", "snsapi_login")
			return e.do("GET", "/connect/qrconnect?"+query, "", in("en"))
		},
		"error": func(e *emulator) answer { return e.openAuthorize(in("en"), "scope", "x") },
		"declined": func(e *emulator) answer {
			e.SetAnswer(wechattest.AnswerDecline)
			return e.openAuthorize(in("en"), "scope", userInfo)
		},
	} {
		page := open(newEmulator(t, wechattest.Config{Answer: wechattest.AnswerAsk}))
		if found := han.FindAllString(styleElement.ReplaceAllLiteralString(page.body, ""), -1); found != nil {
			t.Errorf("English page %s says %q", name, found)
		}
		if found := heading(page.body); found == "" || strings.HasPrefix(found, "<") {
			t.Errorf("English page %s has no heading", name)
		}
	}
	e := newEmulator(t, wechattest.Config{ChooseVisitor: true})
	page := e.openAuthorize(in("en")).body
	for _, want := range []string{
		"Who do you want to be?", "Li Hua", "Wang Fang", "Xiaomei🌸✨", "Snapshot visitor", "Test account",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("English page lacks %q", want)
		}
	}
	if found := han.FindAllString(styleElement.ReplaceAllLiteralString(page, ""), -1); found != nil {
		t.Errorf("English page says %q", found)
	}
	page = e.openAuthorize(in("zh-CN")).body
	for _, want := range []string{
		"以谁的身份登录？", "李华", "王芳", "张爱丽", "小美🌸✨", "汤姆", "快照访客", "测试公众号",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("Chinese page lacks %q", want)
		}
	}
	page += e.do("GET", "/_emulator/", "", in("zh-CN")).body
	for _, english := range []string{"Alice", "Zhang", "Tom", "Brown"} {
		if strings.Contains(page, english) {
			t.Errorf("Chinese pages say %q", english)
		}
	}
}

// The log on the page is folded, entry by entry, and has an end.
func TestDashboardLogIsBounded(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	for i := range 200 {
		e.get("/sns/auth", "n", fmt.Sprintf("<%d>", i))
	}
	e.post("/sns/auth", strings.Repeat("x", 8000))
	page := e.get("/_emulator/").body
	if n := strings.Count(page, `<details class="request`); n != 50 {
		t.Errorf("the page shows %d requests, want 50", n)
	}
	if strings.Contains(page, "&lt;100&gt;") || !strings.Contains(page, "&lt;199&gt;") {
		t.Error("the page does not show the newest requests")
	}
	if strings.Contains(page, strings.Repeat("x", 2001)) {
		t.Error("the page shows a long body whole")
	}
	if !strings.Contains(page, "201") {
		t.Error("the page does not say how many requests there are")
	}
}

// Faults and the log are lists of the control API: GET shows one, DELETE empties it.
func TestControlDelete(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	e.post("/_emulator/faults", `{"path":"/sns/auth","mode":"errcode","code":40029,"times":-1}`)
	if a := e.get("/_emulator/faults"); a.status != 200 || !strings.Contains(a.body, `"code":40029`) {
		t.Errorf("GET faults = %d %s, want the fault", a.status, a.body)
	}
	e.get("/sns/auth")
	for _, name := range []string{"faults", "requests"} {
		for _, origin := range []string{"http://evil.cn", "null"} {
			if a := e.do("DELETE", "/_emulator/"+name, "", http.Header{"Origin": {origin}}); a.status != 403 {
				t.Errorf("DELETE %s from %s = %d, want 403", name, origin, a.status)
			}
		}
		if a := e.do("DELETE", "/_emulator/"+name, "", nil); a.status != 200 || a.body != "{\"ok\":true}\n" {
			t.Errorf("DELETE %s = %d %s, want ok", name, a.status, a.body)
		}
	}
	if faults, requests := len(e.Faults()), len(e.Requests()); faults != 0 || requests != 0 {
		t.Errorf("%d faults and %d requests are left, want none", faults, requests)
	}
	if a := e.get("/_emulator/faults"); a.body != "[]\n" {
		t.Errorf("GET faults without any = %s, want []", a.body)
	}
}

// People follow and stop to follow on the page.
func TestDashboardFollow(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	page := e.do("GET", "/_emulator/", "", in("en")).body
	form := regexp.MustCompile(`(?s)<form method="post" action="/_emulator/follows">(.*?)</form>`)
	for _, found := range form.FindAllStringSubmatch(page, -1) {
		if strings.Contains(found[1], `value="tom"`) && strings.Contains(found[1], `name="follows" value="true"`) {
			e.do("POST", "/_emulator/follows", "appid="+wechattest.StockAppID+"&visitor=tom&follows=true",
				http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
			if follows := e.Visitors()[4].FollowerOf; len(follows) != 1 {
				t.Errorf("tom follows %q, want the account", follows)
			}
			return
		}
	}
	t.Errorf("no button makes tom follow:\n%s", page)
}

// A form with a mistake in it is answered with a page.
func TestDashboardFormMistake(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	a := e.do("POST", "/_emulator/faults", "mode=hang&times=often", header)
	if a.status != 400 || !strings.Contains(a.body, "<h1>") || !strings.Contains(a.body, "times: want a whole number") {
		t.Errorf("form with a mistake = %d %s, want a page that says so", a.status, a.body)
	}
}

// A visitor who declines is told so: WeChat's own client would close the page.
func TestDeclinedPage(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{"zh-CN": "已拒绝授权", "en": "You declined"} {
		e := newEmulator(t, wechattest.Config{Answer: wechattest.AnswerDecline})
		a := e.openAuthorize(in(language), "scope", userInfo)
		if a.status != 200 || heading(a.body) != want || a.header.Get("Location") != "" {
			t.Errorf("%s: declined = %d %q, want %q", language, a.status, heading(a.body), want)
		}
	}
}

// The pages have WeUI's colours, as the gateway's.
func TestPagesLook(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Answer: wechattest.AnswerAsk})
	page := e.openAuthorize(nil, "scope", userInfo).body
	light, dark, _ := strings.Cut(styleElement.FindString(page), "@media (prefers-color-scheme: dark)")
	for in, wants := range map[string][]string{
		light: {"--green: #07c160", "--on-green: #fff", "--link: #576b95", "--warn: #fa5151"},
		dark:  {"--link: #7d90a9"},
		page:  {`<div class="answers">`},
	} {
		for _, want := range wants {
			if !strings.Contains(in, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
	}
}
