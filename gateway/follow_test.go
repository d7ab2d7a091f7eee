package gateway_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const userPath = "/cgi-bin/user/info"

// requireFollow configures a site that only followers may enter.
func requireFollow(c *testConfig) {
	c.RequireFollow = true
	c.Tokens = &wechat.TokenSource{Client: c.Account}
	c.FollowQRURL = "https://pictures.example.com/qr.png"
	c.FollowRecheck = 10 * time.Minute
	c.PublicPaths, c.APIPaths = []string{"/static/"}, []string{"/api"}
	c.SessionTTL = 96 * time.Hour
}

// testFollowSite runs a test in a bubble of synctest, with a site that requires
// following and a browser of the visitor.
func testFollowSite(t *testing.T, visitor string, test func(t *testing.T, s *loginSite, b *wechattest.Browser)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, requireFollow)
		b := s.browser()
		b.Visitor = visitor
		test(t, s, b)
	})
}

// wantAdmitted checks that a page load reaches the site as a follower's.
func (s *loginSite) wantAdmitted(b *wechattest.Browser, when string) {
	s.t.Helper()
	a := s.get(b, "/shop")
	if a.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: status %d %s, want the site", when, a.StatusCode, headingElement.FindString(a.body))
	}
	h := echoIn(s.t, a.body).Header
	if h.Get("X-Wx-Openid") != s.openID(b.Visitor) || h.Get("X-Wx-Subscribed") != "true" {
		s.t.Errorf("%s: the site saw openid %q, subscribed %q", when, h.Get("X-Wx-Openid"), h.Get("X-Wx-Subscribed"))
	}
}

// wantFollowCalls checks how often WeChat was asked whether a visitor follows.
func (s *loginSite) wantFollowCalls(want int, when string) {
	s.t.Helper()
	if got := s.wx.Calls(userPath); got != want {
		s.t.Errorf("%s: WeChat was asked %d times, want %d", when, got, want)
	}
}

func TestFollower(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		s.signIn(b)
		s.wantAdmitted(b, "after the login")
		s.wantFollowCalls(1, "after the login")
		if a := s.get(b, "/_wx/me", asScript); !strings.Contains(a.body, `"subscribed":true`) {
			t.Errorf("/me = %s, want subscribed true", a.body)
		}
		expires := s.me(b).ExpiresAt
		time.Sleep(9 * time.Minute)
		s.wantAdmitted(b, "within the recheck time")
		s.wantFollowCalls(1, "within the recheck time")
		for i := range 5 {
			time.Sleep(10*time.Minute + time.Second)
			s.wantAdmitted(b, "after the recheck time")
			s.get(b, "/api", asScript)
			s.wantFollowCalls(2+i, "after the recheck time")
		}
		if got := s.me(b).ExpiresAt; got != expires {
			t.Errorf("the session expires at %s, want %s: a new answer does not renew it", got, expires)
		}
		restart := func() { s.use(s.replica(s.config())) } // with nothing in memory
		restart()
		s.wantAdmitted(b, "with another replica")
		s.wantFollowCalls(6, "with another replica")
		time.Sleep(time.Hour)
		s.get(b, "/static/app.js")
		s.wantFollowCalls(6, "for a public path")
		s.wantAdmitted(b, "an hour later")
		s.wantFollowCalls(7, "an hour later")
		// A visitor who stops following is refused when the answer is too old.
		s.wx.SetFollows(wechattest.StockAppID, "lihua", false)
		time.Sleep(10*time.Minute + time.Second)
		wantPage(t, s.get(b, "/shop"), http.StatusForbidden, headingFollow)
		s.wantFollowCalls(8, "when the answer is too old")
		restart()
		if a := s.get(b, "/api", asScript); a.StatusCode != http.StatusForbidden {
			t.Errorf("with another replica: status %d, want 403", a.StatusCode)
		}
		s.wantFollowCalls(8, "with another replica")
		s.wantExchanges(1)
	})
}

// An openid that WeChat does not know as the account's does not follow it.
func TestFollowUnknownOpenID(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		s.wx.Fault(wechattest.Fault{Path: userPath, Mode: wechattest.FaultErrcode, Code: 40003})
		wantPage(t, s.get(b, s.callbackAddress(b, "/shop")), http.StatusForbidden, headingFollow)
	})
}

