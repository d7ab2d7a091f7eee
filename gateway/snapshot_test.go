package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A snapshot visitor is marked as such, has a session until the browser is closed,
// and can sign in in full at any time.
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
				wantRedirect(t, a, "/#")
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

	// Now they are denied: the earlier session is not accepted, and no profile is
	// fetched.
	c := s.config()
	c.Scope = wechat.ScopeUserInfo
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
	if got := s.wx.Calls(userInfoPath); got != 0 {
		t.Errorf("calls of %s = %d, want none", userInfoPath, got)
	}
	calls := s.wx.Calls(exchangePath)
	wantPage(t, s.get(b, callback), 400, headingRestart)
	s.wantExchanges(calls)

	b.Visitor = "lihua"
	if got, want := s.signIn(b).Header.Get("X-Wx-Openid"), s.openID("lihua"); got != want {
		t.Errorf("after a full login X-WX-OpenID = %q, want %q", got, want)
	}
}
