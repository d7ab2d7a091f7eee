package gateway_test

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	exchangePath = "/sns/oauth2/access_token"
	userInfoPath = "/sns/userinfo"
)

// loginSite is a site behind a gateway, with an emulated WeChat beside it.
// Whatever the gateway answers itself is held against what must hold for all of
// its answers.
type loginSite struct {
	t       *testing.T
	wx      *wechattest.Emulator
	open    string // origin of the authorize page
	url     string // the site's public URL
	log     *loginLog
	metrics *prometheus.Registry

	config    func() testConfig // a new one each time, for another replica
	upstream  http.Handler
	transport http.RoundTripper // of browsers

	mu      sync.Mutex
	gate    http.Handler
	answers []loginWitness // all that were given
}

// newLoginSite starts a site on the network. configure may change what the
// gateway is made with.
func newLoginSite(t *testing.T, configure func(*testConfig)) *loginSite {
	t.Helper()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	s := &loginSite{t: t, wx: wx.Emulator, open: wx.URL, transport: newLoginTransport(t)}
	site := httptest.NewServer(http.HandlerFunc(loginUpstream))
	t.Cleanup(site.Close)
	front := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(front.Close)
	s.url = front.URL

	siteURL, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.prepare(func() testConfig {
		return testConfig{Site: gateway.Site{
			PublicURL: s.url,
			Account: &wechat.Client{
				AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret,
				APIURL: wx.URL, OpenURL: wx.URL,
			},
			Upstreams: []gateway.Upstream{{Prefix: "/", URL: siteURL}},
		}}
	}, configure)
	return s
}

// newLoginTransport is a way to the network of its own: httptest closes idle
// connections of the default one whenever any test's server closes.
func newLoginTransport(t *testing.T) *http.Transport {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// newLoginMemorySite makes a site at https://h5.example.com that needs no
// network: for https, and for synctest's clock.
func newLoginMemorySite(t *testing.T, configure func(*testConfig)) *loginSite {
	t.Helper()
	account := wechattest.StockAccount()
	account.CallbackDomains = []string{"h5.example.com", "shop.example.com"}
	wx, err := wechattest.New(wechattest.Config{Accounts: []wechattest.Account{account}})
	if err != nil {
		t.Fatal(err)
	}
	s := &loginSite{t: t, wx: wx, open: "https://open.weixin.qq.com", url: "https://h5.example.com"}
	s.transport = loginMemory{s}
	s.upstream = http.HandlerFunc(loginUpstream)
	s.prepare(func() testConfig {
		return testConfig{Site: gateway.Site{
			PublicURL: s.url,
			Account: &wechat.Client{
				AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret,
				Transport: wx.Transport(),
			},
		}}
	}, configure)
	return s
}

func (s *loginSite) prepare(base func() testConfig, configure func(*testConfig)) {
	s.t.Helper()
	s.log, s.metrics = &loginLog{}, prometheus.NewRegistry()
	s.config = func() testConfig {
		c := base()
		c.CookieKeys = session.Keys{bytes.Repeat([]byte{7}, 32)}
		c.Logger, c.AccessLog = zerolog.New(s.log), true
		if configure != nil {
			configure(&c)
		}
		return c
	}
	c := s.config()
	c.Metrics = s.metrics
	s.use(s.replica(c))
}

// replica makes a gateway of its own.
func (s *loginSite) replica(c testConfig) http.Handler {
	s.t.Helper()
	gate, err := gateway.New(c.whole())
	if err != nil {
		s.t.Fatal(err)
	}
	if s.upstream != nil {
		return gate.Wrap(s.upstream)
	}
	return gate
}

// use lets gate answer from now on.
func (s *loginSite) use(gate http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
}

func (s *loginSite) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	witness := &loginWitness{ResponseWriter: w, path: r.URL.Path}
	gate.ServeHTTP(witness, r)
	s.mu.Lock()
	s.answers = append(s.answers, *witness)
	s.mu.Unlock()
	if witness.status == 0 || witness.fromUpstream() {
		return
	}
	if got := witness.header.Get("Cache-Control"); got != "no-store" {
		s.t.Errorf("%s %s: Cache-Control = %q, want no-store", r.Method, r.URL.Path, got)
	}
	if got := witness.header.Get("Referrer-Policy"); got != "no-referrer" {
		s.t.Errorf("%s %s: Referrer-Policy = %q, want no-referrer", r.Method, r.URL.Path, got)
	}
	switch witness.status {
	case 301, 307, 308:
		s.t.Errorf("%s %s: status %d, want no redirect but 302 and 303", r.Method, r.URL.Path, witness.status)
	}
}

