package gateway_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// New refuses each of these by the name of the field, and never panics.
func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	other := &wechat.Client{AppID: "wxother000000000"}
	for _, test := range []struct {
		name   string
		field  string
		change func(*testConfig)
	}{
		{"no site", "Sites", func(c *testConfig) { c.Sites = []gateway.Site{} }},
		{"prefix that ends in a slash", "Prefix", func(c *testConfig) { c.Prefix = "/_wx/" }},
		{"prefix of the whole site", "Prefix", func(c *testConfig) { c.Prefix = "/" }},
		{"prefix with braces", "Prefix", func(c *testConfig) { c.Prefix = "/{x}" }},
		{"prefix that does not close its brace", "Prefix", func(c *testConfig) { c.Prefix = "/{x" }},
		{"prefix with a space", "Prefix", func(c *testConfig) { c.Prefix = "/a b" }},
		{"prefix without a slash", "Prefix", func(c *testConfig) { c.Prefix = "wx" }},
		{"prefix with dots", "Prefix", func(c *testConfig) { c.Prefix = "/a/../b" }},
		{"rate below zero", "LoginRate", func(c *testConfig) { c.LoginRate = gateway.Rate{Count: -1, Per: time.Minute} }},
		{"body timeout below zero", "UnreadBodyTimeout", func(c *testConfig) { c.UnreadBodyTimeout = -time.Second }},
		{"rate without a duration", "LoginRate", func(c *testConfig) { c.LoginRate = gateway.Rate{Count: 1} }},

		{"no public URL", "PublicURL", func(c *testConfig) { c.PublicURL = "" }},
		{"public URL with a path", "PublicURL", func(c *testConfig) { c.PublicURL = rigOrigin + "/shop" }},
		{"host with a scheme", "Hosts", func(c *testConfig) { c.Hosts = []string{"https://a.example.com"} }},
		{"empty host", "Hosts", func(c *testConfig) { c.Hosts = []string{""} }},
		{"no account", "Account", func(c *testConfig) { c.Account = nil }},
		{"account without an AppID", "Account", func(c *testConfig) { c.Account = new(wechat.Client) }},
		{"no key", "CookieKeys", func(c *testConfig) { c.CookieKeys = nil }},
		{"short key", "CookieKeys", func(c *testConfig) { c.CookieKeys = session.Keys{[]byte("short")} }},
		{"cookie name with a space", "CookieName", func(c *testConfig) { c.CookieName = "a b" }},
		{"cookie name of a login", "CookieName", func(c *testConfig) { c.CookieName = "a_login_b" }},
		{"cookie name with a prefix", "CookieName", func(c *testConfig) { c.CookieName = "__Host-a" }},
		{"cookie domain of another site", "CookieDomain", func(c *testConfig) { c.CookieDomain = "example.org" }},
		{"cookie domain that is none", "CookieDomain", func(c *testConfig) { c.CookieDomain = "a b" }},
		{"TTL below zero", "SessionTTL", func(c *testConfig) { c.SessionTTL = -time.Second }},
		{"longest TTL below zero", "SessionMaxTTL", func(c *testConfig) { c.SessionMaxTTL = -time.Second }},
		{"unknown scope", "Scope", func(c *testConfig) { c.Scope = "junk" }},
		{"body size below zero", "MaxBodyBytes", func(c *testConfig) { c.MaxBodyBytes = -1 }},
		{"timeout below zero", "UpstreamTimeout", func(c *testConfig) { c.UpstreamTimeout = -1 }},
		{"upstream without a URL", "Upstreams", func(c *testConfig) { c.Upstreams = []gateway.Upstream{{Prefix: "/"}} }},
		{"upstream without a host", "Upstreams", func(c *testConfig) {
			c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: &url.URL{Scheme: "http"}}}
		}},
		{"upstream with a prefix that is no text", "Upstreams", func(c *testConfig) {
			c.Upstreams = []gateway.Upstream{{Prefix: "/\xff", URL: &url.URL{Scheme: "http", Host: "app"}}}
		}},
		{"two upstreams for one path", "Upstreams", func(c *testConfig) {
			app := &url.URL{Scheme: "http", Host: "app"}
			c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: app}, {Prefix: "/", URL: app}}
		}},
		{"verification file elsewhere", "VerifyFiles", func(c *testConfig) { c.VerifyFiles = []string{"a/../x"} }},
		{"verification file without a token", "VerifyFiles", func(c *testConfig) { c.VerifyFiles = []string{""} }},
		{"return host with a scheme", "ReturnHosts", func(c *testConfig) { c.ReturnHosts = []string{"https://x"} }},
		{"empty return host", "ReturnHosts", func(c *testConfig) { c.ReturnHosts = []string{""} }},
		{"public path that is no pattern", "PublicPaths", func(c *testConfig) { c.PublicPaths = []string{"/{"} }},
		{"API path that is no pattern", "APIPaths", func(c *testConfig) { c.APIPaths = []string{"api"} }},
		{"unknown OutsideWeChat", "OutsideWeChat", func(c *testConfig) { c.OutsideWeChat = "junk" }},
		{"scan login without an account", "ScanAccount", func(c *testConfig) { c.OutsideWeChat = gateway.OutsideQRConnect }},
		{"tickets without tokens", "Tickets", func(c *testConfig) { c.Tickets = new(wechat.TicketSource) }},
		{"tickets without a client", "Tickets", func(c *testConfig) {
			c.Tickets = &wechat.TicketSource{Tokens: new(wechat.TokenSource)}
		}},
		{"tickets of another account", "Tickets", func(c *testConfig) {
			c.Tickets = &wechat.TicketSource{Tokens: &wechat.TokenSource{Client: other}}
		}},
		{"tokens of another account", "Tokens", func(c *testConfig) { c.Tokens = &wechat.TokenSource{Client: other} }},
		{"follow gate without tokens", "RequireFollow", func(c *testConfig) { c.RequireFollow = true }},
		{"recheck below zero", "FollowRecheck", func(c *testConfig) { c.FollowRecheck = -1 }},
		{"script for a picture", "FollowQRURL", func(c *testConfig) { c.FollowQRURL = "javascript:alert(1)" }},
		{"access tokens in cookies", "PassAccessToken", func(c *testConfig) { c.PassAccessToken = true }},
		{"access tokens in a store that cannot change them", "PassAccessToken", func(c *testConfig) {
			c.Sessions = func(c session.Config) (session.Store, error) { return session.NewCookieStore(c) }
			c.PassAccessToken = true
		}},
		{"no store for access tokens", "Sessions", func(c *testConfig) {
			c.Sessions = func(session.Config) (session.Store, error) { return nil, errors.New("none") }
			c.PassAccessToken = true
		}},
		{"hub of itself", "HubURL", func(c *testConfig) { c.HubURL, c.HubKey = rigOrigin, randomKey('h') }},
		{"hub without a key", "HubKey", func(c *testConfig) { c.HubURL = "https://hub.example.com" }},
		{"hub site with a path", "HubSites", func(c *testConfig) {
			c.HubSites, c.HubKey = []string{"https://a.example.com/x"}, randomKey('h')
		}},
		{"skipped paths", "AccessLogSkip", func(c *testConfig) { c.Site.AccessLogSkip = []string{"/a/*"} }},
		{"skipped paths of no site", "AccessLogSkip", func(c *testConfig) {
			c.Config.AccessLogSkip, c.Hosts = []string{"healthz"}, []string{rigHost}
		}},
		{"skipped paths, no hosts", "AccessLogSkip", func(c *testConfig) { c.Config.AccessLogSkip = []string{"healthz"} }},
		{"missing allow list", "AllowOpenIDsFile", func(c *testConfig) { c.AllowOpenIDsFile = "missing" }},
		{"missing deny list", "DenyOpenIDsFile", func(c *testConfig) { c.DenyOpenIDsFile = "missing" }},
		{"missing assertion keys", "AssertionKeysFile", func(c *testConfig) { c.AssertionKeysFile = "missing" }},
		{"missing pages", "PagesDir", func(c *testConfig) { c.Site.PagesDir = "missing" }},
		{"missing pages of no site", "PagesDir", func(c *testConfig) { c.Config.PagesDir, c.Hosts = "missing", []string{rigHost} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := testConfig{Site: gateway.Site{PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys()}}
			test.change(&c)
			_, err := gateway.New(c.whole())
			wrong, ok := errors.AsType[*gateway.ConfigError](err)
			if !ok {
				t.Fatalf("New = %v, want a ConfigError", err)
			}
			if len(wrong.Fields) != 1 || wrong.Fields[0].Field != test.field {
				t.Errorf("New = %v, want an error about %s alone", err, test.field)
			}
		})
	}
}

