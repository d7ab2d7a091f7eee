package browser_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// hostileTargets are request targets, and values of return_to and Referer, that
// some reader takes for an address elsewhere.
var hostileTargets = []string{
	"//evil.example", "//evil.example/x", "///evil.example", "//", "//evil.example@h5.example.com/",
	"/%2f/evil.example", "/%2fevil.example", "/%5cevil.example", "/%5C%5Cevil.example",
	`/\evil.example`, `/\\evil.example`, `//\evil.example`, `\\evil.example`,
	"/..//evil.example", "/.//evil.example", "/a/..//evil.example", "/%2e%2e//evil.example",
	"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/\t", "//\tevil.example", "/\x00/evil.example",
	"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "https:evil.example",
	"https://evil.example/", "https:/evil.example", "https:///evil.example", "http://evil.example",
	"https://h5.example.com@evil.example/", "https://h5.example.com.evil.example/",
	`https://h5.example.com\@evil.example/`, "https://h5.example.com//evil.example",
	"https://h5.example.com/\t/evil.example", "https://m.example.com//evil.example",
	"/_wx/login?return_to=//evil.example", "//_wx/login?return_to=//evil.example",
	"/?next=//evil.example", "/#//evil.example", "/\"><a href=//evil.example>x</a>",
	"//evil.example/\"onclick=alert(1)", "/'//evil.example", "//{{.}}", "//%00evil.example",
	"//evil。example", "／／evil.example",
}

