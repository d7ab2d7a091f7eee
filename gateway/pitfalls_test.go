package gateway_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// What WeChat's browsers have been seen to do on the way back, and what becomes
// of the login.
func TestQuirks(t *testing.T) {
	t.Parallel()
	const slow = 150 * time.Millisecond
	for _, tt := range []struct {
		name     string
		quirks   wechattest.Quirks
		switches wechattest.Switches
		slow     bool // the exchange
		scope    string
		heading  string // of the page that ends the way; empty: the site
		calls    int
	}{
		{name: "none", calls: 1},
		{name: "none, with consent", scope: "?scope=snsapi_userinfo", calls: 1},
		{name: "callback twice at once", quirks: wechattest.Quirks{Double: true}, calls: 1},
		{name: "callback twice at once, slowly", quirks: wechattest.Quirks{Double: true}, slow: true, calls: 1},
		{name: "callback again during the exchange", quirks: wechattest.Quirks{Double: true, DoubleAfter: slow / 3}, slow: true, calls: 1},
		{name: "callback again after the exchange", quirks: wechattest.Quirks{Double: true, DoubleAfter: slow}, calls: 1},
		{name: "first callback abandoned", quirks: wechattest.Quirks{Double: true, AbortFirst: true}, slow: true, calls: 1},
		{name: "crawler before", quirks: wechattest.Quirks{CrawlBefore: true}, calls: 1},
		{name: "crawler after", quirks: wechattest.Quirks{CrawlAfter: true}, calls: 1},
		{name: "crawlers all around", quirks: wechattest.Quirks{CrawlBefore: true, CrawlAfter: true, Double: true}, calls: 1},
		{name: "second hop", switches: wechattest.Switches{SecondHop: true}, calls: 1},
		{name: "particular authorize page", switches: wechattest.Switches{StrictOrder: true, WeChatOnly: true, RefuseOddState: true}, calls: 1},
		{name: "answers with more fields", switches: wechattest.Switches{ExtraFields: true}, calls: 1},
		{name: "cookies lost", quirks: wechattest.Quirks{LoseCookies: true}, heading: headingNoCookies},
		{name: "opened in another browser", quirks: wechattest.Quirks{Elsewhere: true}, heading: headingNoCookies},
		{name: "state mangled", quirks: wechattest.Quirks{MangleState: true}, heading: headingRestart},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, nil)
			s.wx.SetSwitches(tt.switches)
			if tt.slow {
				s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultSlowHeader, Delay: slow})
			}
			b := s.browser()
			b.Quirks = tt.quirks
			page := s.open(b, "/_wx/login"+tt.scope)
			s.wantExchanges(tt.calls)
			if tt.heading != "" {
				wantPage(t, answerOf(page), 400, tt.heading)
				// The button begins again.
				b.Quirks = wechattest.Quirks{}
				page = s.open(b, button(t, page.Body))
				s.wantExchanges(1)
			}
			if page.Status != 200 || page.Header.Get("From-Upstream") == "" {
				t.Fatalf("ends with %d, want the site", page.Status)
			}
			if got, want := echoIn(t, page.Body).Header.Get("X-Wx-Openid"), s.openID("lihua"); got != want {
				t.Errorf("X-WX-OpenID = %q, want %q", got, want)
			}
			for _, r := range s.wx.Requests() {
				if len(r.Warnings) != 0 && !tt.switches.SecondHop {
					t.Errorf("%s: warnings %q, want none", r.Path, r.Warnings)
				}
			}
			calls := s.wx.Calls(exchangePath)
			back, err := b.Back(t.Context())
			if err != nil || back.Status != 200 || len(back.Hops) > 3 {
				t.Errorf("back button: status %d after %d answers, %v; want 200 after 3 at most", back.Status, len(back.Hops), err)
			}
			s.wantExchanges(calls)
		})
	}
}

// A desktop client was seen to give a second tab the code of the first.
func TestPreviousCode(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	s.wx.SetSwitches(wechattest.Switches{PreviousCode: true})
	b := s.browser()
	b.UserAgent = wechattest.AgentWindows
	first, second := s.callbackAddress(b, "/first"), s.callbackAddress(b, "/second")
	if a, b := queryOf(t, first).Get("code"), queryOf(t, second).Get("code"); a != b {
		t.Fatalf("codes %q and %q, want the same", a, b)
	}
	wantRedirect(t, s.get(b, first), "/first")
	// Refused as used: a new login by itself, and a bounded number of them.
	page := s.open(b, second)
	s.wantExchanges(4)
	wantPage(t, answerOf(page), 403, headingCodeRefused)
	if s.me(b).OpenID == "" {
		t.Error("the session of the first tab is gone")
	}
}

