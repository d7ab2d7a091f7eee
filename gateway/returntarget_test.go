package gateway_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// returnTargets are targets of page loads whose paths some software reads as
// another host, and the addresses to which a login leads back.
var returnTargets = []struct{ target, want string }{
	{"//shop/7?a=b", rigOrigin + "//shop/7?a=b"},
	{"//evil.example/x", rigOrigin + "//evil.example/x"},
	{"///evil.example", rigOrigin + "///evil.example"},
	{"//", rigOrigin + "//"},
	{"//?x=//y", rigOrigin + "//?x=//y"},
	{"/%2f/evil.example", rigOrigin + "/%2f/evil.example"},
	{"/%5Cevil.example", rigOrigin + "/%5Cevil.example"},
	{"/%2e%2e//evil.example", rigOrigin + "/%2e%2e//evil.example"},
	{"/..//evil.example", rigOrigin + "/..//evil.example"},
	{"/a/..//evil.example?q=1+2", rigOrigin + "/a/..//evil.example?q=1+2"},
	{"//h5.example.com@evil.example/", rigOrigin + "//h5.example.com@evil.example/"},
	{"/shop//7", "/shop//7"},
	{"/shop?next=//evil.example", "/shop?next=//evil.example"},
	{`/\evil.example`, "/"},
	{`//\evil.example`, "/"},
}

// loadTarget loads a page whose target is sent byte for byte.
func (s *loginSite) loadTarget(b *wechattest.Browser, target string, change ...func(*http.Request)) *answer {
	s.t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL, r.RequestURI, r.Host = u, target, rigHost
	for _, header := range [][2]string{{"Accept", "text/html"}, {"Sec-Fetch-Mode", "navigate"}, {"User-Agent", browserUA}} {
		r.Header.Set(header[0], header[1])
	}
	site := mustURL(s.t, s.url)
	for _, c := range b.Jar.Cookies(site) {
		r.AddCookie(c)
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.serve(w, r)
	a := readAnswer(s.t, w.Result())
	b.Jar.SetCookies(site, a.Cookies())
	return a
}

// A login leads back to the page that was asked for, at this site, whichever path it
// has.
func TestLoginLeadsBackToAnyPath(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, nil)
	for _, tt := range returnTargets {
		b := s.browser()
		a := s.loadTarget(b, tt.target)
		if a.StatusCode != 302 || !strings.HasPrefix(a.location(), weChatAuthorize) {
			t.Errorf("GET %s: %d to %q, want WeChat", tt.target, a.StatusCode, a.location())
			continue
		}
		callback := s.get(b, upTo(a.location(), "#"), answering(b)).location()
		wantRedirect(t, s.get(b, callback), tt.want+"#")
		if after, ok := strings.CutPrefix(tt.want, rigOrigin); ok {
			seen := echoIn(t, s.loadTarget(b, after).body)
			if seen.Target != tt.target || seen.Header.Get("X-Wx-Openid") == "" {
				t.Errorf("GET %s: ends at %q as %q, want there as the visitor",
					tt.target, seen.Target, seen.Header.Get("X-Wx-Openid"))
			}
		}
		wantRedirect(t, s.get(b, callback), tt.want+"#") // the back button
	}
}

// What a client gives as return_to is a path only if it names no host to any
// reader.
func TestReturnToOfAClientNamesNoHost(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, nil)
	for _, tt := range returnTargets {
		want := tt.want
		if strings.HasPrefix(want, rigOrigin) {
			want = "/"
		}
		b := s.browser()
		callback := s.callbackAddress(b, "/_wx/login?return_to="+url.QueryEscape(tt.target))
		wantRedirect(t, s.get(b, callback), want+"#")
	}
}

var addressElement = regexp.MustCompile(`<p class="address" id="address">([^<]*)</p>`)

