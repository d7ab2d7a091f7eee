package gateway_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// wantOwnFragment checks that a page load from WeChat ended at a page with the
// fragment, not with WeChat's, which browsers hand on over redirects.
func wantOwnFragment(t *testing.T, way string, page *wechattest.Page, fragment string) {
	t.Helper()
	last := page.Hops[len(page.Hops)-1]
	if page.Status != 200 || last.URL.Fragment != fragment {
		t.Errorf("%s: ends with %d at fragment %q, want 200 at %q", way, page.Status, last.URL.Fragment, fragment)
	}
}

// wantFragments checks that each redirect of a site to a page of its own, or of a
// hub to its sites, has a fragment. Those to a login and to WeChat come before.
func (s *loginSite) wantFragments(t *testing.T, sites ...string) {
	t.Helper()
	checked := 0
	for _, a := range s.answers {
		location := a.header.Get("Location")
		back := strings.HasPrefix(location, "/")
		for _, site := range sites {
			back = back || strings.HasPrefix(location, site) && !strings.HasPrefix(location, site+"/_wx/login")
		}
		if !back {
			continue
		}
		checked++
		if !strings.Contains(location, "#") {
			t.Errorf("%s redirects to %q, want a fragment", a.path, upTo(location, "?"))
		}
	}
	if checked == 0 {
		t.Errorf("no redirect back among %d answers", len(s.answers))
	}
}

// Every way back from a login ends at the address that the visitor wanted, without
// WeChat's #wechat_redirect.
func TestWayBackHasItsOwnFragment(t *testing.T) {
	t.Parallel()
	const fromWeChat = "#wechat_redirect"
	s := newLoginSite(t, func(c *testConfig) { c.PublicPaths = []string{"/guest"} })
	b := s.browser()
	for _, way := range []struct{ name, address, fragment string }{
		{"callback", s.url + "/shop?item=1", ""},
		{"home page", s.url, ""},
		{"fragment of the visitor's", s.url + "/_wx/login?return_to=" + url.QueryEscape("/shop?x#/cart"), "/cart"},
		{"empty fragment of the visitor's", s.url + "/_wx/login?return_to=" + url.QueryEscape("/shop#"), ""},
		{"absolute address", s.url + "/_wx/login?return_to=" + url.QueryEscape(s.url+"/shop"), ""},
		{"two slashes", s.url + "//shop/7", ""},
	} {
		b = s.browser()
		wantOwnFragment(t, way.name, s.open(b, way.address), way.fragment)
		repeated, err := b.Back(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantOwnFragment(t, way.name+", repeated", repeated, way.fragment)
	}
	callback := s.url + "/_wx/callback?code=planted&state=" + strings.Repeat("0", 32) + fromWeChat
	wantOwnFragment(t, "stray callback", s.open(b, callback), "")
	code, state := s.pageCode(b, "/guest")
	wantOwnFragment(t, "callback of a page's login",
		s.open(b, "/_wx/callback?code="+code+"&state="+state+fromWeChat), "")
	again := s.browser()
	code, state = s.pageCode(again, "/guest#/offers")
	wantOwnFragment(t, "callback of a page's login with a hash route",
		s.open(again, "/_wx/callback?code="+code+"&state="+state+fromWeChat), "/offers")
	for target, want := range map[string]string{"": "/#", "?return_to=/bye%23/x": "/bye#/x"} {
		if a := s.do(b, "POST", "/_wx/logout"+target, nil); a.StatusCode != 303 || a.location() != want {
			t.Errorf("sign-out%s: %d to %q, want 303 to %q", target, a.StatusCode, a.location(), want)
		}
	}
	s.wantFragments(t, s.url)
}

// So does every way back through a hub.
func TestWayBackThroughAHubHasItsOwnFragment(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	for _, way := range []struct{ address, fragment string }{
		{shop1Origin + "/shop?x", ""},
		{shop1Origin + "/_wx/login?return_to=" + url.QueryEscape("/#/cart"), "/cart"},
	} {
		b := w.browser("lihua")
		atHub := w.redirectTo(b, way.address, hubOrigin+"/_wx/callback?code=") + "#wechat_redirect"
		wantOwnFragment(t, "callback of the hub", w.hub.open(b, atHub), way.fragment)
		wantOwnFragment(t, "repeated callback of the hub", w.hub.open(b, atHub), way.fragment)
	}
	b := w.browser("lihua")
	ticket := w.ticketFor(b, w.shop1, "/shop")
	if !strings.HasSuffix(ticket, "#") {
		t.Error("the hub leads to the site's callback without a fragment, want an empty one")
	}
	page := w.shop1.pageConfig(b, "?redirect_uri="+url.QueryEscape(shop1Origin+"/guest#/offers"))
	back := w.redirectTo(b, page.AuthorizeURL, shop1Origin)
	if !strings.HasSuffix(back, "#/offers") || strings.Count(back, "#") != 1 {
		t.Errorf("the hub leads to the fragment %q, want #/offers", back[strings.IndexByte(back, '#'):])
	}
	w.hub.wantFragments(t, shop1Origin)
	w.shop1.wantFragments(t, shop1Origin)
}