// loginWitness keeps a copy of an answer.
type loginWitness struct {
	http.ResponseWriter
	path   string // asked for
	status int
	header http.Header
	body   []byte
}

func (w *loginWitness) fromUpstream() bool { return w.header.Get("From-Upstream") != "" }

func (w *loginWitness) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *loginWitness) WriteHeader(status int) {
	if status >= 200 && w.status == 0 {
		w.status, w.header = status, w.Header().Clone()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *loginWitness) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.body = append(w.body, b...)
	return w.ResponseWriter.Write(b)
}

// loginMemory takes a browser to the gateway or to WeChat without a network.
type loginMemory struct{ site *loginSite }

func (m loginMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	if u, err := url.Parse(m.site.url); err != nil || r.URL.Host != u.Host {
		return m.site.wx.Transport().RoundTrip(r)
	}
	return m.site.answer(r), nil
}

// answer answers a browser's request without a network.
func (s *loginSite) answer(r *http.Request) *http.Response {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.1:4711", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.serve(w, in)
	return w.Result()
}

// loginUpstream is the site behind the gateway. It answers with what it saw.
func loginUpstream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("From-Upstream", "true")
	json.NewEncoder(w).Encode(loginSeen{r.RequestURI, r.Header})
}

// loginSeen is a request as the upstream saw it.
type loginSeen struct {
	Target string
	Header http.Header
}

// loginLog collects log lines. It is safe for concurrent use.
type loginLog struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *loginLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(b)
}

func (l *loginLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// level returns the lines of one level.
func (l *loginLog) level(level string) []string {
	return slices.DeleteFunc(strings.Split(l.String(), "\n"), func(line string) bool {
		return !strings.Contains(line, `"level":"`+level+`"`)
	})
}

// browser is a new visitor's, without a cookie.
func (s *loginSite) browser() *wechattest.Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &wechattest.Browser{Transport: s.transport, Jar: jar}
}

// loginAnswer is one answer, redirects not followed.
type loginAnswer struct {
	status int
	header http.Header
	body   string
}

func (a loginAnswer) location() string { return a.header.Get("Location") }

// cookies are the Set-Cookie headers whose name begins with prefix.
func (a loginAnswer) cookies(prefix string) []*http.Cookie {
	all := (&http.Response{Header: a.header}).Cookies()
	return slices.DeleteFunc(all, func(c *http.Cookie) bool { return !strings.HasPrefix(c.Name, prefix) })
}

// do sends a request as a page load, unless change makes it another kind. The
// address may be a path of the site.
func (s *loginSite) do(b *wechattest.Browser, method, address string, body io.Reader, change ...func(*http.Request)) loginAnswer {
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
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return loginAnswer{res.StatusCode, res.Header, string(got)}
}

func (s *loginSite) get(b *wechattest.Browser, address string, change ...func(*http.Request)) loginAnswer {
	s.t.Helper()
	return s.do(b, http.MethodGet, address, nil, change...)
}

// asScript makes a request one of a page's script.
func asScript(r *http.Request) {
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Sec-Fetch-Mode", "cors")
}

// leave opens a page of the site and returns the authorize address that the
// visitor is sent to.
func (s *loginSite) leave(b *wechattest.Browser, address string, change ...func(*http.Request)) string {
	s.t.Helper()
	a := s.get(b, address, change...)
	if a.status != http.StatusFound || !strings.HasPrefix(a.location(), s.open+"/connect/oauth2/authorize?") {
		s.t.Fatalf("GET %s = %d to %q, want 302 to the authorize page", address, a.status, a.location())
	}
	return a.location()
}

// callbackOf goes to a page of the site and through WeChat, and returns the
// address of the callback, which is not opened.
func (s *loginSite) callbackOf(b *wechattest.Browser, address string) string {
	s.t.Helper()
	authorize, _, _ := strings.Cut(s.leave(b, address), "#")
	a := s.get(b, authorize, func(r *http.Request) {
		r.Header.Set(wechattest.VisitorHeader, b.Visitor)
		r.Header.Set(wechattest.AnswerHeader, string(b.Answer))
	})
	if a.status != http.StatusFound || !strings.HasPrefix(a.location(), s.url+"/_wx/callback?") {
		s.t.Fatalf("GET authorize page = %d to %q, want 302 to the callback", a.status, a.location())
	}
	return a.location()
}

