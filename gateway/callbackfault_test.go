package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A refused code starts the login again, at most twice.
func TestCallbackCodeRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []int{40029, 40163, 41008, 42003} {
		for times, want := range []struct {
			status, calls, logins int
		}{
			{200, 1, 1}, {200, 2, 2}, {200, 3, 3}, {403, 3, 3}, {403, 3, 3},
		} {
			t.Run(fmt.Sprintf("%d given %d times", code, times), func(t *testing.T) {
				t.Parallel()
				s := newLoginSite(t, nil)
				if times > 0 {
					s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: code, Times: times})
				}
				b := s.browser()
				page := s.open(b, "/a?b")
				states := make(map[string]bool)
				for _, hop := range page.Hops {
					if strings.HasPrefix(hop.URL.Path, "/connect/") {
						states[hop.URL.Query().Get("state")] = true
					}
				}
				if page.Status != want.status || len(states) != want.logins {
					t.Errorf("status %d after %d logins, want %d after %d", page.Status, len(states), want.status, want.logins)
				}
				s.wantExchanges(want.calls)
				if want.status == 200 {
					if got := echoIn(t, page.Body).Target; got != "/a?b" {
						t.Errorf("ends at %q, want /a?b", got)
					}
					return
				}
				wantPage(t, answerOf(page), 403, headingCodeRefused)
				if me := s.me(b); me != (meAnswer{}) {
					t.Errorf("/me = %+v, want nobody", me)
				}
				// A reload does not call WeChat; the button starts a new login.
				wantPage(t, s.get(b, page.URL.String()), 400, headingRestart)
				s.wantExchanges(want.calls)
				s.wx.ClearFaults()
				if page := s.open(b, button(t, page.Body)); page.Status != 200 || echoIn(t, page.Body).Target != "/a?b" {
					t.Errorf("the button ends with %d, want the site at /a?b", page.Status)
				}
				if lines := s.log.level("error"); len(lines) != 0 {
					t.Errorf("error lines %q, want none: no operator can fix it", lines)
				}
			})
		}
	}
}

// awayFaults are outages of WeChat: no answer, or none that its API would give.
var awayFaults = []struct {
	name  string
	fault wechattest.Fault
}{
	{"hang", wechattest.Fault{Mode: wechattest.FaultHang}},
	{"header too late", wechattest.Fault{Mode: wechattest.FaultSlowHeader, Delay: time.Minute}},
	{"body too late", wechattest.Fault{Mode: wechattest.FaultSlowBody, Delay: time.Minute}},
	{"reset before", wechattest.Fault{Mode: wechattest.FaultResetBefore}},
	{"reset after", wechattest.Fault{Mode: wechattest.FaultResetAfter}},
	{"HTML", wechattest.Fault{Mode: wechattest.FaultHTML}},
	{"empty", wechattest.Fault{Mode: wechattest.FaultEmpty}},
	{"truncated", wechattest.Fault{Mode: wechattest.FaultTruncated}},
	{"no openid", wechattest.Fault{Mode: wechattest.FaultNoOpenID}},
	{"10 MiB", wechattest.Fault{Mode: wechattest.FaultHuge}},
	{"500", wechattest.Fault{Mode: wechattest.FaultStatus, Status: 500}},
	{"502", wechattest.Fault{Mode: wechattest.FaultStatus, Status: 502}},
	{"503", wechattest.Fault{Mode: wechattest.FaultStatus, Status: 503}},
	{"redirect", wechattest.Fault{Mode: wechattest.FaultStatus, Status: 302}},
	{"-1", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: -1}},
	{"minute quota", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 45011}},
	{"day quota", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 45009}},
}

func TestCallbackWeChatAway(t *testing.T) {
	t.Parallel()
	for _, tt := range awayFaults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, func(c *testConfig) {
				if f := tt.fault; f.Mode == wechattest.FaultHang || f.Delay > 0 {
					c.Account.Timeout = time.Second
				}
			})
			tt.fault.Path = exchangePath
			b := s.browser()
			callback := s.callbackAddress(b, "/a?b")
			s.wx.Fault(tt.fault)
			a := s.get(b, callback)
			wantPage(t, a, 503, headingWeChatAway)
			if got := a.Header.Get("Retry-After"); got != "5" {
				t.Errorf("Retry-After = %q, want 5", got)
			}
			s.wantExchanges(1)
			if me := s.me(b); me != (meAnswer{}) {
				t.Errorf("/me = %+v, want nobody", me)
			}
			if lines := s.log.level("warn"); len(lines) != 1 || len(s.log.level("error")) != 0 {
				t.Errorf("warnings %q, want one, and no error", lines)
			}
			wantPage(t, s.get(b, callback), 400, headingRestart)
			s.wantExchanges(1)
			if page := s.open(b, button(t, a.body)); page.Status != 200 || echoIn(t, page.Body).Target != "/a?b" {
				t.Errorf("the button ends with %d, want the site at /a?b", page.Status)
			}
			s.wantExchanges(2)
		})
	}
}

// A callback that fails in an outage gets the same answer when it is repeated,
// during the call and after it. The code is sent once.
func TestCallbackOutageIsShared(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultResetAfter, Times: -1})
	b := s.browser()
	callback := s.callbackAddress(b, "/a")
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { wantPage(t, s.get(s.copyOf(b), callback), 503, headingWeChatAway) })
	}
	all.Wait()
	wantPage(t, s.get(s.copyOf(b), callback), 503, headingWeChatAway)
	s.wantExchanges(1)
}