// pageSites are gateways that show all pages between them: each visitor has a
// session of the openid.
func pageSites(t *testing.T) map[string]http.Handler {
	t.Helper()
	wx, err := wechattest.New(wechattest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	noUpstream, err := url.Parse("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	sites := make(map[string]http.Handler)
	for name, configure := range map[string]func(*gateway.Site){
		"login":    func(*gateway.Site) {},
		"alias":    func(c *gateway.Site) { c.CookieDomain = "example.com" },
		"fragment": func(c *gateway.Site) { c.KeepFragment = true },
		"outside":  func(c *gateway.Site) { c.OutsideWeChat = gateway.OutsidePage },
		"denied":   func(c *gateway.Site) { c.OutsideWeChat = gateway.OutsideDeny },
		"follow":   func(c *gateway.Site) { c.RequireFollow = true },
		"unknown": func(c *gateway.Site) { // whether the visitor follows
			c.RequireFollow, c.Account.APIURL = true, "http://127.0.0.1:1"
			c.Account.Transport = http.DefaultTransport
		},
	} {
		account := &wechat.Client{
			AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, Transport: wx.Transport(),
		}
		c := gateway.Site{
			PublicURL: publicURL, ReturnHosts: []string{"m.example.com", "dev.example.com:8443"},
			Account: account, CookieKeys: testKeys(),
			Upstreams: []gateway.Upstream{{Prefix: "/", URL: noUpstream}},
		}
		configure(&c)
		if c.RequireFollow {
			c.Tokens = &wechat.TokenSource{Client: account}
		}
		g, err := gateway.New(gateway.Config{
			Sites: []gateway.Site{c}, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		})
		if err != nil {
			t.Fatal(err)
		}
		sites[name] = g
	}
	return sites
}

// pageCookie is the session cookie of a visitor who does not follow, at a site with
// the domain.
func pageCookie(t *testing.T, domain string) string {
	t.Helper()
	store, err := session.NewCookieStore(session.Config{
		Keys: testKeys(), Site: publicURL, AppID: wechattest.StockAppID, Domain: domain, Secure: true,
		Lifetime: session.Lifetime{TTL: time.Hour, MaxTTL: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := make(http.Header)
	now := time.Now()
	err = store.Save(nil, h, &session.Session{
		AppID: wechattest.StockAppID, OpenID: "oNobodyKnowsThisVisitor00000", Scope: "snsapi_base",
		IssuedAt: now, RenewedAt: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	return cookie
}

// A request for a page, of a browser.
type pageRequest struct {
	method, host, target string
	header               http.Header
}

// pageRequests are the requests that put a hostile address to every use.
func pageRequests(address string) []pageRequest {
	escaped := url.QueryEscape(address)
	page := http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}, "User-Agent": {wechattest.AgentIOS}}
	with := func(pairs ...string) http.Header {
		h := page.Clone()
		for pair := range slices.Chunk(pairs, 2) {
			h.Set(pair[0], pair[1])
		}
		return h
	}
	other := "Mozilla/5.0 (X11; Linux x86_64) Chrome/140"
	forwarded := []string{"X-Forwarded-Host", "h5.example.com", "X-Forwarded-Uri", address, "X-Forwarded-Method"}
	requests := []pageRequest{
		{"GET", "h5.example.com", "/_wx/login?return_to=" + escaped, page},
		{"GET", "h5.example.com", "/_wx/login?return_to=" + escaped, with("User-Agent", other)},
		{"GET", "h5.example.com", "/_wx/logout?return_to=" + escaped, page},
		{"POST", "h5.example.com", "/_wx/logout?return_to=" + escaped, page},
		{"GET", "h5.example.com", "/_wx/callback?code=a&state=" + escaped, page},
		{"GET", "h5.example.com", "/_wx/callback?return_to=" + escaped, page},
		{"POST", "h5.example.com", "/orders", with("Referer", address)},
		{"POST", "evil.example", "/orders", with("Referer", "https://evil.example"+address)},
		{"POST", "h5.example.com", "/orders", with("Referer", publicURL+address)},
		{"GET", "h5.example.com", "/_wx/me", with("Referer", publicURL+address)},
		{"GET", "h5.example.com", "/_wx/config", with("Referer", publicURL+address)},
		{"GET", "h5.example.com", "/_wx/auth", with(append(forwarded, "GET")...)},
		{"GET", "h5.example.com", "/_wx/auth?redirect=true", with(append(forwarded, "GET")...)},
		{"GET", "h5.example.com", "/_wx/auth", with(append(forwarded, "POST", "Referer", publicURL+address)...)},
	}
	for _, host := range []string{"h5.example.com", "m.example.com", "evil.example"} {
		requests = append(requests,
			pageRequest{"GET", host, address, page},
			pageRequest{"GET", host, address, with("User-Agent", other)},
			pageRequest{"POST", host, address, with("Referer", address)})
	}
	return requests
}

// answerTo is the handler's answer to a request whose target it gets byte for byte.
func (q pageRequest) answerTo(h http.Handler, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(q.method, "/", nil)
	r.RequestURI, r.Host, r.Header = q.target, q.host, q.header.Clone()
	path, query, _ := strings.Cut(q.target, "?")
	if u, err := url.ParseRequestURI(q.target); err == nil {
		r.URL = u
	} else { // net/http refuses it, but another server in front of a handler may not
		r.URL = &url.URL{Path: path, RawQuery: query}
	}
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// pageAddresses finds the addresses in a page that a visitor can follow, or that
// they are shown.
var pageAddresses = regexp.MustCompile(`(?:href|action|src|data-login)="([^"]*)"|name="return_to" value="([^"]*)"` +
	`|id="address">([^<]*)<|"login_url":"([^"]*)"`)

// checkLeads fails the test unless browsers that follow address from a page of the
// site stay there, also after the login that it leads to.
func checkLeads(t *testing.T, what, address string) {
	t.Helper()
	u, err := whatwg.ParseRef(publicURL+"/_wx/callback", address)
	if err != nil {
		t.Errorf("%s: %q cannot be read by browsers: %v", what, address, err)
		return
	}
	origin := u.Protocol() + "//" + u.Host()
	if address == "data:," { // the pages' icon
		return
	}
	if !slices.Contains(returnOrigins, origin) || u.Username() != "" {
		t.Errorf("%s: %q is at %s", what, address, origin)
	}
	if strings.HasPrefix(u.Pathname(), "/_wx/") {
		for _, next := range u.SearchParams().GetAll("return_to") {
			checkLeads(t, what+", return_to", next)
		}
	}
	for _, c := range []byte(address) {
		if c <= ' ' || c >= 0x7f {
			t.Errorf("%s: %q holds more than printable ASCII", what, address)
		}
	}
}

// Every address in a page, and of every redirect, leads to this site as browsers
// read it, or to WeChat.
func TestPageAddresses(t *testing.T) {
	t.Parallel()
	shown := make(map[string]int)
	for name, g := range pageSites(t) {
		domain := ""
		if name == "alias" {
			domain = "example.com"
		}
		for _, cookie := range []string{"", pageCookie(t, domain)} {
			for _, hostile := range hostileTargets {
				for _, q := range pageRequests(hostile) {
					what := name + ": " + q.method + " " + q.target + " at " + q.host + " with " + q.header.Get("Referer")
					w := q.answerTo(g, cookie)
					location := w.Header().Get("Location")
					if location != "" && !strings.HasPrefix(location, "https://open.weixin.qq.com/connect/oauth2/authorize?") {
						shown["Location"]++
						checkLeads(t, what, location)
					}
					if login := w.Header().Get("X-WX-Login-URL"); login != "" {
						shown["X-WX-Login-URL"]++
						checkLeads(t, what, login)
					}
					for _, found := range pageAddresses.FindAllStringSubmatch(w.Body.String(), -1) {
						kind, _, _ := strings.Cut(found[0], "=")
						shown[kind]++
						address := html.UnescapeString(strings.Join(found[1:], ""))
						checkLeads(t, what, strings.ReplaceAll(address, `\u0026`, "&"))
					}
				}
			}
		}
	}
	for _, kind := range []string{"Location", "X-WX-Login-URL", "href", "action", "data-login", "name"} {
		if shown[kind] == 0 {
			t.Errorf("no answer has a %s among %v", kind, shown)
		}
	}
}
