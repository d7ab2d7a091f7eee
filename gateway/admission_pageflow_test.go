package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A page that drives the login learns that its visitor does not follow, however
// often it asks, and gets in once she does.
func TestNotFollowingPageFlow(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "tom", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		code, state := s.pageCode(b, "/guest")
		for range 2 {
			wantRefusal(t, s.postCode(b, code, state), http.StatusForbidden, "not_following")
		}
		s.wx.SetFollows(wechattest.StockAppID, "tom", true)
		time.Sleep(4 * time.Second)
		s.wantAdmitted(b, "she follows")
		s.wantExchanges(1)
	})
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
		t.Errorf("%d cookies, want the login's alone", got)
	}
}

func TestScanLoginPageFlow(t *testing.T) {
	t.Parallel()
	s, b := newScanSite(t)
	b.Visitor = "lihua"
	if c := s.pageConfig(b, ""); c.AppID != wechattest.StockWebsiteAppID || c.Scope != "snsapi_login" {
		t.Errorf("/config = %+v, want the website application and its scope", c)
	}
	code, state := s.pageCode(b, "/guest")
	if a := s.postCode(b, code, state); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"appid":"`+wechattest.StockWebsiteAppID+`"`) {
		t.Errorf("POST /session = %d %s, want the website application's session", a.StatusCode, a.body)
	}
}

// The results of logins that let nobody in are counted for what they are.
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
