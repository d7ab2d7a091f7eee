package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"rsc.io/qr"
)

var updatePages = flag.Bool("update", false, "rewrite the golden files of the pages")

const (
	testRequestID = "5f0c9d7e1b2a4c68"
	testAddress   = "https://h5.example.com/shop?item=1024&from=timeline"
)

// pageCases shows every page as the gateway does, and some of them once more
// with other data.
var pageCases = []struct {
	golden string // file name, without language
	page   pageName
	status int
	data   pageData
}{
	{"restart", pageRestart, 400, pageData{RequestID: testRequestID, LoginURL: "/_wx/login?return_to=%2Fshop"}},
	{"restart-no-cookies", pageRestart, 400, pageData{RequestID: testRequestID, LoginURL: "/_wx/login", NoCookies: true}},
	{"declined", pageDeclined, 403, pageData{RequestID: testRequestID, LoginURL: "/_wx/login"}},
	{"code-refused", pageCodeRefused, 403, pageData{RequestID: testRequestID, LoginURL: "/_wx/login"}},
	{"wechat-away", pageWeChatAway, 503, pageData{RequestID: testRequestID, LoginURL: "/_wx/login"}},
	{"misconfigured", pageMisconfigured, 502, pageData{RequestID: testRequestID}},
	{"upstream-down", pageUpstreamDown, 504, pageData{RequestID: testRequestID, Reload: true}},
	{"session-store-away", pageStoreAway, 503, pageData{RequestID: testRequestID, Reload: true}},
	{"forbidden", pageForbidden, 403, pageData{RequestID: testRequestID}},
	{"follow", pageFollow, 403, pageData{RequestID: testRequestID, LoginURL: "/shop?item=1024", FollowQR: "/static/follow.png"}},
	{"follow-no-picture", pageFollow, 403, pageData{RequestID: testRequestID, LoginURL: "/shop?item=1024"}},
	{"snapshot", pageSnapshot, 403, pageData{RequestID: testRequestID, LoginURL: "/_wx/login"}},
	{"open-in-wechat", pageOpenInWeChat, 200, pageData{Address: testAddress}},
	{"open-in-wechat-no-address", pageOpenInWeChat, 403, pageData{}},
	{"sign-out", pageSignOut, 200, pageData{LogoutAction: "/_wx/logout", ReturnTo: "/shop?item=1024"}},
	{"signed-out", pageSignedOut, 200, pageData{LoginURL: "/_wx/login"}},
	{"too-many", pageTooMany, 429, pageData{RequestID: testRequestID, Reload: true}},
	{"too-large", pageTooLarge, 413, pageData{RequestID: testRequestID}},
	{"unknown-site", pageUnknownSite, 421, pageData{RequestID: testRequestID}},
	{"not-found", pageNotFound, 404, pageData{RequestID: testRequestID}},
	{"method", pageMethod, 405, pageData{RequestID: testRequestID}},
	{"bad-request", pageBadRequest, 400, pageData{RequestID: testRequestID}},
}

var pageLanguages = []string{"zh-CN", "en"}

func testPages(t *testing.T) *pages {
	t.Helper()
	p, err := newPages("")
	if err != nil {
		t.Fatalf("newPages: %v", err)
	}
	return p
}

func showPage(t *testing.T, p *pages, status int, name pageName, language string, data pageData) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	p.render(w, r, status, name, data)
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

var scriptElement = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// The golden files leave out the style, which all pages share.
func TestPagesGolden(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, name string, w *httptest.ResponseRecorder) {
		got := styleElement.ReplaceAllString(w.Body.String(), "<style></style>")
		file := filepath.Join("testdata", "pages", name+".html")
		if *updatePages {
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs (-want +got), -update rewrites it:\n%s", file, diff)
		}
	})
}