// All other answers that hold the address of a page load agree with the login.
func TestEveryAnswerLeadsBackToAnyPath(t *testing.T) {
	t.Parallel()
	follows := newLoginMemorySite(t, requireFollow)
	stranger := follows.browser()
	stranger.Visitor = "tom"
	follows.open(stranger, "/")
	fragments := newLoginMemorySite(t, withFragments)
	outside := newLoginMemorySite(t, func(c *testConfig) { c.OutsideWeChat = gateway.OutsidePage })
	g, _ := newGateway(t, nil, func(c *testConfig) { c.TrustedProxies = loopback })
	auth := httptest.NewServer(g)
	t.Cleanup(auth.Close)
	proxy := &rig{Server: auth}
	envoy := newExtAuthz(t, g)
	for _, way := range []struct {
		name string
		of   func(target string) string // the whole address, or a path
	}{
		{"follow page", func(target string) string {
			a := follows.loadTarget(stranger, target)
			wantPage(t, a, 403, headingFollow)
			return button(t, a.body)
		}},
		{"page that reads the fragment", func(target string) string {
			found := fragmentLogin.FindStringSubmatch(fragments.loadTarget(fragments.browser(), target).body)
			return returnToOf(t, html.UnescapeString(found[1]))
		}},
		{"page that asks to open WeChat", func(target string) string {
			a := outside.loadTarget(outside.browser(), target, func(r *http.Request) { r.Header.Set("User-Agent", "Mozilla/5.0 Chrome") })
			return strings.TrimPrefix(html.UnescapeString(addressElement.FindStringSubmatch(a.body)[1]), rigOrigin)
		}},
		{"X-WX-Login-URL", func(target string) string {
			a := proxy.do(t, "GET", "/_wx/auth", append(forwarded("GET", target), asPage...)...)
			wantPage(t, a, 401, headingUnauthorized)
			if got := a.Header.Get("X-WX-Login-URL"); got != button(t, a.body) {
				t.Errorf("GET %s: the header has %q, the button %q", target, got, button(t, a.body))
			}
			return returnToOf(t, a.Header.Get("X-WX-Login-URL"))
		}},
		{"redirect of forward auth", func(target string) string {
			return returnToOf(t, proxy.do(t, "GET", "/_wx/auth?redirect=true", append(forwarded("GET", target), asPage...)...).location())
		}},
		{"redirect for Envoy", func(target string) string {
			answer, err := envoy.Check(t.Context(), checkOf(doorRequest{"GET", target, asPage}))
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range answer.GetDeniedResponse().GetHeaders() {
				if strings.EqualFold(h.GetHeader().GetKey(), "Location") {
					return returnToOf(t, headerValue(h.GetHeader()))
				}
			}
			return ""
		}},
	} {
		for _, tt := range returnTargets {
			want := tt.want
			if way.name == "page that asks to open WeChat" { // which shows the whole address
				want = strings.TrimPrefix(want, rigOrigin)
			}
			if got := way.of(tt.target); got != want {
				t.Errorf("%s, GET %s: leads back to %q, want %q", way.name, tt.target, got, want)
			}
		}
	}
}

// returnToOf returns where a login address of the site leads back.
func returnToOf(t *testing.T, login string) string {
	t.Helper()
	if upTo(login, "?") != rigOrigin+"/_wx/login" {
		t.Errorf("%q is no login of the site", login)
	}
	if returnTo := queryOf(t, login).Get("return_to"); returnTo != "" {
		return returnTo
	}
	return "/"
}

// While WeChat is away, the button of the page for a visitor whose following is not
// known leads to the same page too.
func TestFollowUnknownButtonLeadsBackToAnyPath(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, requireFollow)
	b := s.browser()
	s.wx.Fault(wechattest.Fault{Path: userPath, Mode: wechattest.FaultErrcode, Code: -1})
	s.open(b, "/")
	for _, tt := range returnTargets {
		a := s.loadTarget(b, tt.target)
		wantPage(t, a, 503, headingWeChatAway)
		if got := button(t, a.body); got != tt.want {
			t.Errorf("GET %s: button leads to %q, want %q", tt.target, got, tt.want)
		}
	}
}

// The page that asks to open WeChat shows the login to a visitor who asked for it,
// with a checked return address.
func TestOpenInWeChatShowsALogin(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, func(c *testConfig) { c.OutsideWeChat = gateway.OutsidePage })
	b := s.browser()
	b.UserAgent = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140"
	const login = rigOrigin + "/_wx/login"
	for query, want := range map[string]string{
		"":                               login,
		"?return_to=/shop%3Fa":           login + "?return_to=%2Fshop%3Fa",
		"?return_to=//evil.example":      login,
		"?return_to=javascript:alert(1)": login,
		"?return_to=/&scope=" + string(wechat.ScopeUserInfo): login + "?scope=snsapi_userinfo",
	} {
		a := s.get(b, "/_wx/login"+query)
		wantPage(t, a, 200, "请在微信中打开")
		if got := html.UnescapeString(addressElement.FindStringSubmatch(a.body)[1]); got != want {
			t.Errorf("/login%s shows %q, want %q", query, got, want)
		}
	}
}
