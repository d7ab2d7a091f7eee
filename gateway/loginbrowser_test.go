package gateway_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// browser is a new browser without cookies.
func (s *loginSite) browser() *wechattest.Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &wechattest.Browser{Transport: s.transport, Jar: jar}
}

// do sends a page load, unless change makes it another kind of request, and
// follows no redirect. The address may be a path of the site.
func (s *loginSite) do(b *wechattest.Browser, method, address string, body io.Reader, change ...func(*http.Request)) *answer {
	s.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = s.url + address
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, address, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	for _, c := range change {
		c(r)
	}
	res, err := b.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return readAnswer(s.t, res)
}

func (s *loginSite) get(b *wechattest.Browser, address string, change ...func(*http.Request)) *answer {
	s.t.Helper()
	return s.do(b, http.MethodGet, address, nil, change...)
}

// asPageLoad leaves a request a page load.
func asPageLoad(*http.Request) {}

// asScript makes a request that of a page's script.
func asScript(r *http.Request) {
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Sec-Fetch-Mode", "cors")
}

// authorizeAddress loads a page without a session and returns the address of
// WeChat's authorize page to which it redirects.
func (s *loginSite) authorizeAddress(b *wechattest.Browser, address string, change ...func(*http.Request)) string {
	s.t.Helper()
	a := s.get(b, address, change...)
	if a.StatusCode != http.StatusFound || !strings.HasPrefix(a.location(), s.weChatURL+"/connect/oauth2/authorize?") {
		s.t.Fatalf("GET %s = %d to %q, want 302 to the authorize page", address, a.StatusCode, a.location())
	}
	return a.location()
}

// callbackAddress loads a page without a session, goes through WeChat's authorize
// page and returns the address of the callback, unopened.
func (s *loginSite) callbackAddress(b *wechattest.Browser, address string) string {
	s.t.Helper()
	authorize, _, _ := strings.Cut(s.authorizeAddress(b, address), "#")
	a := s.get(b, authorize, answering(b))
	if a.StatusCode != http.StatusFound || !strings.HasPrefix(a.location(), s.url+"/_wx/callback?") {
		s.t.Fatalf("GET authorize page = %d to %q, want 302 to the callback", a.StatusCode, a.location())
	}
	return a.location()
}

// answering sets the headers by which the emulated WeChat knows a visitor and
// their answer on its pages.
func answering(b *wechattest.Browser) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set(wechattest.VisitorHeader, b.Visitor)
		r.Header.Set(wechattest.AnswerHeader, string(b.Answer))
	}
}

// open loads a page and follows redirects to the last one.
func (s *loginSite) open(b *wechattest.Browser, address string) *wechattest.Page {
	s.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = s.url + address
	}
	page, err := b.Open(s.t.Context(), address)
	if err != nil {
		s.t.Fatal(err)
	}
	return page
}

// signIn signs a visitor in and returns the request that then reaches the site.
func (s *loginSite) signIn(b *wechattest.Browser) echoed {
	s.t.Helper()
	page := s.open(b, "/")
	if page.Status != http.StatusOK || page.Header.Get("From-Upstream") == "" {
		s.t.Fatalf("sign-in ended with status %d at %s, want the site", page.Status, page.URL.Path)
	}
	return echoIn(s.t, page.Body)
}

// meAnswer is the body of /me.
type meAnswer struct {
	OpenID       string `json:"openid"`
	UnionID      string `json:"unionid"`
	AppID        string `json:"appid"`
	Scope        string `json:"scope"`
	Nickname     string `json:"nickname"`
	Avatar       string `json:"avatar"`
	SnapshotUser bool   `json:"snapshot_user"`
	IssuedAt     string `json:"issued_at"`
	ExpiresAt    string `json:"expires_at"`
}

// me returns what /me says about the visitor; the zero value without a session.
func (s *loginSite) me(b *wechattest.Browser) meAnswer {
	s.t.Helper()
	a := s.get(b, "/_wx/me", asScript)
	if a.StatusCode != http.StatusOK {
		return meAnswer{}
	}
	var me meAnswer
	if err := json.Unmarshal([]byte(a.body), &me); err != nil {
		s.t.Fatalf("/me: %v in %q", err, a.body)
	}
	return me
}

