package gateway_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// and everybody when it is off.
func TestNoAccessToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pass := false
		s := newTokenSite(t, func(c *testConfig) { c.PassAccessToken = pass })
		b := s.browser()
		s.signIn(b)
		pass = true
		s.use(s.replica(s.config()))
		if got := s.token(b); got != "" {
			t.Errorf("session from before the switch: %q, want none", got)
		}
		s.open(b, "/_wx/login")
		if got := s.token(b); got == "" {
			t.Error("after another login: no token")
		}
		snapshot := s.browser()
		snapshot.Visitor = "snapshot"
		s.open(snapshot, "/")
		h := echoOf(t, s.get(snapshot, "/shop")).Header
		if got := h.Get("X-Wx-Access-Token"); got != "" || h.Get("X-Wx-Snapshot-User") != "true" {
			t.Errorf("snapshot visitor: %q, want none", got)
		}
		pass = false
		s.use(s.replica(s.config()))
		if got := s.token(b); got != "" {
			t.Errorf("switched off again: %q, want none", got)
		}
		s.wantRefreshes(0, "in all")
	})
}

// A visitor of a scan login has the token of the website application, which renews it.
func TestAccessTokenOfAScanLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTokenSite(t, scanLogin)
		website := wechattest.StockWebsite()
		website.CallbackDomains = []string{"h5.example.com"}
		if err := s.wx.SetAccount(website); err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		b.UserAgent = wechattest.AgentChrome
		first := s.signIn(b).Header.Get("X-Wx-Access-Token")
		time.Sleep(3 * time.Hour)
		second := echoOf(t, s.get(b, "/shop")).Header.Get("X-Wx-Access-Token")
		if first == "" || second == "" || first == second {
			t.Errorf("the site got %q, three hours later %q, want two different tokens", first, second)
		}
		for _, r := range s.wx.Requests() {
			if got := r.Query.Get("appid"); r.Path == refreshPath && got != wechattest.StockWebsiteAppID {
				t.Errorf("renewed for %s, want %s", got, wechattest.StockWebsiteAppID)
			}
		}
		s.wantRefreshes(1, "in all")
	})
}

// The result of a renewal counts at once, also while the store's cache still has the
// former token.
func TestAccessTokenBesideAnOldCache(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{"renewed": false, "refused": true} {
		for _, absence := range []time.Duration{116 * time.Minute, 3 * time.Hour} {
			t.Run(name+" after "+absence.String(), func(t *testing.T) {
				t.Parallel()
				testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
					s.wx.SetSwitches(wechattest.Switches{RotateRefresh: true})
					former := s.token(b)
					time.Sleep(absence)
					s.sessions.cache()
					if refused {
						s.refuse(40030)
					}
					for range 5 {
						got := s.settledToken(b)
						if refused && got != "" || !refused && (got == former || s.check(got) != nil) {
							t.Errorf("the site gets %q", got)
						}
						time.Sleep(time.Second)
					}
					s.use(s.replicas[1])
					s.settledToken(b)
					s.wantRefreshes(1, "over both replicas")
				})
			})
		}
	}
}

// A sign-out during the renewal is final.
func TestAccessTokenSignOutDuringRenewal(t *testing.T) {
	t.Parallel()
	testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
		time.Sleep(116 * time.Minute)
		s.wx.Fault(wechattest.Fault{Path: refreshPath, Mode: wechattest.FaultSlowHeader, Delay: 2 * time.Second})
		s.token(b)
		synctest.Wait()
		before := s.copyOf(b)
		s.use(s.replicas[1])
		if a := s.do(b, http.MethodPost, "/_wx/logout", nil); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("sign-out: status %d", a.StatusCode)
		}
		time.Sleep(5 * time.Second)
		s.wantRefreshes(1, "after the sign-out")
		if all := s.sessions.all(); len(all) != 0 {
			t.Errorf("%d sessions after the sign-out, want none", len(all))
		}
		for _, replica := range s.replicas {
			s.use(replica)
			if a := s.get(before, "/shop", asScript); a.StatusCode != http.StatusUnauthorized {
				t.Errorf("the old cookie: status %d, want 401", a.StatusCode)
			}
		}
	})
}

// following and a renewal of the session.
func TestAccessTokenRenewalKeepsTheRest(t *testing.T) {
	t.Parallel()
	testTokenSite(t, func(c *testConfig) {
		requireFollow(c)
		c.SessionTTL = 3 * time.Hour
	}, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
		time.Sleep(116 * time.Minute)
		s.wx.Fault(wechattest.Fault{Path: refreshPath, Mode: wechattest.FaultSlowHeader, Delay: 3 * time.Second})
		began := time.Now().Truncate(time.Second)
		s.get(b, "/static/a.js") // public: nobody asks whether the visitor follows
		synctest.Wait()
		s.use(s.replicas[1])
		s.token(b)
		synctest.Wait()
		before := s.sessions.all()[0]
		if !before.FollowAskedAt.Equal(began) || !before.RenewedAt.Equal(began) || s.wx.Calls(refreshPath) != 1 {
			t.Fatalf("asked at %v, renewed at %v, %d calls: the test checks nothing",
				before.FollowAskedAt, before.RenewedAt, s.wx.Calls(refreshPath))
		}
		time.Sleep(5 * time.Second)
		after := s.sessions.all()[0]
		if !after.Subscribed || !after.FollowAskedAt.Equal(began) || !after.RenewedAt.Equal(began) {
			t.Errorf("asked at %v, renewed at %v, want %v", after.FollowAskedAt, after.RenewedAt, began)
		}
		if !after.Token.ExpiresAt.After(before.Token.ExpiresAt) {
			t.Errorf("the token works until %v, want later than %v", after.Token.ExpiresAt, before.Token.ExpiresAt)
		}
		s.wantRefreshes(1, "in all")
	})
}