// A visitor who declines and never comes back leaves nothing behind.
func TestDeclinedSilently(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, func(c *testConfig) { c.Scope = wechat.ScopeUserInfo })
	b := s.browser()
	b.Answer = wechattest.AnswerDecline
	page := s.open(b, "/a")
	if !strings.HasPrefix(page.URL.String(), s.weChatURL) {
		t.Fatalf("ends at %s, want at WeChat", page.URL)
	}
	s.wantExchanges(0)
	b.Answer = wechattest.AnswerAgree
	if page := s.open(b, "/a"); page.Status != 200 || echoIn(t, page.Body).Target != "/a" {
		t.Errorf("asked again, the way ends with %d, want the site", page.Status)
	}
}

func TestDeclinedWithARedirect(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, func(c *testConfig) { c.Scope = wechat.ScopeUserInfo })
	b := s.browser()
	b.Answer = wechattest.AnswerDeclineRedirect
	page := s.open(b, "/a")
	wantPage(t, answerOf(page), 403, headingDeclined)
	s.wantExchanges(0)
	if page.Status != 403 {
		return
	}
	b.Answer = wechattest.AnswerAgree
	if page := s.open(b, button(t, page.Body)); page.Status != 200 || echoIn(t, page.Body).Target != "/a" {
		t.Errorf("the button ends with %d, want the site", page.Status)
	}
}

// A snapshot visitor is marked, goes with the browser, and makes room for a
// full login at once.
func TestSnapshotVisitor(t *testing.T) {
	t.Parallel()
	for _, scope := range []wechat.Scope{wechat.ScopeBase, wechat.ScopeUserInfo} {
		for _, noProfile := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, profile refused %t", scope, noProfile), func(t *testing.T) {
				t.Parallel()
				s := newLoginSite(t, func(c *testConfig) { c.Scope = scope })
				s.wx.SetSwitches(wechattest.Switches{SnapshotNoProfile: noProfile})
				b := s.browser()
				b.Visitor = "snapshot"
				a := s.get(b, s.callbackAddress(b, "/"))
				wantRedirect(t, a, "/")
				for _, c := range a.cookies("wxgate") {
					if c.Name == "wxgate" && (c.MaxAge != 0 || !c.Expires.IsZero()) {
						t.Errorf("session cookie lives for %d s until %v, want no lifetime", c.MaxAge, c.Expires)
					}
				}
				virtual := echoIn(t, s.get(b, "/").body).Header
				if virtual.Get("X-Wx-Snapshot-User") != "true" || virtual.Get("X-Wx-Openid") == "" || !s.me(b).SnapshotUser {
					t.Errorf("X-WX-Snapshot-User = %q, X-WX-OpenID %q, want true and one", virtual.Get("X-Wx-Snapshot-User"), virtual.Get("X-Wx-Openid"))
				}

				b.Visitor = "lihua"
				full := echoIn(t, s.open(b, "/_wx/login").Body).Header
				if got, want := full.Get("X-Wx-Openid"), s.openID("lihua"); got != want || full.Get("X-Wx-Snapshot-User") != "" {
					t.Errorf("after a full login X-WX-OpenID = %q (snapshot %q), want %q", got, full.Get("X-Wx-Snapshot-User"), want)
				}
			})
		}
	}
}

func TestSnapshotCookieStaysWithoutLifetime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, nil)
		b := s.browser()
		b.Visitor = "snapshot"
		s.signIn(b)
		time.Sleep(13 * time.Hour)
		a := s.get(b, "/_wx/me")
		if cookies := a.cookies("__Host-wxgate"); len(cookies) != 1 || cookies[0].MaxAge != 0 || !cookies[0].Expires.IsZero() {
			t.Errorf("renewed cookies = %q, want one without lifetime", a.Header["Set-Cookie"])
		}
	})
}

