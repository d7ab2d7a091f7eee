package gateway_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
)

func TestFollowConfig(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*testConfig)
		want   string // in the error; empty: none
	}{
		{"right", func(*testConfig) {}, ""},
		{"no picture", func(c *testConfig) { c.FollowQRURL = "" }, ""},
		{"picture on the site", func(c *testConfig) { c.FollowQRURL = "/static/qr.png" }, ""},
		{"no tokens", func(c *testConfig) { c.Tokens = nil }, "Tokens"},
		{"tokens without a client", func(c *testConfig) { c.Tokens = new(wechat.TokenSource) }, "Tokens"},
		{"another account's tokens", func(c *testConfig) {
			c.Tokens = &wechat.TokenSource{Client: &wechat.Client{AppID: "wxother"}}
		}, "another account"},
		{"negative time", func(c *testConfig) { c.FollowRecheck = -time.Second }, "FollowRecheck"},
		{"relative picture", func(c *testConfig) { c.FollowQRURL = "qr.png" }, "FollowQRURL"},
		{"picture of no scheme", func(c *testConfig) { c.FollowQRURL = "//x.example/qr.png" }, "FollowQRURL"},
		{"script for a picture", func(c *testConfig) { c.FollowQRURL = "javascript:alert(1)" }, "FollowQRURL"},
		{"policy in a picture", func(c *testConfig) { c.FollowQRURL = "https://x.example;script-src/" }, "FollowQRURL"},
		{"scan login", func(c *testConfig) {
			c.OutsideWeChat, c.ScanAccount = gateway.OutsideQRConnect, &wechat.Client{AppID: "wxscan"}
		}, "RequireFollow"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := testConfig{Site: gateway.Site{PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys()}}
			requireFollow(&c)
			test.change(&c)
			_, err := gateway.New(c.whole())
			switch {
			case test.want == "" && err != nil:
				t.Errorf("New: %v, want no error", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("New: %v, want an error about %s", err, test.want)
			}
		})
	}
}

func TestScanConfig(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		scan *wechat.Client
	}{
		{"none", nil},
		{"without an AppID", &wechat.Client{}},
		{"the official account", newAccount()},
	} {
		_, err := newOneSite(gateway.Site{
			PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys(),
			OutsideWeChat: gateway.OutsideQRConnect, ScanAccount: test.scan,
		})
		if err == nil || !strings.Contains(err.Error(), "ScanAccount") {
			t.Errorf("%s: New: %v, want an error about ScanAccount", test.name, err)
		}
	}
}

func TestInvalidUpstreams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ prefix, url string }{{"/", "ftp://site"}, {"", "http://site"}, {"api/", "http://site"}} {
		_, err := newOneSite(gateway.Site{
			PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys(),
			Upstreams: []gateway.Upstream{{Prefix: test.prefix, URL: mustURL(t, test.url)}},
		})
		if err == nil {
			t.Errorf("New with upstream %q=%s: no error", test.prefix, test.url)
		}
	}
}

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
			site(func(s *gateway.Site) { s.CookieDomain = "example.com" }),
			site(at("https://b.example.com"), func(s *gateway.Site) { s.CookieDomain = "Example.com" }),
		}},
		{"none", "Sites: expected at least one", nil},
		{"no account", "Sites[0].Account: ", []gateway.Site{site(func(s *gateway.Site) { s.Account = nil })}},
	} {
		if _, err := gateway.New(gateway.Config{Sites: tt.with}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func TestPagesDirBroken(t *testing.T) {
	t.Parallel()
	_, err := newOneSite(gateway.Site{
		PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys(), PagesDir: ownPages(t, "forbiden.html", "x"),
	})
	for _, want := range []string{"PagesDir: ", "forbiden.html: no page has this name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want an error with %q", err, want)
		}
	}
}

// A list that cannot be read is named by its field and its path.
func TestInvalidLists(t *testing.T) {
	t.Parallel()
	missing, binary := filepath.Join(t.TempDir(), "missing"), openIDList(t, "\x7fELF\x00")
	for path, want := range map[string]string{missing: "no such file", binary: "line 1: expected one openid"} {
		for field, set := range map[string]func(*gateway.Site){
			"AllowOpenIDsFile": func(s *gateway.Site) { s.AllowOpenIDsFile = path },
			"DenyOpenIDsFile":  func(s *gateway.Site) { s.DenyOpenIDsFile = path },
		} {
			c := gateway.Site{PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys()}
			set(&c)
			_, err := newOneSite(c)
			for _, part := range []string{"Sites[0]." + field + ": ", path, want} {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("New: %v, want an error with %q", err, part)
				}
			}
		}
	}
}

// The errors name the gateway's fields first, then those of each site in order.
func TestInvalidConfigOrder(t *testing.T) {
	t.Parallel()
	dir := ownPages(t, "forbiden.html", "x")
	site := gateway.Site{PublicURL: "https://a.example.com", CookieKeys: rigKeys()} // without an Account
	second := site
	second.PublicURL = "https://b.example.com"
	_, err := gateway.New(gateway.Config{
		Sites: []gateway.Site{site, second}, Prefix: "/", LoginRate: gateway.Rate{Count: -1}, PagesDir: dir,
	})
	invalid, ok := errors.AsType[*gateway.ConfigError](err)
	if !ok {
		t.Fatalf("New: %v, want a ConfigError", err)
	}
	var got []string
	for _, f := range invalid.Fields {
		got = append(got, fmt.Sprint(f.Site, " ", f.Field))
	}
	if want := []string{"-1 Prefix", "-1 LoginRate", "-1 PagesDir", "0 Account", "1 Account"}; !slices.Equal(got, want) {
		t.Errorf("errors in %q, want %q", got, want)
	}
}
