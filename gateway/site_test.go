package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// siteAt is a site at an origin. Its upstream answers with the site's name, openid
// and cookies.
func siteAt(t testing.TB, name, origin string, hosts ...string) gateway.Site {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s: %s %q", name, r.Header.Get("X-WX-OpenID"), r.Header["Cookie"])
	}))
	t.Cleanup(upstream.Close)
	return gateway.Site{
		Hosts:      hosts,
		PublicURL:  origin,
		Account:    &wechat.Client{AppID: "wx" + name},
		CookieKeys: rigKeys(),
		Upstreams:  []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}},
	}
}

// cookieOf is the session cookie of a visitor of the site.
func cookieOf(t testing.TB, site gateway.Site) string {
	t.Helper()
	c := session.Config{
		Keys: site.CookieKeys, Site: site.PublicURL, AppID: site.Account.AppID, Name: site.CookieName, Domain: site.CookieDomain,
		Secure: strings.HasPrefix(site.PublicURL, "https:"), Lifetime: rigLifetime,
	}
	return sessionCookie(t, c, &session.Session{AppID: site.Account.AppID, OpenID: "o" + site.Account.AppID})
}

// newSites starts a gateway before several sites.
func newSites(t testing.TB, sites ...gateway.Site) *rig {
	t.Helper()
	return newRig(t, nil, func(c *testConfig) {
		c.Sites, c.TrustedProxies = sites, loopback
	})
}

// at sends a request to a host.
func (r *rig) at(t testing.TB, host, method, target string, header ...string) *answer {
	t.Helper()
	q := r.newRequest(t, method, target, nil, header...)
	q.Host = host
	return r.send(t, q)
}

func TestSiteOfAHost(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com", "www.a.example.com", "[2001:db8::1]"), siteAt(t, "b", "https://b.example.com:8443")
	b.PublicPaths, a.PublicPaths = []string{"/{$}"}, []string{"/{$}"}
	r := newSites(t, a, b)
	for host, want := range map[string]string{
		"a.example.com": "a", "A.Example.COM": "a", "a.example.com:80": "a", "a.example.com:9999": "a", "a.example.com.": "a", "a.example.com.:443": "a",
		"www.a.example.com": "a", "[2001:db8::1]": "a", "[2001:DB8::1]:8080": "a",
		"b.example.com": "b", "B.example.com.:1": "b",
		"example.com": "", "c.example.com": "", "xa.example.com": "", "a.example.com.evil.com": "", "a.example.com..": "", "": "",
		"127.0.0.1": "", "a.example.com:x": "",
	} {
		got := r.at(t, host, "GET", "/", "Sec-Fetch-Mode", "cors")
		if want == "" {
			if host != "" && (got.StatusCode != 421 || refusalOf(t, got).Error != "unknown_site") {
				t.Errorf("host %q: answer %d %.80s, want 421 unknown_site", host, got.StatusCode, got.body)
			}
			continue
		}
		if got.StatusCode != 200 || !strings.HasPrefix(got.body, want+":") {
			t.Errorf("host %q: answer %d %.80s, want site %s", host, got.StatusCode, got.body, want)
		}
	}
	for _, target := range []string{"/_wx/me", "/_wx/auth", "/_wx/login", "/_wx/callback?code=x&state=y", "/_wx/logout", "/static/x"} {
		if got := r.at(t, "c.example.com", "POST", target, "Cookie", cookieOf(t, a)); got.StatusCode != 421 {
			t.Errorf("%s at an unknown host: answer %d, want 421", target, got.StatusCode)
		}
	}
	if got := r.at(t, "c.example.com", "GET", "/", asPage...); got.StatusCode != 421 || !strings.Contains(got.body, "<h1>") {
		t.Errorf("page load at an unknown host: answer %d %.80s, want a page", got.StatusCode, got.body)
	}
	if n := r.count(t, "wxgate_http_requests_total", "outcome", "error", "code", "421", "site", "none"); n == 0 {
		t.Error("no 421 counted as an error")
	}
}

