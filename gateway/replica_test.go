package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A session is bound to account and site, also if others have the same keys.
func TestSessionIsBound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*testConfig)
		valid  bool
	}{
		{"another replica", func(*testConfig) {}, true},
		{"another account", func(c *testConfig) {
			c.Account = &wechat.Client{AppID: "wx0000000000000001", AppSecret: "x", APIURL: c.Account.APIURL, OpenURL: c.Account.OpenURL}
		}, false},
		{"another site", func(c *testConfig) { c.PublicURL = "http://127.0.0.1:1" }, false},
		{"another scheme", func(c *testConfig) { c.PublicURL = strings.Replace(c.PublicURL, "http:", "https:", 1) }, false},
		{"another cookie name", func(c *testConfig) { c.CookieName = "other" }, false},
		{"another key", func(c *testConfig) { c.CookieKeys = session.Keys{randomKey(8)} }, false},
		{"another key first", func(c *testConfig) { c.CookieKeys = session.Keys{randomKey(8), c.CookieKeys[0]} }, true},
		{"another key last", func(c *testConfig) { c.CookieKeys = session.Keys{c.CookieKeys[0], randomKey(8)} }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, nil)
			b := s.browser()
			pending := s.callbackAddress(b, "/a")
			s.signIn(b)
			c := s.config()
			tt.change(&c)
			s.use(s.replica(c))
			if valid := s.me(b) != (meAnswer{}); valid != tt.valid {
				t.Errorf("the session is valid: %t, want %t", valid, tt.valid)
			}
			calls := s.wx.Calls(exchangePath)
			if tt.valid {
				wantRedirect(t, s.get(b, pending), "/a#")
				return
			}
			if a := s.get(b, "/"); a.StatusCode != 302 || queryOf(t, a.location()).Get("appid") != c.Account.AppID {
				t.Errorf("status %d to %q, want a new login", a.StatusCode, a.location())
			}
			wantPage(t, s.get(b, pending), 400, headingRestart) // so is a pending login
			s.wantExchanges(calls)
		})
	}
}

// A login can start on one replica and finish on another. They share only the keys,
// also while these are rotated.
func TestReplicas(t *testing.T) {
	t.Parallel()
	old, fresh := randomKey(1), append(randomKey(2), randomKey(3)[:16]...)
	for _, tt := range []struct {
		name          string
		first, second session.Keys
	}{
		{"same keys", session.Keys{old}, session.Keys{old}},
		{"new key made known", session.Keys{old}, session.Keys{old, fresh}},
		{"new key in use", session.Keys{old, fresh}, session.Keys{fresh, old}},
		{"back again", session.Keys{fresh, old}, session.Keys{old, fresh}},
		{"old key gone", session.Keys{fresh, old}, session.Keys{fresh}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, func(c *testConfig) { c.CookieKeys = tt.first })
			c := s.config()
			c.CookieKeys = tt.second
			first, second := s.gateway, s.replica(c)
			b := s.browser()
			callback := s.callbackAddress(b, "/a")
			s.use(second)
			wantRedirect(t, s.get(b, callback), "/a#")
			s.wantExchanges(1)
			if s.me(b).OpenID != s.openID("lihua") {
				t.Error("no session on the replica that ended the login")
			}
			wantRedirect(t, s.get(b, callback), "/a#")
			s.wantExchanges(1)
			if tt.name == "old key gone" {
				s.use(first)
			}
			if a := s.get(b, "/"); a.StatusCode != 200 {
				t.Errorf("status = %d, want the site", a.StatusCode)
			}
		})
	}
}

// A login that failed on one replica is finished on the others too.
func TestReplicasSpendAFailedLogin(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	callback := s.callbackAddress(b, "/a")
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultResetAfter})
	wantPage(t, s.get(b, callback), 503, headingWeChatAway)
	s.use(s.replica(s.config()))
	a := s.get(b, callback)
	wantPage(t, a, 400, headingRestart)
	s.wantExchanges(1)
	if page := s.open(b, button(t, a.body)); page.Status != 200 || echoIn(t, page.Body).Target != "/a" {
		t.Errorf("the button ends with %d, want the site at /a", page.Status)
	}
}

// Invalid cookies are ignored, and lead to the login like none.
func TestInvalidCookies(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	callback := s.callbackAddress(b, "/a")
	state := queryOf(t, callback).Get("state")
	s.signIn(b)
	u, _ := url.Parse(s.url)
	var good string
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == "wxgate" {
			good = c.Value
		}
	}
	login := "wxgate_login_" + state[:16]
	for _, tt := range []struct {
		name   string
		cookie string
		status int // of /me
	}{
		{"good", "wxgate=" + good, 200},
		{"garbage", "wxgate=garbage", 401},
		{"empty", "wxgate=", 401},
		{"oversized", "wxgate=" + strings.Repeat("A", 20_000), 401},
		{"tampered", "wxgate=" + strings.ToLower(good[:40]) + good[40:], 401},
		{"shortened", "wxgate=" + good[:len(good)/2], 401},
		{"by another name", "wxgatex=" + good, 401},
		{"garbage first", "wxgate=garbage; wxgate=" + good, 200},
		{"garbage last", "wxgate=" + good + "; wxgate=garbage", 200},
		{"session as a login", login + "=" + good, 401},
	} {
		cookie := func(r *http.Request) { r.Header.Set("Cookie", tt.cookie) }
		nobody := s.browser()
		if a := s.get(nobody, "/_wx/me", cookie); a.StatusCode != tt.status {
			t.Errorf("%s: /me = %d, want %d", tt.name, a.StatusCode, tt.status)
		}
		s.wx.ClearRequests()
		if tt.status == 401 {
			s.authorizeAddress(nobody, "/", cookie) // a login, never an error page
			wantPage(t, s.get(nobody, callback, cookie), 400, headingRestart)
		} else {
			wantRedirect(t, s.get(nobody, callback, cookie), "/#")
		}
		s.wantExchanges(0)
	}
}
