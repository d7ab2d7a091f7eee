package pages

import (
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	testRequestID = "5f0c9d7e1b2a4c68"
	testAddress   = "https://h5.example.com/shop?item=1024&from=timeline"
)

// pageCases has every page with the data that the gateway gives it, and some of
// them once more with other data.
var pageCases = []struct {
	golden string // file name, without language
	page   Name
	status int
	data   Data
}{
	{"restart", Restart, 400, Data{RequestID: testRequestID, LoginURL: "/_wx/login?return_to=%2Fshop"}},
	{"restart-no-cookies", Restart, 400, Data{RequestID: testRequestID, LoginURL: "/_wx/login", NoCookies: true}},
	{"declined", Declined, 403, Data{RequestID: testRequestID, LoginURL: "/_wx/login"}},
	{"code-refused", CodeRefused, 403, Data{RequestID: testRequestID, LoginURL: "/_wx/login"}},
	{"wechat-away", WeChatAway, 503, Data{RequestID: testRequestID, LoginURL: "/_wx/login"}},
	{"misconfigured", Misconfigured, 502, Data{RequestID: testRequestID}},
	{"upstream-down", UpstreamDown, 504, Data{RequestID: testRequestID, Reload: true}},
	{"upstream-down-form", UpstreamDown, 504, Data{RequestID: testRequestID, Form: true, Back: "/cart?item=1024"}},
	{"session-store-away", StoreAway, 503, Data{RequestID: testRequestID, Reload: true}},
	{"forbidden", Forbidden, 403, Data{RequestID: testRequestID}},
	{"forbidden-outside", Forbidden, 403, Data{RequestID: testRequestID, OutsideWeChat: true}},
	{"follow", Follow, 403, Data{RequestID: testRequestID, LoginURL: "/shop?item=1024", FollowQR: "/follow.png"}},
	{"follow-no-picture", Follow, 403, Data{RequestID: testRequestID, LoginURL: "/shop?item=1024"}},
	{"unauthorized", Unauthorized, 401, Data{RequestID: testRequestID, LoginURL: "/_wx/login?return_to=%2Fshop"}},
	{"unauthorized-form", Unauthorized, 401, Data{RequestID: testRequestID, LoginURL: "/_wx/login", Form: true, Back: "/"}},
	{"snapshot", Snapshot, 403, Data{RequestID: testRequestID, LoginURL: "/_wx/login"}},
	{"open-in-wechat", OpenInWeChat, 200, Data{Address: testAddress}},
	{"open-in-wechat-no-address", OpenInWeChat, 403, Data{}},
	{"sign-out", SignOut, 200, Data{LogoutAction: "/_wx/logout", ReturnTo: "/shop?item=1024"}},
	{"signed-out", SignedOut, 200, Data{LoginURL: "/_wx/login"}},
	{"too-many", TooMany, 429, Data{RequestID: testRequestID, Reload: true}},
	{"too-large", TooLarge, 413, Data{RequestID: testRequestID}},
	{"too-large-form", TooLarge, 413, Data{RequestID: testRequestID, Form: true, Back: "/"}},
	{"unknown-site", UnknownSite, 421, Data{RequestID: testRequestID}},
	{"not-found", NotFound, 404, Data{RequestID: testRequestID}},
	{"method", Method, 405, Data{RequestID: testRequestID}},
	{"bad-request", BadRequest, 400, Data{RequestID: testRequestID}},
}

var pageLanguages = []string{"zh-CN", "en"}

func testPages(t *testing.T) *Set {
	t.Helper()
	p, err := New("")
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return p
}

func showPage(t *testing.T, p *Set, status int, name Name, language string, data Data) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	p.Render(w, r, status, name, data)
	return w
}

// eachPage runs test on every page in both languages.
func eachPage(t *testing.T, test func(t *testing.T, golden string, w *httptest.ResponseRecorder)) {
	t.Helper()
	p := testPages(t)
	for _, c := range pageCases {
		for _, language := range pageLanguages {
			name := c.golden + "." + language
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := showPage(t, p, c.status, c.page, language, c.data)
				if w.Code != c.status {
					t.Errorf("status = %d, want %d", w.Code, c.status)
				}
				if got := w.Header().Get("Content-Language"); got != language {
					t.Errorf("Content-Language = %q, want %q", got, language)
				}
				test(t, name, w)
			})
		}
	}
}

var (
	scriptElement = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	styleElement  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
)

func TestPagesHaveATemplateAndACaseEach(t *testing.T) {
	t.Parallel()
	cases := make(map[Name]bool)
	golden := make(map[string]bool)
	for _, c := range pageCases {
		cases[c.page] = true
		for _, language := range pageLanguages {
			golden[c.golden+"."+language+".html"] = true
		}
	}
	p := testPages(t)
	for name := range p.pages {
		if !cases[name] {
			t.Errorf("templates/%s.html is shown by no test case", name)
		}
	}
	files, err := filepath.Glob("testdata/pages/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !golden[filepath.Base(file)] {
			t.Errorf("%s belongs to no test case", file)
		}
	}
}

// A page loads nothing: it has no script but the one that copies, nothing that
// its own policy would block, and no address on another host but the one it
// shows as text.
func TestPagesStandAlone(t *testing.T) {
	t.Parallel()
	blocked := regexp.MustCompile(`(?i)<script|<iframe|<link rel="stylesheet|\son[a-z]+=|\sstyle=|` +
		`@import|url\(|https?:|(src|href|action)="//`)
	eachPage(t, func(t *testing.T, _ string, w *httptest.ResponseRecorder) {
		body := strings.ReplaceAll(w.Body.String(), strings.ReplaceAll(testAddress, "&", "&amp;"), "")
		body = strings.Replace(body, "<script>"+string(copyScript)+"</script>", "", 1)
		for _, found := range blocked.FindAllString(body, -1) {
			t.Errorf("page contains %q", found)
		}
		for _, once := range []string{"<main>", "<h1>", "<title>", `<meta name="viewport"`} {
			if n := strings.Count(body, once); n != 1 {
				t.Errorf("page has %q %d times, want once", once, n)
			}
		}
		if want := `<html lang="` + w.Header().Get("Content-Language") + `">`; !strings.Contains(body, want) {
			t.Errorf("page lacks %s", want)
		}
	})
}

// The Chinese pages are in Chinese and the English pages in English: a text that
// is given in one language only would show in both.
func TestPagesSpeakOneLanguage(t *testing.T) {
	t.Parallel()
	han := regexp.MustCompile(`\p{Han}+`)
	eachPage(t, func(t *testing.T, name string, w *httptest.ResponseRecorder) {
		found := han.FindAllString(w.Body.String(), -1)
		switch {
		case strings.HasSuffix(name, ".zh-CN"):
			if len(found) < 4 { // title twice, text, most often a button
				t.Errorf("Chinese page says only %q in Chinese", found)
			}
		case name == "snapshot.en": // names WeChat's own button
			if diff := cmp.Diff([]string{"使用完整服务"}, found); diff != "" {
				t.Errorf("Chinese in the English page (-want +got):\n%s", diff)
			}
		case len(found) > 0:
			t.Errorf("English page says %q", found)
		}
	})
}