// Each site has its own sessions, account and logins.
func TestSitesShareNoSession(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com"), siteAt(t, "b", "https://b.example.com")
	same := siteAt(t, "c", "https://c.example.com")
	same.Account = a.Account // two sites of one account
	r := newSites(t, a, b, same)
	for _, tt := range []struct {
		host   string
		cookie gateway.Site
		status int
	}{
		{"a.example.com", a, 200}, {"b.example.com", b, 200}, {"c.example.com", same, 200},
		{"b.example.com", a, 401}, {"a.example.com", b, 401}, {"c.example.com", a, 401}, {"a.example.com", same, 401},
	} {
		got := r.at(t, tt.host, "GET", "/orders", "Sec-Fetch-Mode", "cors", "Cookie", cookieOf(t, tt.cookie))
		if got.StatusCode != tt.status || tt.status == 200 && !strings.Contains(got.body, "o"+tt.cookie.Account.AppID+" ") {
			t.Errorf("%s with a session of %s: answer %d %s, want %d", tt.host, tt.cookie.PublicURL, got.StatusCode, got.body, tt.status)
		}
	}
	for _, site := range []gateway.Site{a, b} {
		host := strings.TrimPrefix(site.PublicURL, "https://")
		location := queryOf(t, r.at(t, host, "GET", "/orders", asPage...).Header.Get("Location"))
		if location.Get("appid") != site.Account.AppID || location.Get("redirect_uri") != site.PublicURL+"/_wx/callback" {
			t.Errorf("login at %s: %v", host, location)
		}
	}
}

// A login at another host of the site starts at the public URL: a login cookie of
// the other host would be missing at the callback.
func TestSiteAliasSignsInAtThePublicURL(t *testing.T) {
	t.Parallel()
	r := newSites(t, siteAt(t, "a", "https://a.example.com", "www.a.example.com"), siteAt(t, "b", "https://b.example.com"))
	got := r.at(t, "www.a.example.com", "GET", "/orders?id=1", asPage...)
	if want := "https://a.example.com/_wx/login?return_to=%2Forders%3Fid%3D1"; got.StatusCode != 302 || got.Header.Get("Location") != want {
		t.Errorf("answer %d to %q, want 302 to %q", got.StatusCode, got.Header.Get("Location"), want)
	}
	// Another spelling of the public URL's host is the same host.
	for _, host := range []string{"a.example.com", "A.example.com:8080", "a.example.com."} {
		if got := r.at(t, host, "GET", "/orders", asPage...); !strings.HasPrefix(got.location(), weChatAuthorize) {
			t.Errorf("host %s: redirect to %q, want WeChat", host, got.location())
		}
	}
}

// A site whose hosts share their cookies starts a login at each of them.
func TestSiteAliasWithCookieDomain(t *testing.T) {
	t.Parallel()
	a := siteAt(t, "a", "https://a.example.com", "www.a.example.com")
	a.CookieDomain = "a.example.com"
	r := newSites(t, a, siteAt(t, "b", "https://b.example.com"))
	got := r.at(t, "www.a.example.com", "GET", "/orders", asPage...)
	if cookies := got.cookies("wxgate_login_"); !strings.HasPrefix(got.location(), weChatAuthorize) || len(cookies) != 1 || cookies[0].Domain != "a.example.com" {
		t.Errorf("redirect to %q with cookies %q, want WeChat and one for the domain", got.location(), got.Header["Set-Cookie"])
	}
}

// A site's upstream does not get the session cookies that another site shares over
// its domain.
func TestSitesKeepDomainCookies(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://shop.example.com"), siteAt(t, "b", "https://blog.example.com")
	a.CookieDomain, a.CookieName = "example.com", "shop"
	outside := siteAt(t, "c", "https://another.example")
	b.PublicPaths, outside.PublicPaths = []string{"/{$}"}, []string{"/{$}"}
	r := newSites(t, a, b, outside)
	got := r.at(t, "blog.example.com", "GET", "/", "Cookie", "theme=dark; "+cookieOf(t, a)+"; shop_login_0123456789abcdef=x; shopping=1")
	if want := `b:  ["theme=dark; shopping=1"]`; got.body != want {
		t.Errorf("the upstream saw %s, want %s", got.body, want)
	}
	// A cookie of the same name at a host outside the domain is that site's own.
	got = r.at(t, "another.example", "GET", "/", "Cookie", "shop=1")
	if want := `c:  ["shop=1"]`; got.body != want {
		t.Errorf("outside the domain, the upstream saw %s, want %s", got.body, want)
	}
}

