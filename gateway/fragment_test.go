package gateway_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

func withFragments(c *testConfig) { c.KeepFragment = true }

var (
	fragmentLogin  = regexp.MustCompile(`<html lang="zh-CN" data-login="([^"]*)">`)
	fragmentLink   = regexp.MustCompile(`<noscript>.*<a href="([^"]*)">.*</noscript>`)
	fragmentScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// fragmentPage loads an address that is answered by the page that reads the
// fragment, and returns where its script and its link lead.
func (s *loginSite) fragmentPage(b *wechattest.Browser, address string, change ...func(*http.Request)) (login, link string) {
	s.t.Helper()
	a := s.get(b, address, change...)
	found, linked := fragmentLogin.FindStringSubmatch(a.body), fragmentLink.FindStringSubmatch(a.body)
	if a.StatusCode != 200 || found == nil || linked == nil {
		s.t.Fatalf("GET %s = %d %q, want the page that reads the fragment", address, a.StatusCode, a.body)
	}
	if len(a.cookies("")) != 0 {
		s.t.Errorf("GET %s sets %q, want no cookie before the login", address, a.Header["Set-Cookie"])
	}
	return html.UnescapeString(found[1]), html.UnescapeString(linked[1])
}

// The page leads to a login with the path and query of the address, to which the
// script appends the fragment.
func TestFragmentPage(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, withFragments)
	for _, tt := range []struct{ address, want string }{
		{"/", "/"},
		{"/shop?a=1+2&b=%2F&b=%2f&c=a%20b&&d", "/shop?a=1+2&b=%2F&b=%2f&c=a%20b&&d"},
		{`/?q="'><script>alert(1)</script>`, `/?q=%22%27%3E%3Cscript%3Ealert(1)%3C/script%3E`},
		{"//evil.example", s.url + "//evil.example"},
		{"/%E5%95%86", "/%E5%95%86"},
	} {
		b := s.browser()
		address := tt.address
		if strings.HasPrefix(address, "//") {
			address = s.url + address
		}
		login, link := s.fragmentPage(b, strings.ReplaceAll(strings.ReplaceAll(address, `"`, "%22"), "'><script>alert(1)</script>", "%27%3E%3Cscript%3Ealert(1)%3C/script%3E"))
		prefix := s.url + "/_wx/login?return_to="
		if login != link || !strings.HasPrefix(login, prefix) || strings.Contains(strings.TrimPrefix(login, prefix), "&") {
			t.Errorf("%s: script leads to %q, link to %q, want both at %s…, the last parameter", tt.address, login, link, prefix)
		}
		if got := queryOf(t, login).Get("return_to"); got != tt.want {
			t.Errorf("%s: return_to = %q, want %q", tt.address, got, tt.want)
		}
		for _, fragment := range []string{"", "#/me", "#/a?b=c&d=e+f", "#/%E5%95%86"} {
			page := s.open(s.browser(), login+url.QueryEscape(fragment)) // as encodeURIComponent does, but for spaces
			if got, want := echoIn(t, page.Body).Target, strings.TrimPrefix(tt.want, s.url); got != want {
				t.Errorf("%s with %q: the site saw %q, want %q", tt.address, fragment, got, want)
			}
			if want := strings.TrimPrefix(fragment, "#"); want != "" && page.URL.EscapedFragment() != want {
				t.Errorf("%s with %q: ends at %q", tt.address, fragment, page.URL)
			}
		}
	}
}

func TestFragmentPagePolicy(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, withFragments)
	a := s.get(s.browser(), "/shop")
	scripts := fragmentScript.FindAllStringSubmatch(a.body, -1)
	if len(scripts) != 1 || strings.Count(a.body, "<script") != 1 || strings.Contains(a.body, "<style") {
		t.Fatalf("page %q, want one script and no style", a.body)
	}
	sum := sha256.Sum256([]byte(scripts[0][1]))
	want := "default-src 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if got := a.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("Content-Security-Policy = %q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if log := s.log.String(); !strings.Contains(log, `"outcome":"login"`) {
		t.Errorf("log %s, want the outcome login", log)
	}
}

