package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// Behaviour of WeChat's browsers at the callback that has been observed or
// reported.
func TestQuirks(t *testing.T) {
	t.Parallel()
	const slow = 150 * time.Millisecond
	for _, tt := range []struct {
		name     string
		quirks   wechattest.Quirks
		switches wechattest.Switches
		slow     bool // the exchange
		scope    string
		heading  string // of the last page; empty: the site
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
				// The button starts a new login.
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

// A desktop client has been seen to give a second tab the code of the first.
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
	wantRedirect(t, s.get(b, first), "/first#")
	// The used code is refused, and so is that of each login started again.
	page := s.open(b, second)
	s.wantExchanges(4)
	wantPage(t, answerOf(page), 403, headingCodeRefused)
	if s.me(b).OpenID == "" {
		t.Error("the session of the first tab is gone")
	}
}

// A visitor who declines and does not come back can sign in later.
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
		t.Errorf("the second login ends with %d, want the site", page.Status)
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
