package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const refreshPath = "/sns/oauth2/refresh_token"

// tokenSite is a site in memory that gets its visitors' access tokens, with two

// replicas.
type tokenSite struct {
	*loginSite
	sessions *memorySessions
	replicas [2]http.Handler
}

// newTokenSite makes a site. configure, which may be nil, changes its configuration.
func newTokenSite(t *testing.T, configure func(*testConfig)) *tokenSite {
	t.Helper()
	s := &tokenSite{sessions: newMemorySessions()}
	s.loginSite = newLoginMemorySite(t, func(c *testConfig) {
		c.Sessions, c.PassAccessToken = s.sessions.open, true
		c.PublicPaths = []string{"/static/"}
		c.SessionTTL, c.SessionMaxTTL = 1000*time.Hour, 1000*time.Hour
		if configure != nil {
			configure(c)
		}
	})
	s.replicas = [2]http.Handler{s.gateway, s.replica(s.config())}
	return s
}

// testTokenSite runs a test in a bubble of synctest, with a visitor who has signed in.
func testTokenSite(
	t *testing.T, configure func(*testConfig), test func(*testing.T, *tokenSite, *wechattest.Browser),
) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newTokenSite(t, configure)
		b := s.browser()
		s.signIn(b)
		test(t, s, b)
	})
}

// token loads a page, which has to reach the site as the visitor's, and returns the

// access token that the site gets.
func (s *tokenSite) token(b *wechattest.Browser) string {
	s.t.Helper()
	h := echoOf(s.t, s.get(b, "/shop")).Header
	if want := s.openID("lihua"); h.Get("X-Wx-Openid") != want {
		s.t.Errorf("the site saw openid %q, want %q", h.Get("X-Wx-Openid"), want)
	}
	if n := len(h["X-Wx-Access-Token"]); n > 1 {
		s.t.Errorf("the site got %d access tokens", n)
	}
	return h.Get("X-Wx-Access-Token")
}

// settledToken is token, but waits until a renewal that the page began has ended.
func (s *tokenSite) settledToken(b *wechattest.Browser) string {
	s.t.Helper()
	s.token(b)
	synctest.Wait()
	return s.token(b)
}

// check returns what WeChat says about a token of the visitor.
func (s *tokenSite) check(token string) error {
	c := &wechat.Client{AppID: wechattest.StockAppID, Transport: s.wx.Transport()}
	return c.CheckToken(s.t.Context(), wechat.Secret(token), s.openID("lihua"))
}

// wantRefreshes checks how often WeChat was asked for another token.
func (s *tokenSite) wantRefreshes(want int, when string) {
	s.t.Helper()
	if got := s.wx.Calls(refreshPath); got != want {
		s.t.Errorf("%s: WeChat was asked %d times for another token, want %d", when, got, want)
	}
}

// The site gets the token that WeChat gave at the login. It is used for as long as it

// works, over all replicas and on public paths, and no page sees it.
func TestAccessToken(t *testing.T) {
	t.Parallel()
	testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
		token := s.token(b)
		if err := s.check(token); err != nil {
			t.Fatalf("WeChat about the token %q: %v", token, err)
		}
		s.use(s.replicas[1])
		if got := s.token(b); got != token {
			t.Errorf("the other replica passes %q, want %q", got, token)
		}
		if got := echoOf(t, s.get(b, "/static/a.js")).Header.Get("X-Wx-Access-Token"); got != token {
			t.Errorf("on a public path %q, want %q", got, token)
		}
		if got := echoOf(t, s.get(s.browser(), "/static/a.js")).Header["X-Wx-Access-Token"]; got != nil {
			t.Errorf("without a session %q, want none", got)
		}
		time.Sleep(115 * time.Minute)
		if got := s.token(b); got != token {
			t.Errorf("with five minutes left %q, want %q", got, token)
		}
		s.wantRefreshes(0, "with five minutes left")
	})
}

// Many requests at all replicas with a token that is about to end get it while it is

