package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
)

// At an internal name of the site, a login starts at once if the proxy in front tells
// that the visitor is at the public URL, and else after one redirect to it.
func TestLoginUnderARewrittenHost(t *testing.T) {
	t.Parallel()
	a := siteAt(t, "a", "https://a.example.com", "a.internal", "www.a.example.com")
	b := siteAt(t, "b", "https://b.example.com")
	a.ReturnHosts = []string{"static.example.com", "b.example.com"}
	const login, moved = "https://a.example.com/_wx/login", "https://a.example.com/_wx/login?moved=1"
	r := newSites(t, a, b)
	for _, tt := range []struct {
		name, host, target string
		forwarded          []string // values of X-Forwarded-Host
		want               string   // location
	}{
		{"public URL", "a.example.com", "/", nil, weChatAuthorize},
		{"named", "a.internal", "/", []string{"a.example.com"}, weChatAuthorize},
		{"named in another spelling", "a.internal", "/", []string{"A.Example.com.:443"}, weChatAuthorize},
		{"login, named", "a.internal", "/_wx/login", []string{"a.example.com"}, weChatAuthorize},
		{"not named", "a.internal", "/", nil, login},
		{"not named, the site's own moved", "a.internal", "/?moved=1", nil, login + "?return_to=%2F%3Fmoved%3D1"},
		{"empty", "a.internal", "/", []string{""}, login},
		{"login, not named", "a.internal", "/_wx/login", nil, moved},
		{"login, not named, with a page", "a.internal", "/_wx/login?return_to=/x&scope=snsapi_userinfo", nil,
			login + "?return_to=%2Fx&scope=snsapi_userinfo&moved=1"},
		{"login, redirected before", "a.internal", "/_wx/login?moved=1", nil, weChatAuthorize},
		{"another host of the site", "a.internal", "/", []string{"www.a.example.com"}, login},
		{"login, another host of the site", "a.internal", "/_wx/login", []string{"www.a.example.com"}, moved},
		{"another host before a public Host", "a.example.com", "/", []string{"www.a.example.com"}, login},
		{"another site's host", "a.internal", "/", []string{"b.example.com"}, login},
		{"another site's host before a public Host", "a.example.com", "/", []string{"b.example.com"}, weChatAuthorize},
		{"nobody's host", "a.internal", "/", []string{"evil.example"}, login},
		{"list", "a.internal", "/", []string{"a.example.com, a.example.com"}, login},
		{"twice", "a.internal", "/", []string{"a.example.com", "a.example.com"}, login},
		{"not a host", "a.internal", "/", []string{"a.example.com/x"}, login},
		{"unknown host", "c.internal", "/", []string{"a.example.com"}, "421"},
		{"another site", "b.example.com", "/", []string{"a.example.com"}, "b"},
	} {
		header := join(asPage)
		for _, host := range tt.forwarded {
			header = append(header, "X-Forwarded-Host", host)
		}
		got := r.at(t, tt.host, "GET", tt.target, header...)
		switch location := got.location(); tt.want {
		case weChatAuthorize, "b":
			site := map[string]string{weChatAuthorize: "a", "b": "b"}[tt.want]
			if !strings.HasPrefix(location, weChatAuthorize) || queryOf(t, location).Get("appid") != "wx"+site {
				t.Errorf("%s: answer %d to %q, want WeChat for site %s", tt.name, got.StatusCode, location, site)
			}
		default:
			if location != tt.want && got.Status[:3] != tt.want {
				t.Errorf("%s: answer %d to %q, want %q", tt.name, got.StatusCode, location, tt.want)
			}
		}
	}
}

// An address that is not trusted does not tell the visitor's host.
func TestLoginUnderARewrittenHostUntrusted(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, func(c *testConfig) {
		c.Sites = []gateway.Site{siteAt(t, "a", "https://a.example.com", "a.internal")}
	})
	got := r.at(t, "a.internal", "GET", "/", join(asPage, []string{"X-Forwarded-Host", "a.example.com"})...)
	if want := "https://a.example.com/_wx/login"; got.location() != want {
		t.Errorf("answer %d to %q, want 302 to %q", got.StatusCode, got.location(), want)
	}
}

// A visitor of a rewritten host comes back to the host that they used, if they have
// their session there. The site behind gets the Host that the proxy sent.
func TestReturnToTheVisitorsHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, new(echo), func(c *testConfig) {
		c.TrustedProxies, c.PublicPaths = loopback, []string{"/static/"}
		c.CookieDomain, c.ReturnHosts = "example.com", []string{"m.example.com"}
		c.OutsideWeChat = gateway.OutsidePage
	})
	for sent, want := range map[string]string{
		"m.example.com": "https://m.example.com/cart", "M.example.com": "https://m.example.com/cart",
		"h5.example.com": "/cart", "n.example.com": "/cart",
	} {
		header := []string{"X-Forwarded-Host", sent, "X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/cart"}
		got := r.at(t, "internal", "GET", "/cart", join(asPage, header, byHTTP)...)
		if whole := strings.TrimPrefix(want, rigOrigin); got.location() != whole && got.location() != rigOrigin+whole {
			t.Errorf("X-Forwarded-Host %s, by plain http: redirect to %q, want %q", sent, got.location(), want)
		}
		got = r.at(t, "internal", "GET", "/_wx/auth?redirect=true", join(asPage, header)...)
		if back := queryOf(t, got.location()).Get("return_to"); back != want {
			t.Errorf("X-Forwarded-Host %s, forward auth: back to %q, want %q", sent, back, want)
		}
		if host := echoOf(t, r.at(t, "internal", "GET", "/static/a", header...)).Host; host != "internal" {
			t.Errorf("X-Forwarded-Host %s: the site got Host %q, want internal", sent, host)
		}
	}
}

// Only a login that starts under another host is logged, with what to do.
func TestWarningOfARewrittenHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		header []string
		want   int
	}{
		{"not named", nil, 1},
		{"named", []string{"X-Forwarded-Host", "a.example.com"}, 0},
	} {
		log := new(logBuffer)
		r := newRig(t, nil, func(c *testConfig) {
			c.Logger, c.TrustedProxies = zerolog.New(log), loopback
			c.Sites = []gateway.Site{siteAt(t, "a", "https://a.example.com", "a.internal")}
		})
		r.at(t, "a.internal", http.MethodGet, "/", join(asPage, tt.header)...)
		r.at(t, "a.internal", http.MethodGet, "/_wx/login?moved=1", join(asPage, tt.header)...)
		lines := log.level("warn")
		if len(lines) != tt.want || tt.want > 0 && !strings.Contains(lines[0], "X-Forwarded-Host") {
			t.Errorf("%s: warnings %q, want %d with the header", tt.name, lines, tt.want)
		}
	}
}
