package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// With snsapi_userinfo the profile is fetched once. Without the profile there is
// no session.
func TestCallbackProfile(t *testing.T) {
	t.Parallel()
	userInfo := func(c *testConfig) { c.Scope = wechat.ScopeUserInfo }
	t.Run("fetched once", func(t *testing.T) {
		t.Parallel()
		s := newLoginSite(t, userInfo)
		b := s.browser()
		b.Visitor = "xiaomei"
		seen := s.signIn(b)
		nickname, err := url.PathUnescape(seen.Header.Get("X-Wx-Nickname"))
		if err != nil || nickname != "小美🌸✨" {
			t.Errorf("X-WX-Nickname = %q, want 小美🌸✨ percent-encoded", seen.Header.Get("X-Wx-Nickname"))
		}
		if got := seen.Header.Get("X-Wx-Scope"); got != "snsapi_userinfo" {
			t.Errorf("X-WX-Scope = %q, want snsapi_userinfo", got)
		}
		if avatar := seen.Header.Get("X-Wx-Avatar"); !strings.HasPrefix(avatar, s.weChatURL+"/") {
			t.Errorf("X-WX-Avatar = %q, want one of the emulator's", avatar)
		}
		s.get(b, "/again")
		s.get(b, "/_wx/me")
		if got := s.wx.Calls(userInfoPath); got != 1 {
			t.Errorf("calls of %s = %d, want 1", userInfoPath, got)
		}
	})
	t.Run("not fetched for snsapi_base", func(t *testing.T) {
		t.Parallel()
		s := newLoginSite(t, nil)
		seen := s.signIn(s.browser())
		if got := seen.Header.Get("X-Wx-Nickname"); got != "" || s.wx.Calls(userInfoPath) != 0 {
			t.Errorf("X-WX-Nickname = %q after %d calls, want none", got, s.wx.Calls(userInfoPath))
		}
	})
	faults := append(awayFaults[:len(awayFaults):len(awayFaults)],
		struct {
			name  string
			fault wechattest.Fault
		}{"48001", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 48001}},
		struct {
			name  string
			fault wechattest.Fault
		}{"40001", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 40001}},
		struct {
			name  string
			fault wechattest.Fault
		}{"40003", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 40003}},
	)
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, func(c *testConfig) {
				userInfo(c)
				if f := tt.fault; f.Mode == wechattest.FaultHang || f.Delay > 0 {
					c.Account.Timeout = time.Second
				}
			})
			tt.fault.Path, tt.fault.Times = userInfoPath, -1
			b := s.browser()
			callback := s.callbackAddress(b, "/a")
			s.wx.Fault(tt.fault)
			a := s.get(b, callback)
			wantPage(t, a, 503, headingWeChatAway)
			if got := a.Header.Get("Retry-After"); got != "5" {
				t.Errorf("Retry-After = %q, want 5", got)
			}
			if me := s.me(b); me != (meAnswer{}) {
				t.Errorf("/me = %+v, want nobody", me)
			}
			wantPage(t, s.get(b, callback), 400, headingRestart)
			s.wantExchanges(1)
			s.wx.ClearFaults()
			if page := s.open(b, button(t, a.body)); page.Status != 200 {
				t.Errorf("the button ends with %d, want 200", page.Status)
			}
		})
	}
}

// profileSite makes a site that asks for the profile, whose exchange answers with
// the given fields beside token and openid.
func profileSite(t *testing.T, fields string) *loginSite {
	t.Helper()
	return newLoginMemorySite(t, func(c *testConfig) {
		c.Scope = wechat.ScopeUserInfo
		network := c.Account.Transport
		c.Account.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			switch r.URL.Path {
			case exchangePath:
				return secretAnswer(`{"access_token":"token","openid":"oVISITOR",` + fields + `}`)
			case userInfoPath:
				return secretAnswer(`{"openid":"oVISITOR","nickname":"Ann"}`)
			}
			return network.RoundTrip(r)
		})
	})
}

// The profile is only fetched if the visitor granted it, and does not remove the
// unionid of the exchange.
func TestCallbackProfileOfTheGrant(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fields, nickname, unionID string }{
		{`"scope":"snsapi_userinfo","unionid":"uVISITOR"`, "Ann", "uVISITOR"},
		{`"scope":"snsapi_base","unionid":"uVISITOR"`, "", "uVISITOR"},
		{`"scope":"snsapi_userinfo"`, "Ann", ""},
	} {
		s := profileSite(t, tt.fields)
		b := s.browser()
		wantRedirect(t, s.get(b, s.callbackAddress(b, "/a")), "/a#")
		if me := s.me(b); me.OpenID != "oVISITOR" || me.Nickname != tt.nickname || me.UnionID != tt.unionID {
			t.Errorf("exchange with %s: /me = %+v, want nickname %q and unionid %q", tt.fields, me, tt.nickname, tt.unionID)
		}
	}
}

// A profile that the account may not fetch is the operator's to fix.
func TestCallbackProfileHint(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, func(c *testConfig) { c.Scope = wechat.ScopeUserInfo })
	s.wx.Fault(wechattest.Fault{Path: userInfoPath, Mode: wechattest.FaultErrcode, Code: 48001})
	b := s.browser()
	wantPage(t, s.get(b, s.callbackAddress(b, "/a")), 503, headingWeChatAway)
	if lines := s.log.level("error"); len(lines) != 1 || !strings.Contains(lines[0], `"hint":"`) {
		t.Errorf("error lines %q, want one with a hint", lines)
	}
}