// renewed, once.
func TestAccessTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	for name, rotate := range map[string]bool{"same refresh token": false, "another refresh token": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
				s.wx.SetSwitches(wechattest.Switches{RotateRefresh: rotate})
				token := s.token(b)
				for round := range 5 {
					time.Sleep(115*time.Minute + time.Second)
					s.wx.Fault(wechattest.Fault{Path: refreshPath, Mode: wechattest.FaultSlowHeader, Delay: 4 * time.Second})
					began := time.Now()
					s.burst(b, 40, func(got string) {
						if got != token || time.Since(began) > 0 {
							t.Errorf("round %d: %q after %v, want the former token at once", round, got, time.Since(began))
						}
					})
					time.Sleep(5 * time.Second)
					var renewed []string
					s.burst(b, 40, func(got string) { renewed = append(renewed, got) })
					s.wantRefreshes(round+1, "after the burst")
					token = renewed[0]
					if err := s.check(token); err != nil || len(slices.Compact(renewed)) != 1 {
						t.Errorf("round %d: WeChat about the new token: %v; %q", round, err, renewed)
					}
				}
			})
		})
	}
}

// burst loads n pages at both replicas at a time and calls seen, not concurrently,

// with each access token that the site gets.
func (s *tokenSite) burst(b *wechattest.Browser, n int, seen func(token string)) {
	s.t.Helper()
	var loading sync.WaitGroup
	var mu sync.Mutex
	cookie := b.Jar.Cookies(mustURL(s.t, s.url))
	for i := range n {
		loading.Go(func() {
			r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/shop", nil)
			if err != nil {
				s.t.Error(err)
				return
			}
			for _, c := range cookie {
				r.AddCookie(c)
			}
			a := answerTo(s.replicas[i%2], r)
			mu.Lock()
			defer mu.Unlock()
			seen(echoOf(s.t, a).Header.Get("X-Wx-Access-Token"))
		})
	}
	loading.Wait()
}

// answerTo returns the answer of h to a request without a body.
func answerTo(h http.Handler, r *http.Request) *answer {
	r.RequestURI, r.RemoteAddr, r.Body = r.URL.RequestURI(), "192.0.2.1:4711", http.NoBody
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return &answer{w.Result(), w.Body.String()}
}

// A visitor who comes back after the token has ended gets another one with the first

// request. That waits for WeChat, but not for long.
func TestAccessTokenAfterAnAbsence(t *testing.T) {
	t.Parallel()
	testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
		former := s.token(b)
		time.Sleep(3 * time.Hour)
		s.wx.Fault(wechattest.Fault{Path: refreshPath, Mode: wechattest.FaultSlowHeader, Delay: time.Second})
		var tokens []string
		s.burst(b, 20, func(got string) { tokens = append(tokens, got) })
		if tokens = slices.Compact(tokens); len(tokens) != 1 || tokens[0] == former || s.check(tokens[0]) != nil {
			t.Errorf("the site got %q, want one token that works", tokens)
		}
		s.wantRefreshes(1, "after three hours")

		time.Sleep(3 * time.Hour)
		s.wx.Fault(wechattest.Fault{Path: refreshPath, Mode: wechattest.FaultSlowHeader, Delay: 4 * time.Second})
		began := time.Now()
		if got := s.token(b); got != "" || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("WeChat slow: %q after %v, want none after 1.5 s", got, time.Since(began))
		}
		time.Sleep(3 * time.Second)
		if got := s.token(b); s.check(got) != nil {
			t.Errorf("after WeChat's answer %q, want a token that works", got)
		}
		s.wantRefreshes(2, "after another three hours")
	})
}

// A visitor who leaves does not end the renewal.
func TestAccessTokenVisitorLeaves(t *testing.T) {
	t.Parallel()
	testTokenSite(t, nil, func(t *testing.T, s *tokenSite, b *wechattest.Browser) {
		s.token(b)
		time.Sleep(3 * time.Hour)
		s.wx.Fault(wechattest.Fault{Path: refreshPath, Mode: wechattest.FaultSlowHeader, Delay: time.Second})
		began := time.Now()
		s.get(b, "/shop", func(r *http.Request) {
			ctx, leave := context.WithTimeout(r.Context(), 200*time.Millisecond)
			t.Cleanup(leave)
			*r = *r.WithContext(ctx)
		})
		if took := time.Since(began); took != 200*time.Millisecond {
			t.Errorf("the request took %v, want 200ms", took)
		}
		time.Sleep(2 * time.Second)
		if got := s.token(b); s.check(got) != nil {
			t.Errorf("after the renewal %q, want a token that works", got)
		}
		s.wantRefreshes(1, "in all")
	})
}

// When WeChat refuses the refresh token, the site gets no token any more, WeChat is not

// While WeChat gives no answer, the former token goes on until its end. WeChat is asked

// Who has no token of their own: a snapshot visitor, a session from before the switch,

// What other replicas write while WeChat is asked is not lost: an answer about
