package deploy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// largestTarget returns the longest address that a login leads back to.
func largestTarget() string {
	return "/orders?q=" + strings.Repeat("x", session.MaxReturnTo-len("/orders?q="))
}

// largestSession returns a session cookie of 4,096 bytes that is due for renewal.
func largestSession(t *testing.T, origin string) *http.Cookie {
	t.Helper()
	store, err := session.NewCookieStore(session.Config{
		Keys: session.Keys{session.Key(cookieKey)}, Site: origin, AppID: wechattest.StockAppID,
		Lifetime: session.Lifetime{TTL: 24 * time.Hour, MaxTTL: 720 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	since := time.Now().Add(-13 * time.Hour)
	s := &session.Session{
		AppID: wechattest.StockAppID, OpenID: "oABCDEFGHIJKLMNOPQRSTUVWXYZ0", Scope: "snsapi_userinfo",
		IssuedAt: since, RenewedAt: since,
	}
	for n := 4096; n > 0; n-- {
		s.Avatar = strings.Repeat("a", n)
		header := make(http.Header)
		if store.Save(nil, header, s) != nil {
			continue
		}
		c, err := http.ParseSetCookie(header.Get("Set-Cookie"))
		if err != nil || len(c.Name+"="+c.Value) < 4080 {
			t.Fatalf("largest session cookie has %d bytes (%v), want 4096", len(c.Name+"="+c.Value), err)
		}
		return c
	}
	t.Fatal("no session fits into a cookie")
	return nil
}

// wantCookies checks how many bytes of wxgate's cookies v sends.
func wantCookies(t *testing.T, v *visitor, origin string, atLeast int) {
	t.Helper()
	if got := len(v.cookies(t, origin)); got < atLeast {
		t.Errorf("the visitor sends cookies of %d bytes, want at least %d", got, atLeast)
	}
}

// A visitor with the largest session, five logins under way and the site's cookies
// passes through the shipped configuration, and so do the largest answers to them.
func TestNginxHoldsTheLargestHeaders(t *testing.T) {
	t.Parallel()
	nginx := installed(t, "nginx")
	f := newFront(t, buildGateway(t), func(t *testing.T, listen, wxgate, site string) {
		startNginx(t, nginx, nginxConfiguration(t, listen, wxgate, site))
	})
	f.testLargestHeaders(t)
}

// testLargestHeaders sends the requests of such a visitor.
func (f front) testLargestHeaders(t *testing.T) {
	origin, err := url.Parse(f.origin)
	if err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t)
	for i := range 5 {
		target := fmt.Sprintf("/orders?tab=%d&q=%s", i, strings.Repeat("x", 440))
		res := v.get(t, f.origin+"/_wx/login?return_to="+url.QueryEscape(target), pageLoad)
		if res.StatusCode != 302 {
			t.Fatalf("login %d = %d, want 302", i+1, res.StatusCode)
		}
	}
	own := []*http.Cookie{largestSession(t, f.origin)}
	for i := range 4 {
		own = append(own, &http.Cookie{Name: fmt.Sprintf("site%d", i), Value: strings.Repeat("x", 2000)})
	}
	v.client.Jar.SetCookies(origin, own)
	wantCookies(t, v, f.origin, 4096+3900+8000)

	res := v.get(t, f.origin+"/orders", pageLoad)
	if got := f.reached(t, res).Header.Get("X-Wx-Avatar"); len(got) < 2000 {
		t.Errorf("site got an avatar of %d bytes, want more than 2000", len(got))
	}
	if renewed := res.Cookies(); len(renewed) != 1 || renewed[0].Name != "wxgate" || len(renewed[0].Value) < 4080 {
		t.Errorf("answer sets %d cookies, want the renewed session", len(renewed))
	}
	if res := v.get(t, f.origin+"/_wx/me", script); res.StatusCode != 200 {
		t.Errorf("GET /_wx/me = %d, want 200", res.StatusCode)
	}
	begun := v.get(t, f.origin+"/_wx/login?return_to="+url.QueryEscape(largestTarget()), pageLoad)
	if begun.StatusCode != 302 {
		t.Errorf("login = %d, want 302", begun.StatusCode)
	}
	v.client.CheckRedirect = nil
	if res := v.get(t, begun.Header.Get("Location"), pageLoad); f.reached(t, res).Target != largestTarget() {
		t.Errorf("login ends at %.40s, want %.40s", res.Request.URL, largestTarget())
	}
}

// nginx with its default buffers, in front of wxgate alone, passes everything that
// belongs to logins: the redirects to WeChat, and the visitor's cookies after many
// of them.
func TestNginxDefaultBuffersHoldLogins(t *testing.T) {
	t.Parallel()
	nginx := installed(t, "nginx")
	f := front{address: freeAddress(t), site: newSite(t)}
	f.origin = "http://" + f.address
	_, wxgate := startGateway(t, buildGateway(t), "WXGATE_MODE=proxy", "WXGATE_UPSTREAM=http://"+f.site.address,
		"WXGATE_PUBLIC_URL="+f.origin)
	startNginx(t, nginx, `server {
	listen `+f.address+`;
	location / {
		proxy_pass http://`+wxgate+`;
		proxy_set_header Host $http_host;
	}
}
`)
	f.listens(t)
	v := newVisitor(t)
	for i, target := range append(slices.Repeat([]string{"/orders?q=" + strings.Repeat("x", 440)}, 5),
		slices.Repeat([]string{largestTarget()}, 13)...) {
		res := v.get(t, f.origin+target, pageLoad)
		if res.StatusCode != 302 || !strings.Contains(res.Header.Get("Location"), "/connect/oauth2/authorize?") {
			t.Fatalf("login %d = %d to %.40q, want 302 to WeChat", i+1, res.StatusCode, res.Header.Get("Location"))
		}
	}
	v.client.CheckRedirect = nil
	if res := v.get(t, f.origin+largestTarget(), pageLoad); f.reached(t, res).Target != largestTarget() {
		t.Errorf("login ends at %.40s, want %.40s", res.Request.URL, largestTarget())
	}
}

// The other proxies accept 32 KiB of request header: 8 KiB of wxgate's cookies, a
// long address, and what the site has of its own.
func TestProxiesAcceptLargeHeaders(t *testing.T) {
	t.Parallel()
	const needed = 32 << 10
	for _, file := range envoyFiles {
		if got := envoyFile(t, file).GetMaxRequestHeadersKb().GetValue() << 10; got < needed {
			t.Errorf("%s: max_request_headers_kb of %d bytes, want %d at least", file, got, needed)
		}
	}
	var traefik struct {
		EntryPoints map[string]struct {
			HTTP struct {
				MaxHeaderBytes int `json:"maxHeaderBytes"`
			} `json:"http"`
		} `json:"entryPoints"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "traefik/traefik.yml")), &traefik); err != nil {
		t.Fatal(err)
	}
	if got := traefik.EntryPoints["web"].HTTP.MaxHeaderBytes; got < needed {
		t.Errorf("traefik/traefik.yml: maxHeaderBytes = %d, want %d at least", got, needed)
	}
	size := regexp.MustCompile(`(?s)^\{\n\tservers \{\n\t\tmax_header_size (\d+)KB\n`)
	caddy := regexp.MustCompile(`(?m)^#.*\n|^\n`).ReplaceAllString(readFile(t, "caddy/Caddyfile"), "")
	match := size.FindStringSubmatch(caddy)
	if match == nil {
		t.Fatal("caddy/Caddyfile has no max_header_size")
	}
	if n, err := strconv.Atoi(match[1]); err != nil || n*1000 < needed {
		t.Errorf("caddy/Caddyfile: max_header_size = %s KB, want %d bytes at least", match[1], needed)
	}
}