func TestNotFollowing(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "tom", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		a := s.get(b, s.callbackAddress(b, "/shop?item=1"))
		wantPage(t, a, http.StatusForbidden, headingFollow)
		if got := button(t, a.body); got != "/shop?item=1" {
			t.Errorf("button leads to %q, want the page of the login", got)
		}
		if !strings.Contains(a.body, `<img src="https://pictures.example.com/qr.png"`) ||
			!strings.Contains(a.Header.Get("Content-Security-Policy"), "img-src 'self' data: https://pictures.example.com;") {
			t.Errorf("the page does not show the QR code: %q", a.Header.Get("Content-Security-Policy"))
		}
		s.wantFollowCalls(1, "at the login")

		wantPage(t, s.get(b, "/shop?item=2"), http.StatusForbidden, headingFollow)
		a = s.get(b, "/api", asScript)
		if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, `"error":"not_following"`) {
			t.Errorf("script: %d %s, want 403 not_following", a.StatusCode, a.body)
		}
		if a := s.get(b, "/_wx/me", asScript); !strings.Contains(a.body, `"subscribed":false`) {
			t.Errorf("/me = %s, want subscribed false", a.body)
		}
		a = s.get(b, "/static/app.js")
		if h := echoIn(t, a.body).Header; a.StatusCode != http.StatusOK || len(hasPrefixFold(h, "x-wx-")) > 0 {
			t.Errorf("public path: %d with %q, want it without identity", a.StatusCode, hasPrefixFold(h, "x-wx-"))
		}
		s.wantFollowCalls(1, "at once")

		// A visitor who presses the button again and again without following costs
		// one call in three seconds.
		for range 20 {
			time.Sleep(time.Second)
			wantPage(t, s.get(b, "/shop?item=1"), http.StatusForbidden, headingFollow)
		}
		if got := s.wx.Calls(userPath); got < 5 || got > 8 {
			t.Errorf("WeChat was asked %d times in twenty seconds, want once each three or four", got)
		}
		// Requests of a script cost no call.
		before := s.wx.Calls(userPath)
		for range 30 {
			time.Sleep(time.Second)
			s.get(b, "/orders", asScript)
			s.get(b, "/api") // a page load of an API path is answered as a script's request
		}
		s.wantFollowCalls(before, "by a script")

		s.wx.SetFollows(wechattest.StockAppID, "tom", true)
		s.wantAdmitted(b, "after following and pressing the button")
		s.wantExchanges(1) // there was no second login
		if a := s.get(b, "/api", asScript); a.StatusCode != http.StatusOK {
			t.Errorf("script after following: %d, want 200", a.StatusCode)
		}
	})
}

// Many requests of one visitor whose answer is too old cost one call, and none of
// them waits for it longer than a second.
func TestFollowOneCallAtATime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		slow    time.Duration
		longest time.Duration
	}{
		{"quick", 500 * time.Millisecond, 500 * time.Millisecond},
		{"slow", 3 * time.Second, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
				s.signIn(b)
				time.Sleep(time.Hour)
				s.wx.Fault(wechattest.Fault{Path: userPath, Times: -1, Mode: wechattest.FaultSlowHeader, Delay: test.slow})
				var all sync.WaitGroup
				for range 50 {
					twin := s.copyOf(b)
					twin.Visitor = b.Visitor
					all.Go(func() {
						start := time.Now()
						s.wantAdmitted(twin, "together")
						if got := time.Since(start); got > test.longest {
							t.Errorf("it took %s, want %s at most", got, test.longest)
						}
					})
				}
				all.Wait()
				s.wantFollowCalls(2, "after fifty requests")
				time.Sleep(10 * time.Second)
				s.wantAdmitted(b, "with the old cookie")
				s.wantFollowCalls(2, "with the old cookie")
			})
		})
	}
}

// A call goes on when the visitor leaves, and later requests use its answer.
func TestFollowCallOutlivesItsRequest(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "tom", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		s.open(b, "/")
		s.wx.SetFollows(wechattest.StockAppID, "tom", true)
		time.Sleep(time.Hour)
		s.wx.Fault(wechattest.Fault{Path: userPath, Mode: wechattest.FaultSlowHeader, Delay: 2 * time.Second})
		s.get(b, "/shop", func(r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 500*time.Millisecond)
			t.Cleanup(cancel)
			*r = *r.WithContext(ctx)
		})
		time.Sleep(2 * time.Second)
		s.wantAdmitted(b, "after the answer has come")
		s.wantFollowCalls(2, "in all")
	})
}

func TestFollowSnapshotVisitor(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "snapshot", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		wantPage(t, s.get(b, s.callbackAddress(b, "/shop")), http.StatusForbidden, headingSnapshot)
		s.wantFollowCalls(0, "about a virtual account")
	})
}

// Without RequireFollow, the answer in an old cookie is not passed on, because it
// is not kept up to date.
func TestFollowTurnedOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, &echo{})
	a := r.do(t, "GET", "/", "Cookie", signedIn(t, func(s *session.Session) {
		s.Subscribed, s.FollowAskedAt = true, time.Now()
	}))
	if got := echoOf(t, a).Header["X-Wx-Subscribed"]; got != nil {
		t.Errorf("X-WX-Subscribed = %q, want none", got)
	}
	if a := r.do(t, "GET", "/", "X-WX-Subscribed", "true", "Cookie", signedIn(t)); echoOf(t, a).Header["X-Wx-Subscribed"] != nil {
		t.Error("the client's X-WX-Subscribed reaches the site")
	}
}

