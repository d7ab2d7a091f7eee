package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const tokenPath = "/cgi-bin/stable_token"

// Strangers must not use up the account's quota of calls: 2,000 tokens a day.
func TestStrangersAtJSSDK(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path string
		code       int // 0: WeChat is away
		word       string
		most       int // calls of WeChat in an hour
	}{
		{"wrong secret", tokenPath, 40125, "wechat_error", 13},
		{"unlisted address", tokenPath, 40164, "wechat_error", 13},
		{"unlisted address, other code", tokenPath, 61004, "wechat_error", 13},
		{"unlisted address, ticket", ticketPath, 40164, "wechat_error", 14},
		{"no right to tickets", ticketPath, 48001, "wechat_error", 14},
		{"quota", tokenPath, 45009, "wechat_unavailable", 75},
		{"away", tokenPath, 0, "wechat_unavailable", 75},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newLoginMemorySite(t, withTickets)
				fault := wechattest.Fault{Path: tt.path, Mode: wechattest.FaultErrcode, Code: tt.code, Times: -1}
				if tt.code == 0 {
					fault.Mode = wechattest.FaultResetBefore
				}
				s.wx.Fault(fault)
				for range 3600 {
					if a, _ := s.signed(s.browser(), s.url+"/"); !strings.Contains(a.body, `"error":"`+tt.word+`"`) {
						t.Fatalf("/jssdk = %d %s, want %s", a.StatusCode, a.body, tt.word)
					}
					time.Sleep(time.Second)
				}
				if n := len(s.wx.Requests()); n > tt.most {
					t.Errorf("%d calls of WeChat in an hour, want at most %d", n, tt.most)
				}
				s.wx.ClearFaults()
				time.Sleep(10 * time.Minute)
				if a, _ := s.signed(s.browser(), s.url+"/"); a.StatusCode != 200 {
					t.Errorf("/jssdk after the fault = %d, want 200", a.StatusCode)
				}
			})
		})
	}
}

// A stranger without a login of their own never makes the gateway call WeChat.
func TestStrangersCauseNoCalls(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, func(c *testConfig) {
		withTickets(c)
		c.TrustedProxies = loopback
	})
	const state = "0123456789abcdef0123456789abcdef"
	for _, address := range []string{
		"/", "/_wx/login", "/_wx/login?scope=snsapi_userinfo", "/_wx/config", "/_wx/me", "/_wx/auth", "/_wx/logout",
		"/_wx/callback", "/_wx/callback?code=forged&state=" + state, "/?code=forged&state=" + state,
		"/_wx/jssdk", "/_wx/jssdk?url=" + url.QueryEscape("https://evil.example/"), "/_wx/jssdk?url=/", "/_wx/jwks.json",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
			s.do(s.browser(), method, address, nil)
			if calls := s.wx.Requests(); len(calls) != 0 {
				t.Fatalf("%s %s: the call %s of WeChat, want none", method, address, calls[0].Path)
			}
		}
	}
	s.postCode(s.browser(), "forged", state)
	b := s.browser()
	b.Jar.SetCookies(mustURL(t, s.url), []*http.Cookie{{Name: "__Host-wxgate_login_0123456789abcdef", Value: "forged"}})
	s.get(b, "/_wx/callback?code=forged&state="+state)
	if n := len(s.wx.Requests()); n != 0 {
		t.Errorf("%d calls of WeChat, want none", n)
	}
}

// A stranger with a login of their own can have WeChat asked about a code of their
// making, as often as the login rate allows and once for each login.
func TestStrangersWithForgedCodes(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, func(c *testConfig) { c.LoginRate = gateway.Rate{Count: 20, Per: time.Hour} })
	for range 50 {
		b := s.browser()
		a := s.get(b, "/_wx/login")
		if a.StatusCode != http.StatusFound {
			continue
		}
		state := mustURL(t, a.Header.Get("Location")).Query().Get("state")
		for range 3 {
			s.get(b, "/_wx/callback?code=forged&state="+state)
		}
	}
	n, all := s.wx.Calls(exchangePath), len(s.wx.Requests())
	if n < 5 || n > 10 || all != n {
		t.Errorf("%d exchanges of %d calls, want one for each login within the rate and nothing else", n, all)
	}
}
