package gateway_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestLoginRate(t *testing.T) {
	t.Parallel()
	limited := func(c *testConfig) {
		c.LoginRate = gateway.Rate{Count: 3, Per: time.Minute}
	}
	t.Run("page or JSON", func(t *testing.T) {
		t.Parallel()
		s := newLoginSite(t, limited)
		b := s.browser()
		callback := s.callbackAddress(b, "/") // one
		s.authorizeAddress(b, "/_wx/login")   // two
		s.get(b, "/_wx/callback")             // three: callbacks count too
		for _, address := range []string{"/", "/_wx/login", callback} {
			a := s.get(b, address)
			wantPage(t, a, 429, headingTooMany)
			if retry, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || retry < 1 || retry > 20 {
				t.Errorf("GET %.20s: Retry-After = %q, want 1 to 20 seconds", address, a.Header.Get("Retry-After"))
			}
			a = s.get(b, address, asScript)
			if address != "/" && (a.StatusCode != 429 || !strings.Contains(a.body, `"error":"too_many_requests"`) || a.Header.Get("Retry-After") == "") {
				t.Errorf("GET %.20s by a script = %d %q, want 429 too_many_requests", address, a.StatusCode, a.body)
			}
		}
		if a := s.get(b, "/_wx/me", asScript); a.StatusCode != 401 {
			t.Errorf("/me = %d, want 401: only logins are counted", a.StatusCode)
		}
		s.wantExchanges(0)
	})
	t.Run("forged address", func(t *testing.T) {
		t.Parallel()
		s := newLoginSite(t, limited)
		for i := range 4 {
			a := s.get(s.browser(), "/", func(r *http.Request) { r.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i)) })
			if want := []int{302, 302, 302, 429}[i]; a.StatusCode != want {
				t.Errorf("login %d = %d, want %d", i+1, a.StatusCode, want)
			}
		}
	})
	t.Run("behind a trusted proxy", func(t *testing.T) {
		t.Parallel()
		s := newLoginSite(t, func(c *testConfig) {
			limited(c)
			c.TrustedProxies = loopback
		})
		for i, tt := range []struct {
			from string
			want int
		}{
			{"203.0.113.1", 302}, {"203.0.113.1", 302}, {"203.0.113.1", 302}, {"203.0.113.1", 429},
			{"203.0.113.2", 302}, {"198.51.100.9, 203.0.113.1", 429}, {"203.0.113.1, 203.0.113.3", 302},
		} {
			a := s.get(s.browser(), "/", func(r *http.Request) { r.Header.Set("X-Forwarded-For", tt.from) })
			if a.StatusCode != tt.want {
				t.Errorf("login %d from %s = %d, want %d", i+1, tt.from, a.StatusCode, tt.want)
			}
		}
	})
}

func TestPageLoginRate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		count int
		ask   func(*loginSite, *wechattest.Browser) *answer
	}{
		{"config", 2, func(s *loginSite, b *wechattest.Browser) *answer { return s.get(b, "/_wx/config") }},
		{"jssdk", 2, func(s *loginSite, b *wechattest.Browser) *answer {
			a, _ := s.signed(b, s.url+"/")
			return a
		}},
		{"session", 2, func(s *loginSite, b *wechattest.Browser) *answer { return s.postCode(b, "x", "y") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, func(c *testConfig) {
				withTickets(c)
				c.LoginRate = gateway.Rate{Count: tt.count, Per: time.Hour}
			})
			b := s.browser()
			for range tt.count {
				if a := tt.ask(s, b); a.StatusCode == 429 {
					t.Errorf("answer %d below the rate", a.StatusCode)
				}
			}
			a := tt.ask(s, b)
			wantRefusal(t, a, 429, "too_many_requests")
			if a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
}
