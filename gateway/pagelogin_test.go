package gateway_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestPageLogin(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"JSON", "form"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, func(c *testConfig) { c.PublicPaths = []string{"/guest"} })
			b := s.browser()
			code, state := s.pageCode(b, "/guest?from=menu#/route")
			post := func() *answer {
				if encoding == "form" {
					return s.post(b, "application/x-www-form-urlencoded; charset=utf-8", url.Values{"code": {code}, "state": {state}}.Encode())
				}
				return s.postCode(b, code, state)
			}
			a := post()
			if got := a.Header.Get("Content-Type"); got != "application/json; charset=utf-8" || len(a.cookies("wxgate")) != 2 {
				t.Errorf("answer of type %q sets %q, want JSON, the session and the spent login", got, a.Header["Set-Cookie"])
			}
			s.wantVisitor(a, b, s.openID("lihua"))
			if got := echoIn(t, s.get(b, "/").body).Header.Get("X-Wx-Openid"); got != s.openID("lihua") {
				t.Errorf("X-WX-OpenID = %q, want %q", got, s.openID("lihua"))
			}
			s.wantVisitor(post(), b, s.openID("lihua"))
			// The callback of the finished login leads to the page.
			wantRedirect(t, s.get(b, "/_wx/callback?code="+code+"&state="+state), s.url+"/guest?from=menu#/route")
			s.wantExchanges(1)
			if got := s.loginCount("ok"); got != 1 {
				t.Errorf("logins counted = %v, want 1", got)
			}

			// After a sign-out the used code gives no session.
			s.do(b, http.MethodPost, "/_wx/logout", nil)
			wantRefusal(t, post(), 400, "invalid_state")
			s.wantExchanges(1)
		})
	}
}

// The code was used at the callback before the page posts it.
func TestPageLoginAfterItsCallback(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	code, state := s.pageCode(b, "/guest")
	wantRedirect(t, s.get(b, "/_wx/callback?code="+code+"&state="+state), s.url+"/guest#")
	s.wantVisitor(s.postCode(b, code, state), b, s.openID("lihua"))
	s.wantExchanges(1)
}

func TestPageLoginWithProfile(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, func(c *testConfig) { c.Scope = wechat.ScopeUserInfo })
	b := s.browser()
	b.Visitor, b.Answer = "xiaomei", wechattest.AnswerAgree
	code, state := s.pageCode(b, "/guest")
	a := s.postCode(b, code, state)
	s.wantVisitor(a, b, s.openID("xiaomei"))
	if me := s.me(b); me.Nickname != "小美🌸✨" {
		t.Errorf("nickname = %q, want 小美🌸✨", me.Nickname)
	}
}

func TestPageLoginTwentyAtOnce(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultSlowHeader, Delay: 200 * time.Millisecond})
	b := s.browser()
	code, state := s.pageCode(b, "/guest")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			twin := s.copyOf(b)
			if i%2 == 0 {
				wantRedirect(t, s.get(twin, "/_wx/callback?code="+code+"&state="+state), s.url+"/guest#")
			} else if a := s.postCode(twin, code, state); a.StatusCode != 200 {
				t.Errorf("answer %d %q, want 200", a.StatusCode, a.body)
			}
			if got, want := s.me(twin).OpenID, s.openID("lihua"); got != want {
				t.Errorf("/me = %q, want %q", got, want)
			}
		})
	}
	all.Wait()
	s.wantExchanges(1)
}