// The X-Forwarded-Host of a trusted proxy is not passed on if it is the host of
// another site.
func TestForwardedHostOfAnotherSite(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com"), siteAt(t, "b", "https://b.example.com")
	for _, s := range []*gateway.Site{&a, &b} {
		upstream := httptest.NewServer(new(echo))
		t.Cleanup(upstream.Close)
		s.Upstreams[0].URL, s.PublicPaths = mustURL(t, upstream.URL), []string{"/{$}"}
	}
	r := newSites(t, a, b)
	for sent, want := range map[string]string{
		"b.example.com": "a.example.com", "B.example.com.:1": "a.example.com", "cdn.example.com": "cdn.example.com",
		"a.example.com:8443": "a.example.com:8443",
	} {
		if got := echoOf(t, r.at(t, "a.example.com", "GET", "/", "X-Forwarded-Host", sent)).Header.Get("X-Forwarded-Host"); got != want {
			t.Errorf("X-Forwarded-Host %s: the site gets %s, want %s", sent, got, want)
		}
	}
}

// A login does not lead back to a host that does not share the session, even if it
// is a return host.
func TestSiteAliasLoginDoesNotLoop(t *testing.T) {
	t.Parallel()
	a := siteAt(t, "a", "https://a.example.com", "www.a.example.com")
	a.ReturnHosts = []string{"www.a.example.com"}
	r := newSites(t, a, siteAt(t, "b", "https://b.example.com"))
	got := r.at(t, "www.a.example.com", "GET", "/orders", asPage...)
	if want := "https://a.example.com/_wx/login?return_to=%2Forders"; got.Header.Get("Location") != want {
		t.Errorf("redirect to %q, want %q", got.Header.Get("Location"), want)
	}
	got = r.at(t, "www.a.example.com", "GET", "/_wx/auth?redirect=true", append(slices.Clone(asPage),
		"X-Forwarded-Host", "www.a.example.com", "X-Forwarded-Uri", "/orders", "X-Forwarded-Method", "GET")...)
	if want := "https://a.example.com/_wx/login?return_to=%2Forders"; got.Header.Get("Location") != want {
		t.Errorf("forward auth: redirect to %q, want %q", got.Header.Get("Location"), want)
	}
}

// With several sites, forward auth finds the site by the headers that describe the
// visitor's request.
func TestSiteOfForwardAuth(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com"), siteAt(t, "b", "https://b.example.com")
	b.PublicPaths = []string{"/{$}"}
	r := newSites(t, a, b)
	for _, tt := range []struct {
		host   string
		header []string
		status int
	}{
		{"wxgate:8080", []string{"X-Forwarded-Host", "b.example.com", "X-Forwarded-Uri", "/"}, 200},
		{"wxgate:8080", []string{"X-Forwarded-Host", "a.example.com", "X-Forwarded-Uri", "/"}, 401},
		{"wxgate:8080", []string{"X-Original-Url", "https://B.example.com:8443/?x"}, 200},
		{"b.example.com", []string{"X-Forwarded-Uri", "/"}, 200},
		{"b.example.com", []string{"X-Forwarded-Host", "a.example.com", "X-Forwarded-Uri", "/"}, 401},
		{"b.example.com", []string{"X-Forwarded-Host", "c.example.com", "X-Forwarded-Uri", "/"}, 421},
		{"wxgate:8080", []string{"X-Forwarded-Uri", "/"}, 421},
		// nginx asks under the visitor's host. Another host is the client's, and gets
		// 403, since nginx does not accept a 421.
		{"a.example.com", []string{"X-Original-Uri", "/", "X-Forwarded-Host", "b.example.com"}, 403},
		{"a.example.com", []string{"X-Original-Uri", "/", "X-Forwarded-Host", "b.example.com", "X-Forwarded-Uri", "/"}, 403},
		{"a.example.com", []string{"X-Original-Uri", "/", "X-Original-Url", "https://b.example.com/"}, 403},
		{"a.example.com", []string{"X-Original-Uri", "/", "X-Forwarded-Host", "A.example.com:443"}, 401},
		{"wxgate:8080", []string{"X-Forwarded-Host", "b.example.com", "X-Forwarded-Host", "a.example.com", "X-Forwarded-Uri", "/"}, 421},
	} {
		got := r.at(t, tt.host, "GET", "/_wx/auth", tt.header...)
		if got.StatusCode != tt.status || got.StatusCode == 403 && got.body != "" {
			t.Errorf("%s %q: answer %d %.100s, want %d", tt.host, tt.header, got.StatusCode, got.body, tt.status)
		}
	}
}

