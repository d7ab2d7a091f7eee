package pages

import (
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pageTexts returns the texts of a page, from the title to the footer.
func pageTexts(w *httptest.ResponseRecorder) []string {
	body := scriptElement.ReplaceAllLiteralString(styleElement.ReplaceAllLiteralString(w.Body.String(), ""), "")
	var texts []string
	for _, found := range textBetween.FindAllString(body, -1) {
		if text := strings.TrimSpace(strings.Trim(found, "<>")); text != "" {
			texts = append(texts, strings.ReplaceAll(text, "&#39;", "'"))
		}
	}
	return texts
}

// wordings are texts that the pages have.
var wordings = []struct {
	golden, language string
	want             []string
}{
	{"not-found", "zh-CN", []string{"页面不存在", "链接可能有误，或页面已被删除。", "返回首页"}},
	{"sign-out", "zh-CN", []string{"确定要退出登录？", "退出后，下次访问需要重新登录。", "退出登录", "取消"}},
	{"declined", "zh-CN", []string{"登录已取消", "登录后才能继续使用。", "如果是误操作，请重新登录，并点击「允许」。", "重新登录"}},
	{"misconfigured", "zh-CN", []string{"暂时无法登录", "网站的微信登录配置有误，不是你的操作问题。", "请稍后再试，或联系网站管理员并提供下方编号。"}},
	{"wechat-away", "zh-CN", []string{"微信暂时无响应", "登录需要微信授权，但微信目前没有响应，通常很快恢复。"}},
	{"too-many", "zh-CN", []string{"登录过于频繁", "你所在的网络短时间内登录次数过多。"}},
	{"forbidden", "zh-CN", []string{"你没有访问权限。"}},
	{"unknown-site", "zh-CN", []string{"网站不存在", "请检查地址是否正确，或从公众号菜单重新进入。"}},
	{"open-in-wechat", "zh-CN", []string{"在电脑上：用手机微信「扫一扫」扫描下方二维码。"}},
	{"follow", "zh-CN", []string{"关注后返回本页即可继续，无需重新登录。", "我已关注，继续"}},
	{"follow-no-picture", "zh-CN", []string{"关注后返回本页即可继续，无需重新登录。"}},
	{"misconfigured", "en", []string{"WeChat sign-in isn't working on this site"}},
	{"follow", "en", []string{"I've followed, continue"}},
	{"follow-no-picture", "en", []string{"I've followed, continue"}},
}

func TestPagesWordings(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	for _, test := range wordings {
		for _, c := range pageCases {
			if c.golden != test.golden {
				continue
			}
			texts := pageTexts(showPage(t, p, c.status, c.page, test.language, c.data))
			for _, want := range test.want {
				if !slices.Contains(texts, want) {
					t.Errorf("%s.%s says %q, want %q among them", c.golden, test.language, texts, want)
				}
			}
		}
	}
}

// friendly are the pages that invite the visitor to do something and tell of no
// failure.
var friendly = []Name{Declined, Follow, Unauthorized, Snapshot, OpenInWeChat, SignOut, SignedOut}

// The reference is for failures, which the operator can look up. A lost form is one.
func TestPagesReferenceOfFailuresOnly(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	for _, c := range pageCases {
		data := c.data
		data.RequestID = testRequestID
		for language, before := range map[string]string{"zh-CN": "如需反馈，请提供编号：", "en": "Reference for support: "} {
			body := showPage(t, p, c.status, c.page, language, data).Body.String()
			want := !slices.Contains(friendly, c.page) && !data.OutsideWeChat || data.Form
			if got := strings.Contains(body, testRequestID); got != want {
				t.Errorf("%s.%s has a reference: %t, want %t", c.golden, language, got, want)
			}
			if want && !strings.Contains(body, before+testRequestID) {
				t.Errorf("%s.%s: no %q before the reference", c.golden, language, before)
			}
		}
	}
}

// No page says what wxgate does not know or has not done.
func TestPagesSayWhatIsSo(t *testing.T) {
	t.Parallel()
	untrue := regexp.MustCompile(`has been reported|已经?报告|keeps no cookies|没有保存 Cookie</(h1|title)`)
	eachPage(t, func(t *testing.T, name string, w *httptest.ResponseRecorder) {
		if found := untrue.FindString(w.Body.String()); found != "" {
			t.Errorf("page says %q", found)
		}
		for _, word := range []string{"您", "登陆", "帐号", "回应", "Please go on"} {
			if strings.Contains(w.Body.String(), word) {
				t.Errorf("page says %q", word)
			}
		}
	})
	p := testPages(t)
	for _, language := range pageLanguages {
		body := showPage(t, p, 400, Restart, language, Data{LoginURL: "/login", NoCookies: true}).Body.String()
		if !strings.Contains(body, "ookie") {
			t.Errorf("%s: the page without cookies does not mention them", language)
		}
	}
}

// A visitor who is kept out because of the browser is told that WeChat opens the
// page.
func TestPageForbiddenOutsideWeChat(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	for language, want := range map[string]string{"zh-CN": "请在微信中打开", "en": "Please open this in WeChat"} {
		texts := pageTexts(showPage(t, p, 403, Forbidden, language, Data{RequestID: testRequestID, OutsideWeChat: true}))
		if !slices.Contains(texts, want) {
			t.Errorf("outside WeChat the page says %q, want %q", texts, want)
		}
		texts = pageTexts(showPage(t, p, 403, Forbidden, language, Data{}))
		if slices.Contains(texts, want) {
			t.Errorf("in WeChat the page says %q", texts)
		}
	}
}

// On a phone nothing can scan the screen: the address comes before the QR code.
func TestPageOpenInWeChatPhoneFirst(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	for _, language := range pageLanguages {
		body := showPage(t, p, 200, OpenInWeChat, language, Data{Address: testAddress}).Body.String()
		last := 0
		for _, part := range []string{`id="address"`, `id="copy"`, `<svg width=`} {
			at := strings.Index(body, part)
			if at < last {
				t.Errorf("%s: %s is at %d, want it behind %d", language, part, at, last)
			}
			last = at
		}
	}
}
