package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestPageConfig(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, nil)
	callback := s.url + "/_wx/callback"
	for _, tt := range []struct{ name, query, redirectURI string }{
		{"default", "", callback},
		{"empty", "?redirect_uri=", callback},
		{"the callback", "?redirect_uri=https://h5.example.com/_wx/callback", callback},
		{"page", "?redirect_uri=https://h5.example.com/guest", s.url + "/guest"},
		{"bare origin", "?redirect_uri=https://h5.example.com", s.url},
		{"query", "?redirect_uri=https%3A%2F%2Fh5.example.com%2Fguest%3Fa%3D1%2B2%26b%3D%252F%26b", s.url + "/guest?a=1+2&b=%2F&b"},
		{"hash route", "?redirect_uri=https%3A%2F%2Fh5.example.com%2F%23%2Fguest", s.url + "/#/guest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := s.browser()
			a := s.get(b, "/_wx/config"+tt.query) // JSON to a page load too
			var got pageConfig
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.StatusCode != 200 {
				t.Fatalf("answer %d %q, want 200 and JSON", a.StatusCode, a.body)
			}
			want := pageConfig{wechattest.StockAppID, "snsapi_base", got.State, (&wechat.Client{AppID: wechattest.StockAppID}).AuthorizeURL(wechat.Authorize{
				RedirectURI: tt.redirectURI, State: got.State, ConnectRedirect: true,
			})}
			if got != want || len(got.State) != 32 {
				t.Errorf("/config%s = %+v, want %+v", tt.query, got, want)
			}
			if cookies := a.cookies(""); len(cookies) != 1 || cookies[0].Name != "__Host-wxgate_login_"+got.State[:16] {
				t.Errorf("Set-Cookie = %q, want the cookie of this login alone", a.Header["Set-Cookie"])
			}
		})
	}
	got := s.pageConfig(s.browser(), "?scope=snsapi_userinfo")
	if got.Scope != "snsapi_userinfo" || queryOf(t, got.AuthorizeURL).Get("scope") != "snsapi_userinfo" {
		t.Errorf("with a scope: %+v, want snsapi_userinfo", got)
	}
}

func TestPageConfigRefused(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, func(c *testConfig) { c.ReturnHosts = []string{"m.example.com"} })
	queries := []string{"?scope=snsapi_login", "?redirect_uri=https://h5.example.com/&redirect_uri=https://h5.example.com/", "?redirect_uri=%zz"}
	notReturnable := []string{"https://h5.example.com/商店", "https://h5.example.com/\\evil.example", "https://h5.example.com/" + strings.Repeat("a", 2000)}
	for _, address := range append(notReturnable, notOwnPages...) {
		queries = append(queries, "?redirect_uri="+url.QueryEscape(address))
	}
	for _, query := range queries {
		a := s.get(s.browser(), "/_wx/config"+query, asScript)
		wantRefusal(t, a, 400, "invalid_request")
		if t.Failed() || len(a.cookies("")) != 0 {
			t.Fatalf("/config%s sets %q, want no cookie", query, a.Header["Set-Cookie"])
		}
	}
}

// OutsideWeChat applies to the login of a page as to a page load.
func TestPageConfigOutsideWeChat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		setting gateway.OutsideWeChat
		status  int
	}{{gateway.OutsideRedirect, 200}, {gateway.OutsidePage, 403}, {gateway.OutsideDeny, 403}} {
		s := newLoginMemorySite(t, func(c *testConfig) { c.OutsideWeChat = tt.setting })
		b := s.browser()
		if a := s.get(b, "/_wx/config"); a.StatusCode != 200 {
			t.Errorf("%s: in WeChat %d, want 200", tt.setting, a.StatusCode)
		}
		b.UserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36"
		if a := s.get(b, "/_wx/config"); a.StatusCode != tt.status {
			t.Errorf("%s: outside WeChat %d, want %d", tt.setting, a.StatusCode, tt.status)
		}
	}
}

// A login through the callback leads back to the page that fetched /config.
func TestPageConfigByCallback(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	for _, tt := range []struct{ referer, want string }{
		{s.url + "/guest?a=b", s.url + "/guest?a=b"},
		{"https://evil.example/", "/"},
		{"", "/"},
	} {
		b := s.browser()
		a := s.get(b, "/_wx/config", asScript, func(r *http.Request) { r.Header.Set("Referer", tt.referer) })
		var c pageConfig
		if err := json.Unmarshal([]byte(a.body), &c); err != nil {
			t.Fatal(err)
		}
		page := s.open(b, c.AuthorizeURL)
		if got := echoIn(t, page.Body).Target; got != strings.TrimPrefix(tt.want, s.url) || page.Hops[1].URL.Path != "/_wx/callback" {
			t.Errorf("Referer %q: ends at %q, want %q", tt.referer, got, tt.want)
		}
	}
}