// visit opens a page and follows redirects to its end.
func (s *loginSite) visit(b *wechattest.Browser, address string) *wechattest.Page {
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

// signIn signs a visitor in, whose way must end at the site.
func (s *loginSite) signIn(b *wechattest.Browser) loginSeen {
	s.t.Helper()
	page := s.visit(b, "/")
	if page.Status != http.StatusOK || page.Header.Get("From-Upstream") == "" {
		s.t.Fatalf("sign-in ended with status %d at %s, want the site", page.Status, page.URL.Path)
	}
	return seenBy(s.t, page.Body)
}

// seenBy reads the upstream's answer.
func seenBy(t *testing.T, body string) loginSeen {
	t.Helper()
	var seen loginSeen
	if err := json.Unmarshal([]byte(body), &seen); err != nil {
		t.Fatalf("not an answer of the upstream: %v", err)
	}
	return seen
}

// loginMe is the body of /me.
type loginMe struct {
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

// me asks who the visitor is; the zero value is nobody.
func (s *loginSite) me(b *wechattest.Browser) loginMe {
	s.t.Helper()
	a := s.get(b, "/_wx/me", asScript)
	if a.status != http.StatusOK {
		return loginMe{}
	}
	var me loginMe
	if err := json.Unmarshal([]byte(a.body), &me); err != nil {
		s.t.Fatalf("/me: %v in %q", err, a.body)
	}
	return me
}

// openID is a visitor's at the stock account.
func (s *loginSite) openID(visitor string) string {
	return s.wx.OpenID(wechattest.StockAppID, visitor)
}

// wantCalls holds the number of codes that WeChat was sent against want.
func (s *loginSite) wantCalls(want int) {
	s.t.Helper()
	if got := s.wx.Calls(exchangePath); got != want {
		s.t.Errorf("calls of %s = %d, want %d", exchangePath, got, want)
	}
}

// The headings by which the pages are told from one another.
const (
	headingRestart       = "请重新登录"
	headingNoCookies     = "浏览器没有保存 Cookie"
	headingDeclined      = "你没有同意登录"
	headingCodeRefused   = "微信没有接受这次登录"
	headingWeChatAway    = "微信暂时没有回应"
	headingMisconfigured = "网站的微信登录没有设置好"
	headingForbidden     = "你无法打开这个页面"
	headingSnapshot      = "请使用完整服务"
	headingSignOut       = "要退出登录吗？"
	headingSignedOut     = "已退出登录"
	headingTooMany       = "登录太频繁了"
	headingBadRequest    = "这个请求有误"
)

// wantPage holds an answer against a status and a page with the heading.
func wantPage(t *testing.T, a loginAnswer, status int, heading string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, "<h1>"+heading+"</h1>") {
		t.Errorf("status %d, heading %q, want %d, %q", a.status, loginHeading.FindString(a.body), status, heading)
	}
}

// wantRedirect holds an answer against a 302 to location.
func wantRedirect(t *testing.T, a loginAnswer, location string) {
	t.Helper()
	if a.status != http.StatusFound || a.location() != location {
		t.Errorf("status %d to %q, want 302 to %q", a.status, a.location(), location)
	}
}

var (
	loginHeading = regexp.MustCompile(`<h1>.*</h1>`)
	loginButton  = regexp.MustCompile(`<a class="button" href="([^"]*)">`)
)

// button is the address that a page's button leads to.
func button(t *testing.T, body string) string {
	t.Helper()
	found := loginButton.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("page %q has no button", loginHeading.FindString(body))
	}
	return html.UnescapeString(found[1])
}

// copyOf is another browser with the same cookies: one that goes on from here
// while b goes its own way.
func (s *loginSite) copyOf(b *wechattest.Browser) *wechattest.Browser {
	s.t.Helper()
	twin := s.browser()
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	twin.Jar.SetCookies(u, b.Jar.Cookies(u))
	return twin
}

// cookieNames are the names of the cookies that b holds for the site, sorted.
func (s *loginSite) cookieNames(b *wechattest.Browser) []string {
	s.t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, c := range b.Jar.Cookies(u) {
		names[c.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// queryOf is the query of an address.
func queryOf(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// withQuery is address with its query changed.
func withQuery(t *testing.T, address string, change func(url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	change(q)
	u.RawQuery = q.Encode()
	return u.String()
}

// loginLoopback is where the tests' own requests come from.
var loginLoopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