func TestPagesHaveATemplateAndACaseEach(t *testing.T) {
	t.Parallel()
	cases := make(map[pageName]bool)
	golden := make(map[string]bool)
	for _, c := range pageCases {
		cases[c.page] = true
		for _, language := range pageLanguages {
			golden[c.golden+"."+language+".html"] = true
		}
	}
	p := testPages(t)
	for name := range p.byName {
		if !cases[name] {
			t.Errorf("pages/%s.html is shown by no test case", name)
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

func TestPagesHeaders(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, _ string, w *httptest.ResponseRecorder) {
		style := styleElement.FindAllStringSubmatch(w.Body.String(), -1)
		if len(style) != 1 {
			t.Fatalf("%d <style> elements, want 1", len(style))
		}
		sum := sha256.Sum256([]byte(style[0][1]))
		script := "" // only the page that shows an address has one
		if found := scriptElement.FindStringSubmatch(w.Body.String()); found != nil {
			sum := sha256.Sum256([]byte(found[1]))
			script = "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
		want := http.Header{
			"Content-Type":           {"text/html; charset=utf-8"},
			"Content-Length":         {fmt.Sprint(w.Body.Len())},
			"Content-Language":       w.Header()["Content-Language"],
			"Vary":                   {"Accept-Language"},
			"Cache-Control":          {"no-store"},
			"Referrer-Policy":        {"no-referrer"},
			"X-Content-Type-Options": {"nosniff"},
			"X-Frame-Options":        {"DENY"},
			"Content-Security-Policy": {"default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
				"'" + script + "; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		}
		if diff := cmp.Diff(want, w.Header()); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
	})
}

// A page needs nothing but itself: no script but the one that copies, nothing that its own policy
// would block, and no address elsewhere but the one it shows as text.
func TestPagesStandAlone(t *testing.T) {
	t.Parallel()
	blocked := regexp.MustCompile(`(?i)<script|<iframe|<link rel="stylesheet|\son[a-z]+=|\sstyle=|@import|url\(|https?:|(src|href|action)="//`)
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

// The Chinese pages speak Chinese and the English pages English: a text given
// in one language only would show in both.
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

func TestPagesEscapeHostileData(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	// Markup and policy must be those of the page that harmless data make.
	everywhere := func(value string, login bool) pageData {
		data := pageData{
			RequestID: value, LogoutAction: value, ReturnTo: value,
			NoCookies: true, Address: value, FollowQR: value,
		}
		if login {
			data.LoginURL = value
		} else {
			data.Reload = true
		}
		return data
	}
	for name := range p.byName {
		for _, login := range []bool{true, false} {
			harmless := showPage(t, p, 400, name, "en", everywhere("x", login))
			skeleton := pageSkeleton(harmless)
			for _, hostile := range []string{
				`"><script>alert(1)</script>`,
				`' onmouseover='alert(1)`,
				`</title></style></main><img src=x onerror=alert(1)>`,
				`javascript:alert(1)`,
				`JaVaScRiPt:alert(1)`,
				`data:text/html,<script>alert(1)</script>`,
				`https://evil.example;script-src 'unsafe-inline'`,
				`https://evil.example,default-src *`,
				"/\r\nSet-Cookie: a=b",
				"{{.RequestID}}",
			} {
				w := showPage(t, p, 400, name, "en", everywhere(hostile, login))
				if got := pageSkeleton(w); got != skeleton {
					t.Errorf("%s with %q: markup changes (-want +got):\n%s", name, hostile, cmp.Diff(skeleton, got))
				}
				if got, want := w.Header().Get("Content-Security-Policy"), harmless.Header().Get("Content-Security-Policy"); got != want {
					t.Errorf("%s with %q: policy = %q, want %q", name, hostile, got, want)
				}
				if found := scriptAddress.FindString(w.Body.String()); found != "" {
					t.Errorf("%s with %q: page holds %s", name, hostile, found)
				}
			}
		}
	}
}

var (
	attributeValue = regexp.MustCompile(`"[^"<>]*"`)
	textBetween    = regexp.MustCompile(`>[^<>]*<`)
	scriptAddress  = regexp.MustCompile(`(?i)(href|src|action)="(javascript|data:text)`)
	qrDrawing      = regexp.MustCompile(`(?s)<svg width=.*?</svg>`)
)

// pageSkeleton is the page without its style, texts and attribute values.
func pageSkeleton(w *httptest.ResponseRecorder) string {
	s := styleElement.ReplaceAllString(w.Body.String(), "")
	s = qrDrawing.ReplaceAllString(s, "")
	s = attributeValue.ReplaceAllString(s, `""`)
	return textBetween.ReplaceAllString(s, ">\n<")
}

func TestPagesPolicyNamesOtherOrigins(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	for _, c := range []struct {
		name, address, want string // want: what follows 'self' or data:
	}{
		{"nothing", "", ""},
		{"path", "/shop", ""},
		{"origin", "https://shop2.example.com/back?a=1", " https://shop2.example.com"},
		{"port", "http://127.0.0.1:8080/back", " http://127.0.0.1:8080"},
		{"user info", "https://a:b@shop2.example.com/", " https://shop2.example.com"},
		{"no host", "https:///back", ""},
		{"other scheme", "ftp://shop2.example.com/", ""},
		{"wildcard", "https://*.example.com/", ""},
		{"second directive", "https://a.example;script-src/", ""},
		{"second policy", "https://a.example,b/", ""},
		{"unreadable", "https://a.example:port/", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			policy := func(name pageName, data pageData) string {
				return showPage(t, p, 200, name, "en", data).Header().Get("Content-Security-Policy")
			}
			if got, want := policy(pageFollow, pageData{FollowQR: c.address}), "; img-src 'self' data:"+c.want+"; form-action"; !strings.Contains(got, want) {
				t.Errorf("picture %q: policy = %q, want %q in it", c.address, got, want)
			}
			if got, want := policy(pageSignOut, pageData{ReturnTo: c.address}), "; img-src 'self' data:; form-action 'self'"+c.want+"; "; !strings.Contains(got, want) {
				t.Errorf("return_to %q: policy = %q, want %q in it", c.address, got, want)
			}
		})
	}
}

// The form's POST must carry a true Origin: browsers without Sec-Fetch-Site
// are told from other sites by nothing else.
func TestPageSignOutSendsItsOrigin(t *testing.T) {
	t.Parallel()
	body := showPage(t, testPages(t), 200, pageSignOut, "en", pageData{LogoutAction: "/_wx/logout"}).Body.String()
	if want := `<meta name="referrer" content="same-origin">`; !strings.Contains(body, want) {
		t.Errorf("page lacks %s", want)
	}
	if strings.Contains(body, "return_to") {
		t.Error("page has a return_to field without a ReturnTo")
	}
}

func TestPagesAnswerHead(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.render(w, r, 403, pageForbidden, pageData{})
	}))
	t.Cleanup(server.Close)
	response, err := server.Client().Head(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 403 || response.ContentLength <= 0 {
		t.Errorf("HEAD = %d with length %d, want 403 with the page's length", response.StatusCode, response.ContentLength)
	}
}

func TestPagesKeepTheCallersVary(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("Vary", "Cookie")
	testPages(t).render(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), 404, pageNotFound, pageData{})
	if got := strings.Join(w.Header().Values("Vary"), ", "); got != "Cookie, Accept-Language" {
		t.Errorf("Vary = %q, want %q", got, "Cookie, Accept-Language")
	}
}

func TestPageLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, header, want string }{
		{"none", "", "zh-CN"},
		{"chinese", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
		{"wechat on an english phone", "en-US,en;q=0.9", "en"},
		{"traditional chinese", "zh-TW", "zh-CN"},
		{"script", "zh-Hans-CN;q=0.9, en;q=0.8", "zh-CN"},
		{"english preferred", "zh;q=0.8, en;q=0.9", "en"},
		{"equal, english first", "en, zh", "en"},
		{"equal, chinese first", "zh, en", "zh-CN"},
		{"neither", "fr-FR, ja;q=0.5", "zh-CN"},
		{"english the second best of a stranger", "fr, en;q=0.3", "en"},
		{"anything", "*", "zh-CN"},
		{"anything before english", "*, en", "zh-CN"},
		{"english before anything", "en, *", "en"},
		{"anything over english", "*;q=0.8, en;q=0.5", "zh-CN"},
		{"anything but chinese", "zh;q=0, *", "en"},
		{"english refused", "en;q=0", "zh-CN"},
		{"both refused", "en;q=0, zh;q=0", "zh-CN"},
		{"best of several", "en;q=0.1, zh;q=0.5, en-GB;q=0.7", "en"},
		{"case and blanks", " EN-us ; Q=0.9 , ZH ;q=0.1", "en"},
		{"another language that begins alike", "eng, enm", "zh-CN"},
		{"weight over one", "en;q=2", "zh-CN"},
		{"negative weight", "en;q=-1", "zh-CN"},
		{"no number", "en;q=NaN", "zh-CN"},
		{"no number beside a good one", "en;q=NaN, en;q=0.5", "en"},
		{"empty weight", "en;q=", "zh-CN"},
		{"other parameter", "en;level=1", "zh-CN"},
		{"faulty item beside a good one", "zh;q=x, en;q=0.5", "en"},
		{"empty items", ",,en,,", "en"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := pageLanguage(c.header); got != c.want {
				t.Errorf("pageLanguage(%q) = %q, want %q", c.header, got, c.want)
			}
		})
	}
}