// An odd answer of WeChat's that says all that is needed is accepted.
func TestCallbackOddAnswers(t *testing.T) {
	t.Parallel()
	for _, mode := range []wechattest.FaultMode{wechattest.FaultWrongTypes, wechattest.FaultContentType, wechattest.FaultGzip} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, nil)
			s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: mode})
			b := s.browser()
			if got, want := s.signIn(b).Header.Get("X-Wx-Openid"), s.openID("lihua"); got != want {
				t.Errorf("X-WX-OpenID = %q, want %q", got, want)
			}
			s.wantExchanges(1)
		})
	}
}

// An error that only the operator can fix is logged once, with a hint. The visitor
// sees a page that says that the site is misconfigured.
func TestCallbackOperatorFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code    int
		message string
		hint    string
	}{
		{40001, "", "AppSecret does not belong to the AppID"},
		{40013, "", "compare it with the one in the account's console"},
		{40125, "", "AppSecret does not belong to the AppID"},
		{61004, "access clientip is not registered requestIP: 203.0.113.7", "add 203.0.113.7 to the account's IP allow-list"},
		{40164, "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist", "add 203.0.113.7 to the account's IP allow-list"},
		{40243, "", "frozen"},
		{48001, "", "verified service account"},
		{89503, "", "administrator has to confirm it"},
		{99999, "something new", ""},
		{40002, "", ""},
	} {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, nil)
			s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: tt.code, Message: tt.message, Times: -1})
			b := s.browser()
			callback := s.callbackAddress(b, "/a")
			a := s.get(b, callback)
			wantPage(t, a, 502, headingMisconfigured)
			lines := s.log.level("error")
			if len(lines) != 1 || !strings.Contains(lines[0], tt.hint) || !strings.Contains(lines[0], fmt.Sprint(tt.code)) {
				t.Errorf("error lines %q, want one with %d and %q", lines, tt.code, tt.hint)
			}
			if tt.hint != "" && strings.Contains(a.body, tt.hint) {
				t.Error("the page shows the operator's hint to the visitor")
			}
			wantPage(t, s.get(b, callback), 400, headingRestart)
			s.wantExchanges(1)
			s.wx.ClearFaults()
			if page := s.open(b, button(t, a.body)); page.Status != 200 {
				t.Errorf("after the fix, the button ends with %d, want 200", page.Status)
			}
		})
	}
}

// An error that the operator has to fix does not start the login again.
func TestCallbackOperatorFaultDoesNotLoop(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	s.wx.FreezeSecret(wechattest.StockAppID)
	page := s.open(s.browser(), "/")
	if page.Status != 502 || len(page.Hops) != 3 {
		t.Errorf("status %d after %d answers, want 502 after 3", page.Status, len(page.Hops))
	}
}

func TestCallbackVisitorRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []int{50001, 50002, 50004, 40226} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, nil)
			s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: code})
			b := s.browser()
			callback := s.callbackAddress(b, "/a")
			wantPage(t, s.get(b, callback), 403, headingForbidden)
			if lines := s.log.level("error"); len(lines) != 0 {
				t.Errorf("error lines %q, want none", lines)
			}
			wantPage(t, s.get(b, callback), 400, headingRestart)
			s.wantExchanges(1)
		})
	}
}

// During an outage of WeChat, visitors with a session are not affected.
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

// A callback is answered by a page, also if the request looks like a script's.
func TestCallbackFailsWithAPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		visitor   string
		configure func(*testConfig)
		fault     wechattest.Fault
		status    int
		heading   string
	}{
		{"outage", "lihua", nil, wechattest.Fault{Mode: wechattest.FaultHTML}, 503, headingWeChatAway},
		{"visitor refused", "lihua", nil, wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 50002}, 403, headingForbidden},
		{"misconfigured", "lihua", nil, wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 40125}, 502, headingMisconfigured},
		{"snapshot user", "snapshot", func(c *testConfig) { c.DenySnapshotUsers = true }, wechattest.Fault{}, 403, headingSnapshot},
		{"not following", "tom", requireFollow, wechattest.Fault{}, 403, headingFollow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginMemorySite(t, tt.configure)
			b := s.browser()
			b.Visitor = tt.visitor
			callback := s.callbackAddress(b, "/a")
			if tt.fault.Mode != "" {
				tt.fault.Path = exchangePath
				s.wx.Fault(tt.fault)
			}
			wantPage(t, s.get(b, callback, asScript), tt.status, tt.heading)
		})
	}
}

// A callback whose client leaves while the exchange fails is neither answered nor
// counted. The next one gets the answer.
func TestCallbackFailsAfterTheClientLeft(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	s := newLoginMemorySite(t, func(c *testConfig) {
		network := c.Account.Transport
		c.Account.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == exchangePath {
				leave()
			}
			return network.RoundTrip(r)
		})
	})
	b := s.browser()
	callback := s.callbackAddress(b, "/a")
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultHTML})
	a := s.get(b, callback, func(r *http.Request) { *r = *r.WithContext(ctx) })
	if a.body != "" || len(a.cookies("")) > 0 || s.loginCount("wechat_away") != 0 {
		t.Errorf("answer %v %q, %v failed logins counted, want none", a.Header, a.body, s.loginCount("wechat_away"))
	}
	if log := s.log.String(); !strings.Contains(log, `"path":"/_wx/callback","status":499`) {
		t.Errorf("log %s, want the callback with status 499", log)
	}
	wantPage(t, s.get(b, callback), 503, headingWeChatAway)
	if got := s.loginCount("wechat_away"); got != 1 {
		t.Errorf("failed logins counted = %v, want 1", got)
	}
	s.wantExchanges(1)
}
