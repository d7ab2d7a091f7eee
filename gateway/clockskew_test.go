package gateway_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A login that begins on one replica ends on another, and its session is valid on
// the first and later on the second, although their clocks differ. The clock of each
// bubble starts at the same instant; one that sleeps first is a replica whose clock
// is ahead. (A real clock cannot be changed for a process that asks the kernel's
// vDSO, as Go's do: libfaketime has no effect on them.)
func TestReplicasWithDifferentClocks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		first, second time.Duration // how far the replicas are ahead
	}{
		{"second ahead", 0, 5 * time.Second},
		{"first ahead", 5 * time.Second, 0},
		{"second half a minute ahead", 0, 30 * time.Second},
		{"first half a minute ahead", 30 * time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var cookies []*http.Cookie
			var state string
			onReplica := func(ahead time.Duration, do func(*testing.T, *loginSite, *wechattest.Browser)) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(ahead)
					s := newLoginMemorySite(t, nil)
					u, b := &url.URL{Scheme: "https", Host: "h5.example.com", Path: "/"}, s.browser()
					s.get(b, "/_wx/me") // the browser has a jar now
					b.Jar.SetCookies(u, cookies)
					do(t, s, b)
					cookies = nil
					for _, c := range b.Jar.Cookies(u) {
						c.Secure, c.Path = true, "/"
						cookies = append(cookies, c)
					}
				})
			}
			onReplica(tt.first, func(t *testing.T, s *loginSite, b *wechattest.Browser) {
				state = queryOf(t, s.callbackAddress(b, "/a")).Get("state")
			})
			onReplica(tt.second, func(t *testing.T, s *loginSite, b *wechattest.Browser) {
				code := queryOf(t, s.callbackAddress(s.browser(), "/b")).Get("code")
				wantRedirect(t, s.get(b, "/_wx/callback?code="+code+"&state="+state), "/a#")
			})
			for _, ahead := range []time.Duration{tt.first, tt.second, tt.first + 11*time.Hour, tt.second + 23*time.Hour} {
				onReplica(ahead, func(t *testing.T, s *loginSite, b *wechattest.Browser) {
					if s.me(b).OpenID != s.openID("lihua") {
						t.Errorf("no session %v later", ahead)
					}
					if a := s.get(b, "/a"); a.StatusCode != http.StatusOK {
						t.Errorf("%v later a page has status %d, want 200", ahead, a.StatusCode)
					}
				})
			}
		})
	}
}
