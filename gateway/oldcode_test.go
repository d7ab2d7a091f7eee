package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session"
)

// oldCodes are pages with what an earlier login left in their addresses, and the
// pages without it.
var oldCodes = []struct{ page, want string }{
	{"/guest?code=OLD&state=old", "/guest"},
	{"/guest?from=menu&code=OLD&state=old", "/guest?from=menu"},
	{"/guest?code=OLD&from=menu&state=old", "/guest?from=menu"},
	{"/guest?code=OLD&state=old&from=menu", "/guest?from=menu"},
	{"/guest?state=declined", "/guest"},
	{"/guest?code&state", "/guest"},
	{"/guest?code=&state=&", "/guest?"},
	{"/guest?code=1&state=1&code=2&state=2&code=3&state=3", "/guest"},
	{"/guest?code=OLD&state=old#/offers", "/guest#/offers"},
	{"/guest?a=1&code=OLD&state=old#/offers?code=kept&state=kept", "/guest?a=1#/offers?code=kept&state=kept"},
	{"/guest#?code=kept&state=kept", "/guest#?code=kept&state=kept"},
	{"/guest?%63ode=OLD&%73tate=old", "/guest"},
	{"/guest?co%64%65=OLD&stat%65=old&a", "/guest?a"},
	{"/guest?%63%6F%64%65=OLD&%73%74%61%74%65=old", "/guest"},
	{"/guest?%63%6f%64%65&x", "/guest?x"},
	{"/guest?code=a%26b%3Dc&state=%zz&x", "/guest?x"},
	{"/guest?code=a=b&state=c=d&x", "/guest?x"},
	// All else stays byte for byte, names that only look alike too.
	{"/guest?a=1+2&b=%2F&b=%2f&c=%20d&&e=%E5%95%86&code=OLD&f", "/guest?a=1+2&b=%2F&b=%2f&c=%20d&&e=%E5%95%86&f"},
	{"/guest?Code=1&STATE=2&xcode=3&code2=4&state_=5", "/guest?Code=1&STATE=2&xcode=3&code2=4&state_=5"},
	{"/guest?code[]=1&code%00=2&%2563ode=3&code%=4&+code=5&code+=6",
		"/guest?code[]=1&code%00=2&%2563ode=3&code%=4&+code=5&code+=6"},
	{"/guest?a=code&b=state&next=/x?code=1", "/guest?a=code&b=state&next=/x?code=1"},
	{"/guest?a;code=1;state=2", "/guest?a;code=1;state=2"},
	{"/guest?&&", "/guest?&&"},
	{"/code=1&state=2?x", "/code=1&state=2?x"},
	{"?code=OLD&state=old", ""},
	{"//guest?code=OLD&state=old", "//guest"},
}

// A login that a page drives leaves the code and state of the login before out of
// the address that WeChat and the callback lead to.
func TestPageConfigTakesOldCodeOut(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	for _, tt := range oldCodes {
		b := s.browser()
		c := s.pageConfig(b, "?redirect_uri="+url.QueryEscape(s.url+tt.page))
		if got := queryOf(t, c.AuthorizeURL).Get("redirect_uri"); got != s.url+tt.want {
			t.Errorf("%s: redirect_uri %q, want %q", tt.page, got, s.url+tt.want)
			continue
		}
		back := s.get(b, upTo(c.AuthorizeURL, "#"), answering(b)).location()
		query := upTo(back, "#")
		code := upTo(query[strings.LastIndex(query, "code=")+len("code="):], "&")
		wantRedirect(t, s.get(b, "/_wx/callback?code="+code+"&state="+c.State), withFragment(s.url+tt.want))
	}
}

// So does a login by the gateway's callback that a page has started.
func TestPageConfigTakesOldCodeOutOfReferer(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	for _, tt := range oldCodes {
		if strings.Contains(tt.page, "#") {
			continue // no browser sends a fragment there
		}
		b := s.browser()
		a := s.get(b, "/_wx/config", asScript, func(r *http.Request) { r.Header.Set("Referer", s.url+tt.page) })
		var c pageConfig
		if err := json.Unmarshal([]byte(a.body), &c); err != nil {
			t.Fatal(err)
		}
		callback := s.get(b, upTo(c.AuthorizeURL, "#"), answering(b)).location()
		wantRedirect(t, s.get(b, callback), withFragment(s.url+tt.want))
	}
}

// Two logins at the same address, whose first has left its code and state there,
// both succeed.
func TestPageConfigTwiceAtOneAddress(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	page := s.url + "/guest?from=menu"
	for range 2 {
		c := s.pageConfig(b, "?redirect_uri="+url.QueryEscape(page))
		page = s.get(b, upTo(c.AuthorizeURL, "#"), answering(b)).location()
		query := queryOf(t, page)
		if len(query["code"]) != 1 || len(query["state"]) != 1 || query.Get("from") != "menu" {
			t.Fatalf("back at %q, want one code and one state", page)
		}
		s.wantVisitor(s.postCode(b, query.Get("code"), query.Get("state")), b, s.openID("lihua"))
	}
	s.wantExchanges(2)
}

// An address counts without its old code: it may be too long with it.
func TestPageConfigLongOldCode(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, nil)
	page := s.url + "/" + strings.Repeat("a", session.MaxReturnTo-len(s.url)-1)
	c := s.pageConfig(s.browser(), "?redirect_uri="+url.QueryEscape(page+"?code="+strings.Repeat("b", 500)+"&state=c"))
	if got := queryOf(t, c.AuthorizeURL).Get("redirect_uri"); got != page {
		t.Errorf("redirect_uri %q, want the page", got)
	}
}

// A hub leads back with one code and one state, whatever the site's address has.
func TestHubTakesOldCodeOut(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	for _, tt := range oldCodes {
		b := w.browser("lihua")
		page := w.shop1.pageConfig(b, "?redirect_uri="+url.QueryEscape(shop1Origin+tt.page))
		query := queryOf(t, page.AuthorizeURL)
		if got := query.Get("redirect_uri"); got != shop1Origin+tt.want {
			t.Errorf("%s: the site sends %q to the hub, want %q", tt.page, got, shop1Origin+tt.want)
		}
		query.Set("redirect_uri", shop1Origin+tt.page) // as a site of an earlier version sends it
		back := w.redirectTo(b, hubLogin+query.Encode(), shop1Origin)
		address, fragment, _ := strings.Cut(back, "#")
		want, wantFragment, _ := strings.Cut(tt.want, "#")
		separator := "?"
		if strings.Contains(want, "?") {
			separator = "&"
		}
		prefix := shop1Origin + want + separator + "code="
		ticket, ok := strings.CutPrefix(address, prefix)
		if !ok || !strings.HasSuffix(ticket, "&state="+page.State) || fragment != wantFragment {
			t.Errorf("%s: the hub leads back to %q, want %s…&state=%s#%s", tt.page, back, prefix, page.State, wantFragment)
		}
	}
}
