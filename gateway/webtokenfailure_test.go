package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// asked again, and the session goes on.
func TestAccessTokenRefused(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(*tokenSite){
		"unknown":                func(s *tokenSite) { s.refuse(40030) },
		"unknown, as documented": func(s *tokenSite) { s.refuse(40029) },
		"another visitor's":      func(s *tokenSite) { s.refuse(40003) },
		"ended":                  func(s *tokenSite) { s.refuse(42002) },
		"the visitor withdrew":   func(s *tokenSite) { s.refuse(50001) },
		"password changed":       func(s *tokenSite) { s.wx.ChangePassword("lihua") },
	} {
		for _, absence := range []time.Duration{116 * time.Minute, 3 * time.Hour} {
			t.Run(name+" after "+absence.String(), func(t *testing.T) {
				t.Parallel()
				testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
					s.token(b)
					time.Sleep(absence)
					refuse(s)
					if got := s.settledToken(b); got != "" {
						t.Errorf("after the refusal %q, want none", got)
					}
					s.use(s.replicas[1])
					for range 5 {
						time.Sleep(10 * time.Minute)
						if got := s.settledToken(b); got != "" {
							t.Errorf("later %q, want none", got)
						}
					}
					s.wantRefreshes(1, "after the refusal")
					if all := s.sessions.all(); len(all) != 1 || all[0].Token != nil {
						t.Errorf("%d sessions, want one without a token", len(all))
					}
					if lines := append(s.log.level("warn"), s.log.level("error")...); len(lines) > 0 {
						t.Errorf("log %s, want no warning", lines)
					}
				})
			})
		}
	}
}

// refuse makes WeChat refuse the next renewal.
func (s *tokenSite) refuse(code int) {
	s.wx.Fault(wechattest.Fault{Path: refreshPath, Mode: wechattest.FaultErrcode, Code: code})
}

// once a minute, and the next answer counts.
func TestAccessTokenWhileWeChatIsAway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]wechattest.Fault{
		"busy":           {Mode: wechattest.FaultErrcode, Code: -1},
		"quota":          {Mode: wechattest.FaultErrcode, Code: 45011},
		"wrong AppID":    {Mode: wechattest.FaultErrcode, Code: 40013},
		"no right":       {Mode: wechattest.FaultErrcode, Code: 48001},
		"unknown code":   {Mode: wechattest.FaultErrcode, Code: 99999},
		"502":            {Mode: wechattest.FaultStatus, Status: 502},
		"page":           {Mode: wechattest.FaultHTML},
		"no openid":      {Mode: wechattest.FaultNoOpenID},
		"reset":          {Mode: wechattest.FaultResetAfter},
		"hanging":        {Mode: wechattest.FaultHang},
		"half an answer": {Mode: wechattest.FaultTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
				token := s.token(b)
				time.Sleep(115*time.Minute + time.Second)
				fault.Path, fault.Times = refreshPath, -1
				s.wx.Fault(fault)
				for minute := range 4 {
					began := time.Now()
					for range 3 {
						if got := s.token(b); got != token {
							t.Errorf("minute %d: %q, want the former token", minute, got)
						}
					}
					if took := time.Since(began); took != 0 {
						t.Errorf("minute %d: the visitor waited %v", minute, took)
					}
					time.Sleep(50 * time.Second)
					s.token(b) // too early to ask again
					s.wantRefreshes(minute+1, "within a minute")
					time.Sleep(20 * time.Second)
				}
				time.Sleep(time.Minute) // the token has ended
				asked := s.wx.Calls(refreshPath)
				began := time.Now()
				for range 3 {
					if got := s.token(b); got != "" {
						t.Errorf("after the token's end %q, want none", got)
					}
				}
				if took := time.Since(began); took > 1500*time.Millisecond {
					t.Errorf("three requests waited %v together, want at most 1.5 s", took)
				}
				s.wantRefreshes(asked+1, "after the token's end")
				s.wx.ClearFaults()
				time.Sleep(time.Minute + 10*time.Second)
				if got := s.token(b); got == "" || s.check(got) != nil {
					t.Errorf("with WeChat back %q, want a token that works", got)
				}
				s.wantRefreshes(asked+2, "with WeChat back")
			})
		})
	}
}

// A renewal about another visitor is not believed.
func TestAccessTokenOfAnotherVisitor(t *testing.T) {
	t.Parallel()
	foreign := ""
	testTokenSite(t, func(c *testConfig) {
		network := c.Account.Transport
		c.Account.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == refreshPath {
				query := r.URL.Query()
				query.Set("refresh_token", foreign)
				r.URL.RawQuery = query.Encode()
			}
			return network.RoundTrip(r)
		})
	}, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
		other := s.browser()
		other.Visitor = "tom"
		s.signIn(other)
		for _, v := range s.sessions.all() {
			if v.OpenID == s.openID("tom") {
				foreign = v.Token.Refresh
			}
		}
		time.Sleep(3 * time.Hour)
		if got := s.settledToken(b); got != "" {
			t.Errorf("the site got %q, want none", got)
		}
		s.wantRefreshes(1, "in all")
	})
}

// Thirty days after the login the token is not renewed any more.
func TestAccessTokenAfterThirtyDays(t *testing.T) {
	t.Parallel()
	testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
		login := time.Now()
		for time.Since(login) < 30*24*time.Hour-12*time.Hour {
			if got := s.settledToken(b); got == "" {
				t.Fatalf("no token %v after the login", time.Since(login))
			}
			time.Sleep(11 * time.Hour)
		}
		time.Sleep(30*24*time.Hour - time.Since(login) - time.Minute)
		if s.settledToken(b) == "" {
			t.Error("no token a minute before the end of thirty days")
		}
		asked := s.wx.Calls(refreshPath)
		time.Sleep(116 * time.Minute)
		if s.settledToken(b) == "" {
			t.Error("no token while the last one works")
		}
		time.Sleep(time.Hour)
		if got := s.settledToken(b); got != "" {
			t.Errorf("after thirty days %q, want none", got)
		}
		s.wantRefreshes(asked, "after thirty days")
	})
}

// A token with a short life does not make each request ask WeChat.
func TestAccessTokenWithAShortLife(t *testing.T) {
	t.Parallel()
	testTokenSite(t, func(c *testConfig) {
		network := c.Account.Transport
		c.Account.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			res, err := network.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(res.Body)
			text := strings.Replace(string(body), `"expires_in":7200`, `"expires_in":120`, 1)
			res.Body, res.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			return res, err
		})
	}, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
		for range 10 {
			for range 10 {
				if s.settledToken(b) == "" {
					t.Error("no token")
				}
			}
			time.Sleep(time.Minute)
		}
		if got := s.wx.Calls(refreshPath); got > 10 {
			t.Errorf("%d renewals in ten minutes, want one a minute at most", got)
		}
	})
}
