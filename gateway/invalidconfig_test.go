package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// hubConfig makes a site one with a hub and sites for which it is one.
func hubConfig(url string, sites ...string) func(*testConfig) {
	return func(c *testConfig) {
		c.HubURL, c.HubSites, c.HubKey = url, sites, randomKey('h')
	}
}

// upstreamConfig gives a site one upstream.
func upstreamConfig(t *testing.T, prefix, address string) func(*testConfig) {
	t.Helper()
	u := mustURL(t, address)
	return func(c *testConfig) { c.Upstreams = []gateway.Upstream{{Prefix: prefix, URL: u}} }
}

func publicConfig(patterns ...string) func(*testConfig) {
	return func(c *testConfig) { c.PublicPaths = patterns }
}

func domainConfig(url, domain string) func(*testConfig) {
	return func(c *testConfig) { c.PublicURL, c.CookieDomain = url, domain }
}

// New says what is wrong with a field. TestNewNamesTheField has one case for each
// field, and here are the others.
func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	list := openIDList(t, "\x7fELF\x00")
	follow := func(change func(*testConfig)) func(*testConfig) {
		return func(c *testConfig) {
			requireFollow(c)
			change(c)
		}
	}
	scan := func(account *wechat.Client) func(*testConfig) {
		return func(c *testConfig) { c.OutsideWeChat, c.ScanAccount = gateway.OutsideQRConnect, account }
	}
	pages := ownPages(t, "forbiden.html", "x")
	for _, test := range []struct {
		name   string
		change func(*testConfig)
		want   string // the error's beginning, without the site; empty: there is none
	}{
		{"followers", requireFollow, ""},
		{"no picture", follow(func(c *testConfig) { c.FollowQRURL = "" }), ""},
		{"picture on the site", follow(func(c *testConfig) { c.FollowQRURL = "/static/qr.png" }), ""},
		{"no tokens", follow(func(c *testConfig) { c.Tokens = nil }), "RequireFollow: "},
		{"tokens without a client", follow(func(c *testConfig) { c.Tokens = new(wechat.TokenSource) }), "Tokens: "},
		{"negative time", follow(func(c *testConfig) { c.FollowRecheck = -time.Second }), "FollowRecheck: -1s"},
		{"relative picture", follow(func(c *testConfig) { c.FollowQRURL = "qr.png" }), "FollowQRURL: expected"},
		{"picture without a scheme", follow(func(c *testConfig) { c.FollowQRURL = "//x.example/qr.png" }), "FollowQRURL: expected"},
		{"policy in a picture", follow(func(c *testConfig) { c.FollowQRURL = "https://x.example;script-src/" }), "FollowQRURL: expected"},
		{"followers by scan login", follow(scan(&wechat.Client{AppID: "wxscan"})), "RequireFollow: WeChat"},
		{"scan login, no AppID", scan(new(wechat.Client)), "ScanAccount: OutsideWeChat qrconnect requires"},
		{"scan login, official account", scan(newAccount()), "ScanAccount: expected a website application"},
		{"list of another format", func(c *testConfig) { c.AllowOpenIDsFile = list }, "AllowOpenIDsFile: openid list: " + list + ": line 1: expected one openid"},
		{"page of an unknown name", func(c *testConfig) { c.Site.PagesDir = pages }, "PagesDir: "},
		{"upstream of another scheme", upstreamConfig(t, "/", "ftp://site"), `Upstreams: upstream scheme "ftp": expected`},
		{"upstream without a prefix", upstreamConfig(t, "", "http://site"), `Upstreams: upstream "": expected a prefix`},
		{"upstream with a relative prefix", upstreamConfig(t, "api/", "http://site"), `Upstreams: upstream "api/": expected a prefix`},
		{"upstream without a socket", upstreamConfig(t, "/", "unix:"), "Upstreams: upstream scheme unix: expected the path"},
		{"hub without a scheme", hubConfig("auth.example.com"), "HubURL: "},
		{"hub that uses a hub", hubConfig("https://auth.example.com", "https://shop.example.com"), "HubURL: set beside HubSites"},
		{"every path", publicConfig("/static/", "/"), `PublicPaths: opens every path, so that nobody has to sign in; the home page alone is /{$}`},
		{"every path to GET", publicConfig("GET /"), "PublicPaths: opens every path"},
		{"every path by a wildcard", publicConfig("/{x...}"), "PublicPaths: opens every path"},
		{"every path together", publicConfig("/{$}", "GET /{a}", "/{a}/{b...}"), "PublicPaths: opens every path"},
		{"home page", publicConfig("/{$}", "OPTIONS /", "POST /"), ""},
		{"star", publicConfig("/static/*"), `PublicPaths: pattern "/static/*": a * matches`},
		{"overlapping paths", publicConfig("/static/", "OPTIONS /", "/static/", "/{a}/b", "/a/{b}"), ""},
		{"every path an API path", func(c *testConfig) { c.APIPaths = []string{"/"} }, ""},
		{"cookies of every site under .com", domainConfig("https://h5.example.com", "com"), "CookieDomain: browsers refuse a cookie for all sites under com"},
		{"cookies of every site under .com.cn", domainConfig("https://h5.example.com.cn", ".com.cn"), "CookieDomain: browsers refuse a cookie for all sites under com.cn"},
		{"cookies of every site of a hoster", domainConfig("https://shop.github.io", "GitHub.io"), "CookieDomain: browsers refuse a cookie for all sites under github.io"},
		{"cookies of a network", domainConfig("http://h5.corp", "corp"), "CookieDomain: browsers refuse a cookie for all sites under corp"},
		{"cookies of one hoster's site", domainConfig("https://h5.shop.github.io", "shop.github.io"), ""},
		{"cookies of a domain under .com.cn", domainConfig("https://h5.example.com.cn", "example.com.cn"), ""},
		{"cookies of this machine", domainConfig("http://localhost:8080", "localhost"), ""},
		{"key of zeros", func(c *testConfig) { c.CookieKeys = session.Keys{make([]byte, 32)} }, "CookieKeys: item 1 of the list: a key of few different bytes"},
		{"hub key of zeros", func(c *testConfig) { c.HubURL, c.HubKey = "https://auth.example.com", make([]byte, 32) }, "HubKey: "},
		{"hub of itself", hubConfig("", rigOrigin), "HubSites: the hub's own site"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := testConfig{Site: gateway.Site{PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys()}}
			test.change(&c)
			_, err := gateway.New(c.whole())
			switch {
			case test.want == "" && err != nil:
				t.Errorf("New: %v, want no error", err)
			case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "gateway: Sites[0]."+test.want)):
				t.Errorf("New: %v, want an error that begins with %q", err, "gateway: Sites[0]."+test.want)
			}
		})
	}
}