// English is for those who asked for it, and neither case nor an item without
// meaning changes the answer.
func FuzzPageLanguage(f *testing.F) {
	for _, header := range []string{"", "en", "zh-CN,zh;q=0.9,en;q=0.8", "*;q=0.5, en;q=0.1", "zh;q=0,*", "en;q=1e-9"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := pageLanguage(header)
		if got != "en" && got != "zh-CN" {
			t.Fatalf("pageLanguage(%q) = %q, want en or zh-CN", header, got)
		}
		if got == "en" && !strings.Contains(strings.ToLower(header), "en") && !strings.Contains(header, "*") {
			t.Errorf("pageLanguage(%q) = %q, want zh-CN", header, got)
		}
		for _, same := range []string{header + ",", "fr," + header, strings.ToLower(header)} {
			if again := pageLanguage(same); again != got {
				t.Errorf("pageLanguage(%q) = %q, but pageLanguage(%q) = %q", header, got, same, again)
			}
		}
	})
}

var (
	qrSide = regexp.MustCompile(`^<svg width="(\d+)" height="(\d+)" viewBox="0 0 (\d+) (\d+)"`)
	qrRun  = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
)

// The path is read back into modules and compared with the code itself.
func TestPageQRCode(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"https://h5.example.com/",
		testAddress,
		"https://h5.example.com/" + strings.Repeat("long/", 80),
	} {
		svg, err := pageQRCode(address)
		if err != nil {
			t.Errorf("pageQRCode(%q): %v", address, err)
			continue
		}
		code, err := qr.Encode(address, qr.L)
		if err != nil {
			t.Fatal(err)
		}
		var pixels, high, side, tall int
		size := qrSide.FindStringSubmatch(string(svg))
		if size == nil {
			t.Fatalf("pageQRCode(%q) = %.80q, want an <svg> with sizes", address, svg)
		}
		fmt.Sscan(strings.Join(size[1:], " "), &pixels, &high, &side, &tall)
		if side != code.Size+8 || tall != side || high != pixels || pixels%side != 0 || pixels > 280 || pixels < 2*side {
			t.Errorf("pageQRCode(%q): %dx%d pixels for %dx%d units, want a square of whole modules, %d with the quiet zone", address, pixels, high, side, tall, code.Size+8)
		}
		black := make(map[[2]int]bool)
		for _, run := range qrRun.FindAllStringSubmatch(string(svg), -1) {
			var x, y, width, back int
			fmt.Sscan(strings.Join(run[1:], " "), &x, &y, &width, &back)
			if back != width {
				t.Errorf("pageQRCode(%q): %s is no rectangle", address, run[0])
			}
			for i := range width {
				black[[2]int{x + i, y}] = true
			}
		}
		for y := range side {
			for x := range side {
				if got, want := black[[2]int{x, y}], code.Black(x-4, y-4); got != want {
					t.Fatalf("pageQRCode(%q): module %d,%d black = %t, want %t", address, x, y, got, want)
				}
			}
		}
	}
}

func TestPageQRCodeRefusesTooLong(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1000, 5000} { // too fine to scan; too much for any code
		address := "https://h5.example.com/" + strings.Repeat("a", length)
		if svg, err := pageQRCode(address); err == nil {
			t.Errorf("pageQRCode of %d bytes = %.60q, want an error", len(address), svg)
		}
		body := showPage(t, testPages(t), 200, pageOpenInWeChat, "en", pageData{Address: address}).Body.String()
		if !strings.Contains(body, address) {
			t.Errorf("page for an address of %d bytes does not show it as text", len(address))
		}
		if strings.Contains(body, `class="picture"`) {
			t.Errorf("page for an address of %d bytes has a picture", len(address))
		}
	}
}