// One error names all that is wrong, site by site.
func TestNewNamesAllFields(t *testing.T) {
	t.Parallel()
	_, err := gateway.New(gateway.Config{Prefix: "/", Sites: []gateway.Site{
		{PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys(), Scope: "junk"},
		{},
	}})
	wrong, ok := errors.AsType[*gateway.ConfigError](err)
	if !ok {
		t.Fatalf("New = %v, want a ConfigError", err)
	}
	var got []string
	for _, f := range wrong.Fields {
		name, _, _ := strings.Cut(f.Error(), ": ")
		got = append(got, name)
	}
	want := []string{"Prefix", "Sites[0].Scope", "Sites[1].Account", "Sites[1].PublicURL", "Sites[1].CookieKeys"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("New names %q, want %q", got, want)
	}
}

// New changes nothing of what its configuration points to.
func TestNewLeavesTheAccountAlone(t *testing.T) {
	t.Parallel()
	account, scan := newAccount(), &wechat.Client{AppID: "wxscan0000000000"}
	c := gateway.Site{
		PublicURL: rigOrigin, Account: account, CookieKeys: rigKeys(),
		OutsideWeChat: gateway.OutsideQRConnect, ScanAccount: scan,
	}
	if _, err := gateway.New(gateway.Config{Metrics: prometheus.NewRegistry(), Sites: []gateway.Site{c}}); err != nil {
		t.Fatal(err)
	}
	if account.Observe != nil || scan.Observe != nil {
		t.Error("New sets Observe of the caller's client")
	}
}

// IdentityFrom may be called by a goroutine that goes on after the request, while
// the gateway renews the session that the request came with.
func TestIdentityFromBesideRenewal(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil)
	seen := make(chan gateway.Identity)
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() {
			id, _ := gateway.IdentityFrom(r.Context())
			seen <- id
		}()
		w.WriteHeader(http.StatusOK)
	})
	h := g.Wrap(http.TimeoutHandler(site, time.Minute, "too slow"))
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = rigHost
	r.Header.Set("Cookie", signedIn(t, renewedAgo(13*time.Hour)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if id := <-seen; id.OpenID != rigOpenID {
		t.Errorf("IdentityFrom = %+v, want %s", id, rigOpenID)
	}
	if !strings.HasPrefix(w.Header().Get("Set-Cookie"), rigCookie+"=") {
		t.Errorf("answer %v, want the session renewed", w.Header())
	}
}