// An older cookie does not bring back an older answer, even on paths where WeChat
// is not asked.
func TestFollowOldCookie(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		s.signIn(b)
		site, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		old := b.Jar.Cookies(site)
		s.wx.SetFollows(wechattest.StockAppID, "lihua", false)
		time.Sleep(10*time.Minute + time.Second)
		wantPage(t, s.get(b, "/shop"), http.StatusForbidden, headingFollow)

		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(site, old)
		b.Jar = jar
		if a := s.get(b, "/_wx/me", asScript); !strings.Contains(a.body, `"subscribed":false`) {
			t.Errorf("/me = %s, want subscribed false", a.body)
		}
		b.Jar.SetCookies(site, old)
		a := s.get(b, "/static/app.js")
		if h := echoIn(t, a.body).Header; a.StatusCode != http.StatusOK || len(hasPrefixFold(h, "x-wx-")) > 0 {
			t.Errorf("public path: %d with %q, want it without identity", a.StatusCode, hasPrefixFold(h, "x-wx-"))
		}
	})
}

// A page that drives the login gets not_following each time, until the visitor
// follows.
func TestNotFollowingPageFlow(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "tom", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		code, state := s.pageCode(b, "/guest")
		for range 2 {
			wantRefusal(t, s.postCode(b, code, state), http.StatusForbidden, "not_following")
		}
		s.wx.SetFollows(wechattest.StockAppID, "tom", true)
		time.Sleep(4 * time.Second)
		s.wantAdmitted(b, "after following")
		s.wantExchanges(1)
	})
}

// Logins of visitors who may not enter are counted by their reason.
func TestFollowMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, requireFollow)
		b := s.browser()
		b.Visitor = "tom"
		s.open(b, "/")
		s.wx.Fault(wechattest.Fault{Path: userPath, Times: -1, Mode: wechattest.FaultErrcode, Code: -1})
		unknown := s.browser()
		s.open(unknown, "/")
		families, err := s.metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]float64)
		for _, family := range families {
			if family.GetName() == "wxgate_logins_total" {
				for _, m := range family.GetMetric() {
					got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
				}
			}
		}
		if got["forbidden"] != 1 || got["wechat_away"] != 1 || got["ok"] != 0 {
			t.Errorf("logins = %v, want one forbidden and one wechat_away", got)
		}
	})
}

// Forward auth answers a visitor who does not follow with the page of the account,
// whose button leads to the page that was asked about. There is no login to go to.
func TestNotFollowingByForwardAuth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, func(c *testConfig) {
			requireFollow(c)
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // that of the browsers
		})
		b := s.browser()
		b.Visitor = "tom"
		s.open(b, "/")
		a := s.get(b, "/_wx/auth?redirect=true", func(r *http.Request) {
			r.Header.Set("X-Forwarded-Method", "GET")
			r.Header.Set("X-Forwarded-Uri", "/shop?item=1")
		})
		wantPage(t, a, http.StatusForbidden, headingFollow)
		if got := button(t, a.body); got != "/shop?item=1" || a.Header.Get("X-WX-Login-URL") != "" {
			t.Errorf("button leads to %q, X-WX-Login-URL %q; want /shop?item=1 and none", got, a.Header.Get("X-WX-Login-URL"))
		}
	})
}

// A cookie with the answer to another replica's call outweighs an older answer in
// memory.
func TestFollowAnswerOfAnotherReplica(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "lihua", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		first, second := s.gateway, s.replica(s.config())
		s.signIn(b)
		s.wx.SetFollows(wechattest.StockAppID, "lihua", false)
		time.Sleep(10*time.Minute + time.Second)
		s.use(second)
		wantPage(t, s.get(b, "/shop"), http.StatusForbidden, headingFollow)
		s.use(first)
		if a := s.get(b, "/_wx/me", asScript); !strings.Contains(a.body, `"subscribed":false`) {
			t.Errorf("/me = %s, want subscribed false", a.body)
		}
		s.wantFollowCalls(2, "at the login and at the other replica")
	})
}

// The button of a page for a visitor who may not enter does not lead to another
// host, also if the path of the page load begins with two slashes.
func TestNotFollowingButtonStaysOnTheSite(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "tom", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		s.open(b, "/")
		for _, target := range []string{"//evil.example/x", "/%2f/evil.example", "/%5Cevil.example"} {
			a := s.get(b, s.url+target)
			wantPage(t, a, http.StatusForbidden, headingFollow)
			if got := button(t, a.body); got != s.url+target {
				t.Errorf("GET %s: button leads to %q, want %q", target, got, s.url+target)
			}
		}
	})
}