// Envoy asks over HTTP under the visitor's host too, so another one is the client's.
func TestSiteOfForwardAuthByEnvoy(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com"), siteAt(t, "b", "https://b.example.com")
	b.PublicPaths = []string{"/{$}"}
	r := newSites(t, a, b)
	for host, status := range map[string]int{"a.example.com": 401, "A.example.com:443": 401, "b.example.com": 421, "c.example.com": 421} {
		if got := r.at(t, "a.example.com", "GET", "/_wx/auth/", "X-Forwarded-Host", host); got.StatusCode != status {
			t.Errorf("a question at a.example.com about %s: answer %d, want %d", host, got.StatusCode, status)
		}
	}
}

// An address that is not trusted does not choose the site by a header.
func TestSiteOfForwardAuthUntrusted(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, func(c *testConfig) {
		c.Sites = []gateway.Site{siteAt(t, "a", "https://a.example.com"), siteAt(t, "b", "https://b.example.com")}
	})
	got := r.at(t, "a.example.com", "GET", "/_wx/auth", "X-Forwarded-Host", "b.example.com")
	if login := got.Header.Get("X-WX-Login-URL"); got.StatusCode != 401 || !strings.HasPrefix(login, "https://a.example.com/") {
		t.Errorf("answer %d with X-WX-Login-URL %q, want 401 and the login of a.example.com", got.StatusCode, login)
	}
}

// A handler behind Wrap gets the visitor of the request's site, and no requests
// for an unknown host.
func TestSitesBehindWrap(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com"), siteAt(t, "b", "https://b.example.com")
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{a, b}})
	if err != nil {
		t.Fatal(err)
	}
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := gateway.IdentityFrom(r.Context())
		fmt.Fprintf(w, "%s %s", id.AppID, id.OpenID)
	}))
	for _, tt := range []struct {
		host   string
		of     gateway.Site
		status int
		body   string
	}{
		{"a.example.com", a, 200, "wxa owxa"},
		{"b.example.com", b, 200, "wxb owxb"},
		{"b.example.com", a, 302, ""},
		{"c.example.com", a, 421, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "https://"+tt.host+"/orders", nil)
		r.Header.Set("Cookie", cookieOf(t, tt.of))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || tt.status == 200 && w.Body.String() != tt.body {
			t.Errorf("%s with a session of %s: answer %d %.80s, want %d %s", tt.host, tt.of.PublicURL, w.Code, w.Body, tt.status, tt.body)
		}
	}
}

// The page for an unknown host is that of Config.PagesDir.
func TestPageOfAnUnknownSite(t *testing.T) {
	t.Parallel()
	dir := ownPages(t, "unknown-site.html", `{{define "title"}}nothing here{{end}}{{define "text"}}{{end}}`)
	r := newRig(t, nil, func(c *testConfig) {
		c.Config.PagesDir, c.Sites = dir, []gateway.Site{siteAt(t, "a", "https://a.example.com", "a.example.com")}
	})
	if got := r.at(t, "b.example.com", "GET", "/", asPage...); got.StatusCode != 421 || !strings.Contains(got.body, "nothing here") {
		t.Errorf("answer %d %.200s, want 421 and the page of PagesDir", got.StatusCode, got.body)
	}
}

func TestSitesAtIPv6Addresses(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com", "fd00::1"), siteAt(t, "b", "https://[fd00::2]", "[fd00::3]:8443")
	a.PublicPaths, b.PublicPaths = []string{"/{$}"}, []string{"/{$}"}
	r := newSites(t, a, b)
	for host, want := range map[string]string{"[fd00::1]": "a", "[FD00::1]:80": "a", "[fd00::2]:1": "b", "[fd00::3]": "b", "[fd00::4]": "", "[fd00::1]x": ""} {
		if got := r.at(t, host, "GET", "/"); strings.HasPrefix(got.body, want+":") != (want != "") {
			t.Errorf("host %s: answer %d %.40s, want site %q", host, got.StatusCode, got.body, want)
		}
	}
}

// manySites configures n sites of one account.
func manySites(n int, origin func(i int) string) gateway.Config {
	account := newAccount()
	c := gateway.Config{AccessLog: true}
	for i := range n {
		c.Sites = append(c.Sites, gateway.Site{
			PublicURL: origin(i), Account: account, CookieKeys: rigKeys(), PublicPaths: []string{"/static/"},
		})
	}
	return c
}

