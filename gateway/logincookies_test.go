package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// longPage is the address of a page, of n bytes.
func longPage(n int) string { return "/goods?q=" + strings.Repeat("x", n-len("/goods?q=")) }

// cookieBytes is the size of the login cookies that b sends to the site, and how many
// they are.
func (s *loginSite) cookieBytes(b *wechattest.Browser) (bytes, n int) {
	s.t.Helper()
	for _, c := range b.Jar.Cookies(mustURL(s.t, s.url)) {
		if strings.Contains(c.Name, "_login_") {
			bytes += len(c.Name + "=" + c.Value + "; ")
			n++
		}
	}
	return bytes, n
}

// wantShortHeader checks that the response header fits into the 4 KiB that nginx
// accepts by default. A server adds Date and Connection to what the gateway writes.
func wantShortHeader(t *testing.T, what string, res *http.Response) {
	t.Helper()
	dump, err := httputil.DumpResponse(res, false)
	if err != nil {
		t.Fatal(err)
	}
	size := len(dump) + len("Date: Fri, 27 Nov 2026 16:00:00 GMT\r\nConnection: keep-alive\r\n")
	if size > 4096 {
		t.Errorf("%s: a response header of %d bytes, want 4096 at most", what, size)
	}
}

// However logins begin, in tabs, through the endpoints or again after a refused
// code, their cookies stay within 4 KiB and so does each response header.
func TestLoginCookiesStayShort(t *testing.T) {
	t.Parallel()
	login := func(n int) string { return "/_wx/login?return_to=" + url.QueryEscape(longPage(n)) }
	config := func(n int) string {
		return "/_wx/config?redirect_uri=" + url.QueryEscape("https://h5.example.com"+longPage(n))
	}
	tests := []struct {
		name      string
		addresses []string
		pending   int // logins that remain of the last ones
	}{
		{"restored tabs", []string{longPage(1000), longPage(1900), longPage(1200), longPage(1500), longPage(1900)}, 1},
		{"eighteen long ones in a row", many(login(1900), 18), 1},
		{"the longest after short ones", append(many("/a", 5), longPage(2000)), 5},
		{"the longest after middling ones", append(many(longPage(450), 5), longPage(2000)), 2},
		{"five of 400 bytes", many(longPage(400), 6), 5},
		{"short ones", many("/a", 8), 5},
		{"driven by a page", many(config(1900), 5), 1},
		{"with more scope", many(login(1950)+"&scope=snsapi_userinfo", 5), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginMemorySite(t, nil)
			b := s.browser()
			var states []string
			for _, address := range tt.addresses {
				a := s.get(b, address, func(r *http.Request) {
					if strings.HasPrefix(address, "/_wx/config") {
						asScript(r)
					}
				})
				wantShortHeader(t, address[:min(20, len(address))], a.Response)
				if bytes, n := s.cookieBytes(b); bytes > 4096 || n > 5 {
					t.Errorf("%d login cookies of %d bytes, want 5 of 4096 at most", n, bytes)
				}
				for _, c := range a.cookies("__Host-wxgate_login_") {
					if c.MaxAge > 0 {
						states = append(states, strings.TrimPrefix(c.Name, "__Host-wxgate_login_"))
					}
				}
			}
			names := strings.Join(s.cookieNames(b), " ")
			for i, state := range states {
				if want := len(states)-i <= tt.pending; strings.Contains(names, state) != want {
					t.Errorf("login %d of %d remains: %t, want %t", i+1, len(states), !want, want)
				}
			}
		})
	}
}

func many(address string, n int) []string {
	return strings.Split(strings.Repeat(address+" ", n-1)+address, " ")
}

// A refused code starts the login again in one response, which is short too.
func TestLoginStartedAgainIsShort(t *testing.T) {
	t.Parallel()
	for _, n := range []int{20, 300, 1900, 2000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := newLoginMemorySite(t, nil)
			b := s.browser()
			for range 4 {
				s.authorizeAddress(b, "/a")
			}
			callback := s.callbackAddress(b, longPage(n))
			a := s.get(b, withQuery(t, callback, func(q url.Values) { q.Set("code", "used") }))
			if a.StatusCode != 302 || !strings.HasPrefix(a.location(), s.weChatURL) {
				t.Fatalf("a refused code = %d to %q, want 302 to WeChat", a.StatusCode, a.location())
			}
			wantShortHeader(t, "start again", a.Response)
			if bytes, n := s.cookieBytes(b); bytes > 4096 || n > 5 {
				t.Errorf("%d login cookies of %d bytes, want 5 of 4096 at most", n, bytes)
			}
			authorize, _, _ := strings.Cut(a.location(), "#")
			wantRedirect(t, s.get(b, s.get(b, authorize, answering(b)).location()), longPage(n)+"#")
		})
	}
}

// The cookie of a finished login has no room for a long address. The replica that
// finished it remembers where the login led; another one sends the visitor to the
// home page, and asks WeChat no more than it.
func TestLongLoginRepeated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n     int
		other string // where another replica leads
	}{{256, longPage(256)}, {257, "/"}, {2000, "/"}} {
		t.Run(fmt.Sprint(tt.n), func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, nil)
			b := s.browser()
			callback := s.callbackAddress(b, longPage(tt.n))
			for range 3 {
				wantRedirect(t, s.get(b, callback), longPage(tt.n)+"#")
			}
			if bytes, n := s.cookieBytes(b); bytes > 700 || n != 1 {
				t.Errorf("%d login cookies of %d bytes, want one of 700 at most", n, bytes)
			}
			s.use(s.replica(s.config()))
			wantRedirect(t, s.get(b, callback), tt.other+"#")
			s.wantExchanges(1)
		})
	}
}

// A hub sends the visitor of a repeated callback back to the site that they came
// from, though its address is long.
func TestLongHubLoginRepeated(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	page := shop1Origin + longPage(1500)
	atHub := w.redirectTo(b, hubLogin+"redirect_uri="+url.QueryEscape(page)+"&state="+strings.Repeat("0", 32), "https://open.")
	callback := w.redirectTo(b, upTo(atHub, "#"), hubOrigin+"/_wx/callback?")
	for range 2 {
		if got := w.redirectTo(b, callback, page+"&code="); queryOf(t, got).Get("state") != strings.Repeat("0", 32) {
			t.Errorf("the hub sends the visitor to %q, want the site's state there", got)
		}
	}
	w.hub.use(w.hub.replica(w.hub.config()))
	if got := w.redirectTo(b, callback, shop1Origin+"/?"); queryOf(t, got).Has("code") {
		t.Errorf("another replica sends the visitor to %q, want no ticket there", got)
	}
	w.hub.wantExchanges(1)
}
