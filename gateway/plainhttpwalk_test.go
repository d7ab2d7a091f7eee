package gateway_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A frontProxy stands between browsers and a site in memory, and says how the
// visitor came.
type frontProxy struct {
	site       *loginSite
	alwaysHTTP bool   // says http to requests by https too: TLS ended before it
	host       string // replaces Host, if not empty
	tellsHost  bool   // sends the visitor's Host as X-Forwarded-Host
}

// RoundTrip implements [http.RoundTripper].
func (f frontProxy) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Host, "h5.example.com") {
		return f.site.wx.Transport().RoundTrip(r)
	}
	in := r.Clone(r.Context())
	in.Header.Set("X-Forwarded-Proto", r.URL.Scheme)
	if f.alwaysHTTP {
		in.Header.Set("X-Forwarded-Proto", "http")
	}
	if f.tellsHost {
		in.Header.Set("X-Forwarded-Host", r.URL.Host)
	}
	if f.host != "" {
		in.URL.Host = f.host
	}
	return f.site.answer(in), nil
}

// A secureJar treats Secure cookies as browsers do: it does not take one from plain
// http, nor send one there.
type secureJar struct{ *cookiejar.Jar }

// SetCookies implements [http.CookieJar].
func (j secureJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		if u.Scheme == "https" || !c.Secure {
			j.Jar.SetCookies(u, []*http.Cookie{c})
		}
	}
}

// browser is a new browser before the proxy, which is put before site.
func (f frontProxy) browser(site *loginSite) *wechattest.Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		site.t.Fatal(err)
	}
	f.site = site
	return &wechattest.Browser{Transport: f, Jar: secureJar{jar}}
}

// Each visitor who opens a page ends there, signed in: by http and by https, also
// behind a proxy that says a wrong scheme or rewrites the host.
func TestPlainHTTPWalk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		front frontProxy
		most  int // hops to the page, of a visitor who typed https
	}{
		{"tells the scheme", frontProxy{}, 4},
		{"always says http", frontProxy{alwaysHTTP: true}, 5},
		{"rewrites Host", frontProxy{host: "h5.internal"}, 6},
		{"rewrites and tells Host", frontProxy{host: "h5.internal", tellsHost: true}, 4},
		{"rewrites Host, always says http", frontProxy{host: "h5.internal", alwaysHTTP: true}, 7},
	} {
		for _, domain := range []string{"", "h5.example.com"} {
			for _, address := range []string{
				"https://h5.example.com/cart?id=7&q=%e5", "http://h5.example.com/cart?id=7&q=%e5",
				"http://www.h5.example.com/cart?id=7&q=%e5",
				"http://h5.example.com/_wx/login?return_to=%2Fcart%3Fid%3D7%26q%3D%25e5",
			} {
				if tt.front.host != "" && strings.Contains(address, "www.") {
					continue // this proxy is for one host
				}
				t.Run(tt.name+" "+domain+" "+address, func(t *testing.T) {
					t.Parallel()
					s := newLoginMemorySite(t, func(c *testConfig) {
						c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
						c.Hosts, c.CookieDomain = []string{"www.h5.example.com", "h5.internal"}, domain
					})
					most := tt.most
					if strings.HasPrefix(address, "http:") {
						most += 2
					}
					s.wantWalk(tt.front.browser(s), address, most)
				})
			}
		}
	}
}

// wantWalk checks that a visitor who opens an address ends at /cart?id=7&q=%e5, signed
// in, within a number of hops, and that they are signed in when they come back by
// plain http.
func (s *loginSite) wantWalk(b *wechattest.Browser, address string, most int) {
	s.t.Helper()
	page := s.open(b, address)
	if page.Status != 200 || len(page.Hops) > most || page.URL.Scheme != "https" {
		s.t.Fatalf("ended with %d at %s, %v; want the page within %d hops", page.Status, page.URL, page.Hops, most)
	}
	seen := echoIn(s.t, page.Body)
	if seen.Target != "/cart?id=7&q=%e5" || seen.Header.Get("X-WX-OpenID") == "" {
		s.t.Errorf("the site got %s of %q", seen.Target, seen.Header.Get("X-WX-OpenID"))
	}
	const orders = "//h5.example.com/orders?id=8#top"
	again := s.open(b, "http:"+orders)
	if again.Status != 200 || len(again.Hops) > 2 || again.URL.String() != "https:"+orders {
		s.t.Errorf("signed in, ended with %d at %s, %v; want the page at https", again.Status, again.URL, again.Hops)
	}
	s.wantExchanges(1)
}

// A page-driven login works behind a proxy that always says http, after one redirect.
func TestPlainHTTPPageFlow(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, func(c *testConfig) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		c.PublicPaths = []string{"/a"}
	})
	b := frontProxy{alwaysHTTP: true}.browser(s)
	b.Visitor = "lihua"
	first := s.get(b, "/_wx/config?redirect_uri=https%3A%2F%2Fh5.example.com%2Fa", asScript)
	if want := s.url + "/_wx/config?redirect_uri=https%3A%2F%2Fh5.example.com%2Fa"; first.location() != want {
		t.Fatalf("/config = %d to %q, want 302 to %q", first.StatusCode, first.location(), want)
	}
	code, state := s.pageCode(b, "/a")
	s.wantVisitor(s.postCode(b, code, state), b, s.openID("lihua"))
}

// noJar is the jar of a browser that keeps no cookies.
type noJar struct{}

func (noJar) SetCookies(*url.URL, []*http.Cookie) {}
func (noJar) Cookies(*url.URL) []*http.Cookie     { return nil }

// A browser that keeps no cookies does not go in circles: it ends on the page that
// says what is wrong.
func TestPlainHTTPWithoutCookies(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"/cart?id=7", "//shop/7", "/_wx/login?return_to=%2Fcart"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			s := newLoginMemorySite(t, func(c *testConfig) {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
			})
			b := frontProxy{alwaysHTTP: true}.browser(s)
			b.Jar = noJar{}
			page := s.open(b, s.url+address)
			if page.Status != http.StatusBadRequest || !strings.Contains(string(page.Body), headingNoCookies) || len(page.Hops) > 15 {
				t.Errorf("ended with %d after %d hops at %s, want the page about cookies within fifteen", page.Status, len(page.Hops), page.URL)
			}
		})
	}
}
