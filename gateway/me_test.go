package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestMe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		visitor string
		address string
		want    map[string]any
	}{
		{"openid alone", "lihua", "/", map[string]any{"scope": "snsapi_base", "snapshot_user": false}},
		{"profile", "xiaomei", "/_wx/login?scope=snsapi_userinfo", map[string]any{
			"scope": "snsapi_userinfo", "snapshot_user": false, "nickname": "小美🌸✨", "avatar": "", "unionid": "",
		}},
		{"snapshot", "snapshot", "/", map[string]any{"scope": "snsapi_base", "snapshot_user": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLoginMemorySite(t, nil)
				b := s.browser()
				b.Visitor = tt.visitor
				seen := echoIn(t, s.open(b, tt.address).Body)
				tt.want["openid"] = seen.Header.Get("X-Wx-Openid")
				tt.want["appid"] = wechattest.StockAppID
				tt.want["issued_at"] = time.Now().UTC().Format(time.RFC3339)
				tt.want["expires_at"] = time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
				for name, header := range map[string]string{"avatar": "X-Wx-Avatar", "unionid": "X-Wx-Unionid"} {
					if _, ok := tt.want[name]; ok {
						tt.want[name] = seen.Header.Get(header)
					}
				}
				a := s.get(b, "/_wx/me") // JSON to a page load too
				if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
					t.Fatalf("/me = %d %s, want 200 and JSON", a.StatusCode, a.Header.Get("Content-Type"))
				}
				var got map[string]any
				if err := json.Unmarshal([]byte(a.body), &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("/me differs (-want +got):\n%s", diff)
				}
				if a := s.do(b, http.MethodHead, "/_wx/me", nil); a.StatusCode != 200 {
					t.Errorf("HEAD = %d, want 200", a.StatusCode)
				}
			})
		})
	}
}

func TestMeWithoutASession(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	for _, change := range []func(*http.Request){asScript, func(*http.Request) {}} {
		a := s.get(s.browser(), "/_wx/me", change, func(r *http.Request) {
			r.Header.Set("Referer", s.url+"/page?a=b")
		})
		var got map[string]string
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatalf("/me = %q: %v", a.body, err)
		}
		if a.StatusCode != 401 || got["error"] != "unauthorized" || got["message"] == "" || got["request_id"] == "" {
			t.Errorf("/me = %d %v, want 401 unauthorized", a.StatusCode, got)
		}
		b := s.browser()
		if page := s.open(b, got["login_url"]); page.Status != 200 || echoIn(t, page.Body).Target != "/page?a=b" {
			t.Errorf("login_url %q ends with %d, want the calling page", got["login_url"], page.Status)
		}
	}
	a := s.get(s.browser(), "/_wx/me", func(r *http.Request) { r.Header.Set("Referer", "https://evil.example/x") })
	if strings.Contains(a.body, "evil.example") {
		t.Errorf("/me = %q, which leads to another site", a.body)
	}
}

// A session that is used is renewed, up to SessionMaxTTL after its login.
func TestMeRenewsTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, func(c *testConfig) {
			c.SessionTTL, c.SessionMaxTTL = 2*time.Hour, 5*time.Hour
		})
		b := s.browser()
		s.signIn(b)
		began := time.Now()
		for _, tt := range []struct {
			at      time.Duration // since the login
			expires time.Duration // likewise; 0: no session
			renewed bool
		}{
			{59 * time.Minute, 2 * time.Hour, false},
			{60 * time.Minute, 3 * time.Hour, true},
			{119 * time.Minute, 3 * time.Hour, false},
			{179 * time.Minute, 179*time.Minute + 2*time.Hour, true},
			{295 * time.Minute, 5 * time.Hour, true},
			{5*time.Hour - time.Second, 5 * time.Hour, false},
			{5 * time.Hour, 0, false},
		} {
			time.Sleep(time.Until(began.Add(tt.at)))
			a := s.get(b, "/_wx/me")
			if renewed := len(a.cookies("")) == 1; renewed != tt.renewed {
				t.Errorf("after %v: renewed %t, want %t", tt.at, renewed, tt.renewed)
			}
			var me meAnswer
			if err := json.Unmarshal([]byte(a.body), &me); err != nil {
				t.Fatal(err)
			}
			want := began.Add(tt.expires).UTC().Format(time.RFC3339)
			if tt.expires == 0 {
				want = ""
			}
			if me.ExpiresAt != want || tt.expires != 0 && me.IssuedAt != began.UTC().Format(time.RFC3339) {
				t.Errorf("after %v: from %s to %s, want from %s to %s", tt.at, me.IssuedAt, me.ExpiresAt, began.UTC(), want)
			}
		}
	})
}

func TestMeOfAnUnusedSession(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{2*time.Hour - time.Second: 200, 2 * time.Hour: 401} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLoginMemorySite(t, func(c *testConfig) { c.SessionTTL = 2 * time.Hour })
				b := s.browser()
				a := s.get(b, s.callbackAddress(b, "/"))
				cookie := a.cookies("__Host-wxgate")[0]
				time.Sleep(after)
				// Without a jar, which leaves out expired cookies.
				got := s.get(s.browser(), "/_wx/me", func(r *http.Request) { r.AddCookie(cookie) })
				if got.StatusCode != want {
					t.Errorf("/me after %v = %d, want %d", after, got.StatusCode, want)
				}
			})
		})
	}
}