func TestSnapshotDenied(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	b.Visitor = "snapshot"
	s.signIn(b)

	// From now on they are denied: the session of before is none.
	c := s.config()
	c.DenySnapshotUsers = true
	s.use(s.replica(c))
	if me := s.me(b); me != (meAnswer{}) {
		t.Errorf("/me = %+v, want nobody", me)
	}
	callback := s.callbackAddress(b, "/a")
	a := s.get(b, callback)
	wantPage(t, a, 403, headingSnapshot)
	if me := s.me(b); me != (meAnswer{}) || strings.Contains(fmt.Sprint(a.Header["Set-Cookie"]), "wxgate=") {
		t.Errorf("/me = %+v, Set-Cookie %q, want nobody", me, a.Header["Set-Cookie"])
	}
	calls := s.wx.Calls(exchangePath)
	wantPage(t, s.get(b, callback), 400, headingRestart)
	s.wantExchanges(calls)

	b.Visitor = "lihua"
	if got, want := s.signIn(b).Header.Get("X-Wx-Openid"), s.openID("lihua"); got != want {
		t.Errorf("after a full login X-WX-OpenID = %q, want %q", got, want)
	}
}

// A visitor with a session grants more when a page asks for it.
func TestScopeUpgrade(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	b.Visitor = "xiaomei"
	if got := s.signIn(b).Header.Get("X-Wx-Nickname"); got != "" {
		t.Errorf("X-WX-Nickname = %q, want none", got)
	}
	seen := echoIn(t, s.open(b, "/_wx/login?scope=snsapi_userinfo&return_to=/profile").Body)
	if nickname, _ := url.PathUnescape(seen.Header.Get("X-Wx-Nickname")); nickname != "小美🌸✨" || seen.Target != "/profile" ||
		seen.Header.Get("X-Wx-Openid") != s.openID("xiaomei") {
		t.Errorf("at %q as %q, want /profile as 小美🌸✨", seen.Target, nickname)
	}
	s.wantExchanges(2)
}

// The old session does not survive into a new login, nor does a failed one
// harm it.
func TestLoginReplacesTheSession(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	s.signIn(b)
	b.Visitor = "wangfang"
	callback := s.callbackAddress(b, "/_wx/login")
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultHTML})
	wantPage(t, s.get(b, callback), 503, headingWeChatAway)
	if got, want := s.me(b).OpenID, s.openID("lihua"); got != want {
		t.Errorf("after a failed login /me = %q, want %q", got, want)
	}
	s.open(b, "/_wx/login")
	if got, want := s.me(b).OpenID, s.openID("wangfang"); got != want {
		t.Errorf("after a new login /me = %q, want %q", got, want)
	}
}

// With WeChat away, whoever has a session goes on as before.
func TestSessionDuringOutage(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	s.signIn(b)
	s.wx.Fault(wechattest.Fault{Mode: wechattest.FaultResetBefore, Times: -1})
	if a := s.get(b, "/a"); a.StatusCode != 200 || echoIn(t, a.body).Header.Get("X-Wx-Openid") != s.openID("lihua") {
		t.Errorf("status %d, want the site", a.StatusCode)
	}
}

// A session is bound to the account and the site, whatever keys are shared.
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
		{"another key", func(c *testConfig) { c.CookieKeys = session.Keys{bytes.Repeat([]byte{8}, 32)} }, false},
		{"a key before", func(c *testConfig) { c.CookieKeys = session.Keys{bytes.Repeat([]byte{8}, 32), c.CookieKeys[0]} }, true},
		{"a key behind", func(c *testConfig) { c.CookieKeys = session.Keys{c.CookieKeys[0], bytes.Repeat([]byte{8}, 32)} }, true},
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
				wantRedirect(t, s.get(b, pending), "/a")
				return
			}
			if a := s.get(b, "/"); a.StatusCode != 302 || queryOf(t, a.location()).Get("appid") != c.Account.AppID {
				t.Errorf("status %d to %q, want a new login", a.StatusCode, a.location())
			}
			wantPage(t, s.get(b, pending), 400, headingRestart) // a login under way is bound likewise
			s.wantExchanges(calls)
		})
	}
}

// Two replicas share nothing but the keys, even while these are rotated: a
// login begins on one and ends on the other.
func TestReplicas(t *testing.T) {
	t.Parallel()
	old, fresh := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 48)
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
			wantRedirect(t, s.get(b, callback), "/a")
			s.wantExchanges(1)
			if s.me(b).OpenID != s.openID("lihua") {
				t.Error("no session on the replica that ended the login")
			}
			wantRedirect(t, s.get(b, callback), "/a")
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

// A login that failed on one replica is over on the others too.
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

// Cookies that are no session, or no login, are nothing to speak of.
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
			wantRedirect(t, s.get(nobody, callback, cookie), "/")
		}
		s.wantExchanges(0)
	}
}