// openID is a visitor's openid at the stock account.
func (s *loginSite) openID(visitor string) string {
	return s.wx.OpenID(wechattest.StockAppID, visitor)
}

// wantExchanges checks how many codes WeChat was sent.
func (s *loginSite) wantExchanges(want int) {
	s.t.Helper()
	if got := s.wx.Calls(exchangePath); got != want {
		s.t.Errorf("calls of %s = %d, want %d", exchangePath, got, want)
	}
}

// copyOf is another browser of the same visitor with the same cookies, those of
// this site and of further origins.
func (s *loginSite) copyOf(b *wechattest.Browser, origins ...string) *wechattest.Browser {
	s.t.Helper()
	twin := s.browser()
	twin.Visitor = b.Visitor
	for _, origin := range append(origins, s.url) {
		u := mustURL(s.t, origin)
		twin.Jar.SetCookies(u, b.Jar.Cookies(u))
	}
	return twin
}

// cookieNames are the sorted names of the cookies that b has for the site.
func (s *loginSite) cookieNames(b *wechattest.Browser) []string {
	s.t.Helper()
	names := make(map[string]bool)
	for _, c := range b.Jar.Cookies(mustURL(s.t, s.url)) {
		names[c.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// loginCount is the number of logins that were counted with a result.
func (s *loginSite) loginCount(result string) float64 {
	s.t.Helper()
	return counterValue(s.t, s.metrics, "wxgate_logins_total", "result", result)
}

// pageConfig is the answer of /config.
type pageConfig struct {
	AppID        string `json:"appid"`
	Scope        string `json:"scope"`
	State        string `json:"state"`
	AuthorizeURL string `json:"authorize_url"`
}

// pageConfig fetches /config as a page's script does.
func (s *loginSite) pageConfig(b *wechattest.Browser, query string) pageConfig {
	s.t.Helper()
	a := s.get(b, "/_wx/config"+query, asScript)
	var c pageConfig
	if err := json.Unmarshal([]byte(a.body), &c); err != nil || a.StatusCode != 200 {
		s.t.Fatalf("/config%s = %d %q, want 200 and JSON", query, a.StatusCode, a.body)
	}
	return c
}

// pageCode starts a login from a page, goes through WeChat's authorize page, and
// returns the code and state with which the visitor comes back.
func (s *loginSite) pageCode(b *wechattest.Browser, page string) (code, state string) {
	s.t.Helper()
	authorize, _, _ := strings.Cut(s.pageConfig(b, "?redirect_uri="+url.QueryEscape(s.url+page)).AuthorizeURL, "#")
	a := s.get(b, authorize, answering(b))
	if a.StatusCode != 302 || !strings.HasPrefix(a.location(), s.url+upTo(page, "#")) {
		s.t.Fatalf("GET authorize page = %d to %q, want 302 to %s", a.StatusCode, a.location(), page)
	}
	query := queryOf(s.t, a.location())
	return query.Get("code"), query.Get("state")
}

// postCode posts code and state to /session, as JSON.
func (s *loginSite) postCode(b *wechattest.Browser, code, state string, change ...func(*http.Request)) *answer {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"code": code, "state": state})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.post(b, "application/json", string(body), change...)
}

// post posts a body to /session.
func (s *loginSite) post(b *wechattest.Browser, contentType, body string, change ...func(*http.Request)) *answer {
	s.t.Helper()
	change = append([]func(*http.Request){asScript, func(r *http.Request) { r.Header["Content-Type"] = []string{contentType} }}, change...)
	return s.do(b, http.MethodPost, "/_wx/session", strings.NewReader(body), change...)
}

// wantVisitor checks that an answer is what /me says, about this visitor.
func (s *loginSite) wantVisitor(a *answer, b *wechattest.Browser, openID string) {
	s.t.Helper()
	if me := s.get(b, "/_wx/me", asScript); a.StatusCode != 200 || a.body != me.body {
		s.t.Errorf("answer %d %q, want 200 and what /me says: %q", a.StatusCode, a.body, me.body)
	}
	if got := s.me(b).OpenID; got != openID {
		s.t.Errorf("/me = %q, want %q", got, openID)
	}
}