// BenchmarkNewThousandSites is a start, which has to stay well under a second.
func BenchmarkNewThousandSites(b *testing.B) {
	for b.Loop() {
		if _, err := gateway.New(manySites(1000, func(i int) string { return fmt.Sprintf("https://s%d.example.com", i) })); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSites is a signed-in visitor's request through Wrap, of one site and
// of the last of a thousand: they must cost the same.
func BenchmarkSites(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g, err := gateway.New(manySites(n, func(i int) string { return fmt.Sprintf("https://s%d.example.com", i) }))
			if err != nil {
				b.Fatal(err)
			}
			h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
			host := fmt.Sprintf("s%d.example.com", n-1)
			r := httptest.NewRequest("GET", "https://"+host+"/orders", nil)
			r.Header.Set("Cookie", cookieOf(b, gateway.Site{PublicURL: "https://" + host, Account: newAccount(), CookieKeys: rigKeys()}))
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != 204 {
					b.Fatalf("answer %d", w.Code)
				}
			}
		})
	}
}

// An allow list without openids is a warning at the start, and each time that the file
// becomes one; a deny list without them is none, and neither is a list that was empty before.
func TestEmptyAllowListIsAWarning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, path := new(logBuffer), openIDList(t, "# nobody yet\n")
		c := manySites(3, func(i int) string { return fmt.Sprintf("https://s%d.example.com", i) })
		c.Logger, c.AccessLog = zerolog.New(log), false
		c.Sites[0].DenyOpenIDsFile = path // the same file
		c.Sites[1].AllowOpenIDsFile, c.Sites[2].AllowOpenIDsFile = path, path
		g, err := gateway.New(c)
		if err != nil {
			t.Fatal(err)
		}
		go g.Run(t.Context())
		for _, step := range []struct {
			text string
			want int // warnings so far
		}{{"# nobody yet\n", 1}, {"oA\n", 1}, {"", 2}, {"\ufeff \r\n#oA\r\n", 3}, {"o A\n", 3}} {
			if err := os.WriteFile(path, []byte(step.text), 0o600); err != nil {
				t.Fatal(err)
			}
			g.Reread()
			time.Sleep(5 * time.Second)
			synctest.Wait() // before the next write: a file half written is another list
			if got := strings.Count(log.String(), `"message":"allow list is empty"`); got != step.want {
				t.Errorf("after %q: %d warnings, want %d:\n%s", step.text, got, step.want, log)
			}
		}
		want := fmt.Sprintf(`{"level":"warn","noun":"openid list","file":%q,"hint":"nobody gets in: write one openid `+
			`a line, or unset WXGATE_ALLOW_OPENIDS_FILE","message":"allow list is empty"}`, path)
		if first, _, _ := strings.Cut(log.String(), "\n"); first != want {
			t.Errorf("the first line is\n%s\nwant\n%s", first, want)
		}
	})
}

// Sites with the same list read and watch its file once.
func TestSitesShareAList(t *testing.T) {
	t.Parallel()
	path := openIDList(t, "")
	synctest.Test(t, func(t *testing.T) {
		log := new(logBuffer)
		c := manySites(2, func(i int) string { return fmt.Sprintf("https://s%d.example.com", i) })
		c.Logger, c.AccessLog = zerolog.New(log), false
		for i := range c.Sites {
			c.Sites[i].DenyOpenIDsFile = path
		}
		g, err := gateway.New(c)
		if err != nil {
			t.Fatal(err)
		}
		go g.Run(t.Context())
		if err := os.WriteFile(path, []byte("o"+rigAppID), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		for _, site := range c.Sites {
			r := httptest.NewRequestWithContext(t.Context(), "POST", site.PublicURL+"/", nil)
			r.Header.Set("Cookie", cookieOf(t, site))
			w := httptest.NewRecorder()
			if g.Wrap(http.NotFoundHandler()).ServeHTTP(w, r); w.Code != http.StatusForbidden {
				t.Errorf("%s: answer %d, want 403", site.PublicURL, w.Code)
			}
		}
		if got := strings.Count(log.String(), "file reloaded"); got != 1 {
			t.Errorf("the list was reloaded %d times, want once: %s", got, log)
		}
	})
}
