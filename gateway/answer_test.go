package gateway_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// An answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

// readAnswer reads a response to its end.
func readAnswer(t testing.TB, res *http.Response) *answer {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return &answer{res, string(body)}
}

// answerOf is the last answer that led to a page.
func answerOf(page *wechattest.Page) *answer {
	return &answer{&http.Response{StatusCode: page.Status, Header: page.Header}, page.Body}
}

func (a *answer) location() string { return a.Header.Get("Location") }

// cookies are the Set-Cookie headers whose name begins with prefix.
func (a *answer) cookies(prefix string) []*http.Cookie {
	return slices.DeleteFunc(a.Cookies(), func(c *http.Cookie) bool { return !strings.HasPrefix(c.Name, prefix) })
}

// sessionCookie returns the value of the session cookie that the answer sets,
// or "".
func (a *answer) sessionCookie() string {
	for _, c := range a.Cookies() {
		if c.Name == rigCookie {
			return c.Value
		}
	}
	return ""
}

// A refusal is the JSON body of a refused request.
type refusal struct {
	Error     string `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
	LoginURL  string `json:"login_url"`
}

// refusalOf returns the refusal that an answer holds.
func refusalOf(t testing.TB, a *answer) refusal {
	t.Helper()
	var f refusal
	if err := json.Unmarshal([]byte(a.body), &f); err != nil || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("answer %d %s %q is no refusal in JSON: %v", a.StatusCode, a.Header.Get("Content-Type"), a.body, err)
	}
	return f
}

// wantRefusal checks the status and the error word of a refusal in JSON.
func wantRefusal(t *testing.T, a *answer, status int, word string) {
	t.Helper()
	f := refusalOf(t, a)
	if a.StatusCode != status || f.Error != word {
		t.Errorf("answer %d %q, want %d with the error %q", a.StatusCode, a.body, status, word)
	}
	if f.Message == "" || f.RequestID == "" {
		t.Errorf("refusal %q lacks a message or a request id", a.body)
	}
}

// The headings of the gateway's pages.
const (
	headingRestart       = "请重新登录"
	headingNoCookies     = "登录未完成"
	headingDeclined      = "登录已取消"
	headingCodeRefused   = "登录未成功"
	headingWeChatAway    = "微信暂时无响应"
	headingMisconfigured = "暂时无法登录"
	headingForbidden     = "无法访问"
	headingSnapshot      = "请使用完整服务"
	headingFollow        = "请先关注公众号"
	headingSignOut       = "确定要退出登录？"
	headingSignedOut     = "已退出登录"
	headingTooMany       = "登录过于频繁"
	headingBadRequest    = "请求有误"
	headingUpstreamDown  = "网站暂时无法访问"
	headingTooLarge      = "内容过大"
	headingMethod        = "无法直接打开"
	headingUnauthorized  = "请先登录"

	headingFormUnauthorized = "登录已失效"
)

var (
	headingElement = regexp.MustCompile(`<h1>.*</h1>`)
	buttonLink     = regexp.MustCompile(`<a class="button" href="([^"]*)">`)
)

// wantPage checks that an answer is the page with the heading.
func wantPage(t *testing.T, a *answer, status int, heading string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, "<h1>"+heading+"</h1>") {
		t.Errorf("status %d, heading %q, want %d, %q", a.StatusCode, headingElement.FindString(a.body), status, heading)
	}
}

// wantRedirect checks that an answer is a 302 to location.
func wantRedirect(t *testing.T, a *answer, location string) {
	t.Helper()
	if a.StatusCode != http.StatusFound || a.location() != location {
		t.Errorf("status %d to %q, want 302 to %q", a.StatusCode, a.location(), location)
	}
}

// withFragment returns an address with a fragment, empty unless it has one. A
// redirect back to the site must not inherit #wechat_redirect.
func withFragment(address string) string {
	if strings.Contains(address, "#") {
		return address
	}
	return address + "#"
}

// wantOwnHeaders checks the headers of every answer of the gateway's own.
func wantOwnHeaders(t *testing.T, what string, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %s = %q, want %q", what, name, got, want)
		}
	}
}

// button is the address that a page's button leads to.
func button(t *testing.T, body string) string {
	t.Helper()
	found := buttonLink.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("page %q has no button", headingElement.FindString(body))
	}
	return html.UnescapeString(found[1])
}

// queryOf is the query of an address.
func queryOf(t *testing.T, address string) url.Values {
	t.Helper()
	return mustURL(t, address).Query()
}

// withQuery is address with its query changed.
func withQuery(t *testing.T, address string, change func(url.Values)) string {
	t.Helper()
	u := mustURL(t, address)
	q := u.Query()
	change(q)
	u.RawQuery = q.Encode()
	return u.String()
}

// upTo is the text up to a separator.
func upTo(text, separator string) string {
	text, _, _ = strings.Cut(text, separator)
	return text
}