// Requests that cannot run the script of the page get the answer without
// KeepFragment.
func TestFragmentPageForPageLoadsOnly(t *testing.T) {
	t.Parallel()
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	s := newLoginMemorySite(t, func(c *testConfig) {
		withFragments(c)
		c.PublicPaths, c.APIPaths = []string{"/public"}, []string{"/api/"}
	})
	for _, tt := range []struct {
		name, method, path string
		change             func(*http.Request)
		status             int // 200: the page; -200: the site
	}{
		{"page load", "GET", "/", header(), 200},
		{"as a document", "GET", "/", header("Sec-Fetch-Dest", "document"), 200},
		{"older browser", "GET", "/", func(r *http.Request) { r.Header.Del("Sec-Fetch-Mode") }, 200},
		{"HEAD", "HEAD", "/", header(), 302},
		{"frame", "GET", "/", header("Sec-Fetch-Dest", "iframe"), 302},
		{"no HTML", "GET", "/", header("Accept", "*/*"), 302},
		{"HTML refused", "GET", "/", header("Accept", "text/html;q=0, */*"), 302},
		{"script", "GET", "/", asScript, 401},
		{"API", "GET", "/api/me", header(), 401},
		{"POST", "POST", "/", header(), 401},
		{"public", "GET", "/public", header(), -200},
		{"login endpoint", "GET", "/_wx/login?return_to=/x%23/me", header(), 302},
	} {
		a := s.do(s.browser(), tt.method, tt.path, nil, tt.change)
		got := a.StatusCode
		if a.Header.Get("From-Upstream") != "" {
			got = -got
		}
		if got != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.status)
		}
		if page := fragmentLogin.MatchString(a.body); page != (tt.status == 200) {
			t.Errorf("%s: shows the page: %v", tt.name, page)
		}
	}
	b := s.browser()
	login, _ := s.fragmentPage(b, "/")
	s.open(b, login)
	if a := s.get(b, "/"); a.Header.Get("From-Upstream") == "" {
		t.Errorf("with a session %d, want the site", a.StatusCode)
	}
}

// OutsideWeChat takes precedence over KeepFragment.
func TestFragmentPageOutsideWeChat(t *testing.T) {
	t.Parallel()
	for setting, shown := range map[gateway.OutsideWeChat]bool{gateway.OutsideRedirect: true, gateway.OutsidePage: false, gateway.OutsideDeny: false} {
		s := newLoginMemorySite(t, func(c *testConfig) {
			withFragments(c)
			c.OutsideWeChat = setting
		})
		b := s.browser()
		b.UserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36"
		if got := fragmentLogin.MatchString(s.get(b, "/").body); got != shown {
			t.Errorf("%s: shows the page: %v, want %v", setting, got, shown)
		}
	}
}

// Of several tabs that sign in at once, the five newest come back to their own
// addresses.
func TestFragmentPageInManyTabs(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, withFragments)
	b := s.browser()
	var callbacks []string
	for _, tab := range []string{"0", "1", "2", "3", "4", "5"} {
		login, _ := s.fragmentPage(b, "/?tab="+tab)
		callbacks = append(callbacks, s.callbackAddress(b, login+url.QueryEscape("#/"+tab)))
	}
	wantPage(t, s.get(b, callbacks[0]), 400, headingRestart)
	for i, callback := range callbacks[1:] {
		tab := string(rune('1' + i))
		wantRedirect(t, s.get(b, callback), "/?tab="+tab+"#/"+tab)
	}
}

// On another of the site's hosts, the login at the public URL leads back there.
func TestFragmentPageOfAReturnHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, new(echo), func(c *testConfig) {
		withFragments(c)
		c.ReturnHosts, c.CookieDomain = []string{"m.example.com"}, "example.com"
	})
	q := r.newRequest(t, "GET", "/shop?x", nil, "Accept", "text/html")
	q.Host = "m.example.com"
	found := fragmentLogin.FindStringSubmatch(r.send(t, q).body)
	if want := rigOrigin + "/_wx/login?return_to=https%3A%2F%2Fm.example.com%2Fshop%3Fx"; found == nil || found[1] != want {
		t.Errorf("the script leads to %q, want %q", found, want)
	}
}
