package gateway_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// openIDList writes a list of openids to a new file and returns its path.
func openIDList(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A login of a visitor whom the lists keep out ends with a 403 and without a
// session.
func TestListsAtLogin(t *testing.T) {
	t.Parallel()
	openID := new(wechattest.Emulator).OpenID // the same in every emulator
	lihua, wangfang := openID(wechattest.StockAppID, "lihua"), openID(wechattest.StockAppID, "wangfang")
	for _, test := range []struct {
		name        string
		allow, deny string // "-": none
		admitted    bool   // lihua, who signs in
	}{
		{"allowed", "# staff\n" + wangfang + "\n" + lihua + "\n", "-", true},
		{"not on the list", wangfang, "-", false},
		{"denied", "-", lihua, false},
		{"another denied", "-", wangfang, true},
		{"denied and allowed", lihua, lihua, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, func(c *testConfig) {
				c.PublicPaths = []string{"/static/"}
				if test.allow != "-" {
					c.AllowOpenIDsFile = openIDList(t, test.allow)
				}
				if test.deny != "-" {
					c.DenyOpenIDsFile = openIDList(t, test.deny)
				}
			})
			b := s.browser()
			if test.admitted {
				s.signIn(b)
				return
			}
			a := s.get(b, s.callbackAddress(b, "/shop"))
			wantPage(t, a, http.StatusForbidden, headingForbidden)
			if got := a.cookies("wxgate"); len(got) != 1 || !strings.HasPrefix(got[0].Name, "wxgate_login_") {
				t.Errorf("cookies %q, want only that of the login", got)
			}
			if a := s.get(b, "/_wx/me", asScript); a.StatusCode != http.StatusUnauthorized {
				t.Errorf("/me = %d, want 401", a.StatusCode)
			}
			if strings.Contains(s.log.String(), lihua) {
				t.Errorf("openid in the log: %s", s.log)
			}
		})
	}
}

// A visitor with a session who is added to the deny list is refused within five
// seconds, and admitted again when they are removed from it.
func TestListsEndASession(t *testing.T) {
	t.Parallel()
	path := openIDList(t, "")
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, func(c *testConfig) {
			c.DenyOpenIDsFile = path
			c.PublicPaths = []string{"/static/"}
		})
		b := s.browser()
		s.signIn(b)
		write := func(content string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
		}
		write(s.openID("lihua"))
		wantPage(t, s.get(b, "/shop"), http.StatusForbidden, headingForbidden)
		for _, address := range []string{"/api", "/_wx/me"} {
			if a := s.get(b, address, asScript); a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, `"error":"not_allowed"`) {
				t.Errorf("GET %s = %d %s, want 403 not_allowed", address, a.StatusCode, a.body)
			}
		}
		a := s.get(b, "/static/app.js")
		if h := echoIn(t, a.body).Header; a.StatusCode != http.StatusOK || len(hasPrefixFold(h, "x-wx-")) > 0 {
			t.Errorf("public path: %d with %q, want it without identity", a.StatusCode, hasPrefixFold(h, "x-wx-"))
		}
		write("")
		if a := s.get(b, "/shop"); a.StatusCode != http.StatusOK {
			t.Errorf("removed from the list: status %d, want 200", a.StatusCode)
		}
		s.wantExchanges(1)
	})
}

// A unionid in the deny list keeps its visitor out of scan login too, where they
// have another openid.
func TestListsMatchUnionIDs(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, scanLogin)
	c := s.config()
	c.DenyOpenIDsFile = openIDList(t, s.wx.UnionID(wechattest.StockAppID, "lihua"))
	s.use(s.replica(c))
	for _, scope := range []string{"snsapi_base", "snsapi_userinfo"} {
		b := s.browser()
		b.UserAgent = wechattest.AgentChrome
		if page := s.open(b, "/_wx/login?scope="+scope); page.Status != http.StatusForbidden {
			t.Errorf("scan login with %s: status %d, want 403", scope, page.Status)
		}
	}
	phone := s.browser()
	if page := s.open(phone, "/_wx/login?scope=snsapi_userinfo"); page.Status != http.StatusForbidden {
		t.Errorf("in WeChat, with a profile: status %d, want 403", page.Status)
	}
}

func TestDeniedPageFlow(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	c := s.config()
	c.DenyOpenIDsFile = openIDList(t, s.openID("lihua"))
	s.use(s.replica(c))
	b := s.browser()
	b.Visitor = "lihua"
	code, state := s.pageCode(b, "/guest")
	a := s.postCode(b, code, state)
	wantRefusal(t, a, http.StatusForbidden, "not_allowed")
	if got := len(a.cookies("wxgate")); got != 1 {
		t.Errorf("%d cookies, want only the login's", got)
	}
}