// Sites of one gateway do not share a host or a cookie.
func TestInvalidSites(t *testing.T) {
	t.Parallel()
	site := func(change ...func(*gateway.Site)) gateway.Site {
		s := gateway.Site{PublicURL: "https://a.example.com", Account: newAccount(), CookieKeys: rigKeys()}
		for _, f := range change {
			f(&s)
		}
		return s
	}
	at := func(origin string) func(*gateway.Site) { return func(s *gateway.Site) { s.PublicURL = origin } }
	domain := func(name string) func(*gateway.Site) { return func(s *gateway.Site) { s.CookieDomain = name } }
	for _, tt := range []struct {
		name string
		want string
		with []gateway.Site
	}{
		{"one host of two", "Sites[1].Hosts: host a.example.com is that of https://a.example.com too", []gateway.Site{
			site(), site(at("https://b.example.com"), func(s *gateway.Site) { s.Hosts = []string{"A.example.com:8443"} }),
		}},
		{"one public URL", "Sites[1].Hosts: host a.example.com", []gateway.Site{site(), site()}},
		{"other port", "Sites[1].Hosts: host a.example.com", []gateway.Site{site(), site(at("https://a.example.com:8443"))}},
		{"one cookie", "set the same cookie, wxgate of example.com", []gateway.Site{
			site(domain("example.com")), site(at("https://b.example.com"), domain("Example.com")),
		}},
	} {
		if _, err := gateway.New(gateway.Config{Sites: tt.with}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}
