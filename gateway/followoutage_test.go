package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// During an outage, a failed call about one visitor spares the others with an
// answer a call of their own.
func TestFollowOutageIsShared(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		other := s.browser()
		other.Visitor = "alice"
		s.signIn(b)
		s.signIn(other)
		time.Sleep(time.Hour)
		s.wx.Fault(wechattest.Fault{Path: userPath, Times: -1, Mode: wechattest.FaultErrcode, Code: -1})
		s.wantAdmitted(b, "the first")
		s.wantAdmitted(other, "the second")
		s.wantFollowCalls(3, "about both")
		time.Sleep(4 * time.Second)
		s.wantAdmitted(other, "later")
		s.wantFollowCalls(4, "later")
	})
}

// When WeChat does not answer, is out of quota or refuses, followers are admitted
// for a day.
func TestFollowWeChatAway(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault wechattest.Fault
		level string // of the log lines
	}{
		{"system error", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: -1}, "warn"},
		{"out of quota", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 45009}, "warn"},
		{"no right", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 48001}, "error"},
		{"no JSON", wechattest.Fault{Mode: wechattest.FaultHTML}, "warn"},
		{"no answer", wechattest.Fault{Mode: wechattest.FaultHang}, "warn"},
		{"about another", wechattest.Fault{Mode: wechattest.FaultNoOpenID}, "warn"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
				s.signIn(b)
				test.fault.Path, test.fault.Times = userPath, -1
				s.wx.Fault(test.fault)
				time.Sleep(time.Hour)
				start := time.Now()
				s.wantAdmitted(b, "during the outage")
				if got := time.Since(start); got > time.Second {
					t.Errorf("the request took %s, want at most a second", got)
				}
				asked := s.wx.Calls(userPath)
				s.wantAdmitted(b, "once more")
				s.wantFollowCalls(asked, "at once after a failure")
				time.Sleep(22 * time.Hour)
				s.wantAdmitted(b, "nearly a day later")

				time.Sleep(2 * time.Hour)
				a := s.get(b, "/shop")
				wantPage(t, a, http.StatusServiceUnavailable, headingWeChatAway)
				if a.Header.Get("Retry-After") != "3" || button(t, a.body) != "/shop" {
					t.Errorf("Retry-After %q, button to %q, want 3 and /shop", a.Header.Get("Retry-After"), button(t, a.body))
				}
				if policy := a.Header.Get("Content-Security-Policy"); strings.Contains(policy, "pictures.example.com") {
					t.Errorf("Content-Security-Policy = %q, want it without the origin of the QR code", policy)
				}
				if a := s.get(b, "/api", asScript); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, `"error":"wechat_unavailable"`) {
					t.Errorf("script: %d %s, want 503 wechat_unavailable", a.StatusCode, a.body)
				}
				if len(s.log.level(test.level)) == 0 || strings.Contains(s.log.String(), s.openID("lihua")) {
					t.Errorf("log: %s", s.log)
				}
				s.wx.ClearFaults()
				time.Sleep(4 * time.Second)
				s.wantAdmitted(b, "after the outage")
				s.wantExchanges(1)
			})
		})
	}
}

// A visitor who signs in during an outage has a session, and is admitted after
// it.
func TestFollowUnknownAtLogin(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		s.wx.Fault(wechattest.Fault{Path: userPath, Times: -1, Mode: wechattest.FaultErrcode, Code: -1})
		a := s.get(b, s.callbackAddress(b, "/shop?item=1"))
		wantPage(t, a, http.StatusServiceUnavailable, headingWeChatAway)
		if got := button(t, a.body); got != "/shop?item=1" {
			t.Errorf("button leads to %q, want the page of the login", got)
		}
		wantPage(t, s.get(b, "/shop"), http.StatusServiceUnavailable, headingWeChatAway)
		s.wantFollowCalls(1, "after pressing the button at once")
		time.Sleep(4 * time.Second)
		s.wx.ClearFaults()
		s.wantAdmitted(b, "after the outage")
		s.wantExchanges(1)
	})
}

// A session that is due is renewed also while WeChat does not say whether its
// visitor follows.
func TestFollowOutageRenewsTheSession(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		s.signIn(b)
		s.wx.Fault(wechattest.Fault{Path: userPath, Times: -1, Mode: wechattest.FaultErrcode, Code: -1})
		time.Sleep(49 * time.Hour) // of 96
		a := s.get(b, "/shop")
		wantPage(t, a, http.StatusServiceUnavailable, headingWeChatAway)
		if a.sessionCookie() == "" {
			t.Errorf("Set-Cookie = %q, want the session renewed", a.Header["Set-Cookie"])
		}
	})
}
