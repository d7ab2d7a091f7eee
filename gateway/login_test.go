package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// authorizeURL is the expected authorize address, byte for byte.
func (s *loginSite) authorizeURL(prefix, scope, state, further string) string {
	return s.weChatURL + "/connect/oauth2/authorize?appid=" + wechattest.StockAppID +
		"&redirect_uri=" + url.QueryEscape(s.url+prefix+"/callback") +
		"&response_type=code&scope=" + scope + "&state=" + state + further + "#wechat_redirect"
}

func TestLoginAuthorizeURL(t *testing.T) {
	t.Parallel()
	const once = "&connect_redirect=1"
	tests := []struct {
		name      string
		agent     string
		address   string
		configure func(*testConfig)
		prefix    string
		scope     string
		further   string
	}{
		{"page on Android", wechattest.AgentAndroid, "/orders?id=1", nil, "/_wx", "snsapi_base", once},
		{"page on an iPhone", wechattest.AgentIOS, "/", nil, "/_wx", "snsapi_base", once},
		{"page on HarmonyOS", wechattest.AgentHarmony, "/", nil, "/_wx", "snsapi_base", once},
		{"web-view of a mini program", wechattest.AgentWebView, "/", nil, "/_wx", "snsapi_base", once},
		{"developer tools", wechattest.AgentDevTools, "/", nil, "/_wx", "snsapi_base", once},
		{"WeCom on a Mac", wechattest.AgentWeComMac, "/", nil, "/_wx", "snsapi_base", once},
		{"mini program on a Mac", wechattest.AgentMiniProgramMac, "/", nil, "/_wx", "snsapi_base", ""},
		{"mini program on a phone", wechattest.AgentMiniProgram, "/", nil, "/_wx", "snsapi_base", once},
		{"another browser", wechattest.AgentChrome, "/", nil, "/_wx", "snsapi_base", once},
		{"WeCom's desktop client", wechattest.AgentWeComWindows, "/", nil, "/_wx", "snsapi_base", once},
		{"Windows", wechattest.AgentWindows, "/", nil, "/_wx", "snsapi_base", ""},
		{"mini program on Windows", wechattest.AgentMiniProgramWindows, "/", nil, "/_wx", "snsapi_base", ""},
		{"old Mac", wechattest.AgentMacOld, "/", nil, "/_wx", "snsapi_base", ""},
		{"Mac", wechattest.AgentMac, "/", nil, "/_wx", "snsapi_base", ""},
		{"Linux", wechattest.AgentLinux, "/", nil, "/_wx", "snsapi_base", ""},
		{"login endpoint", wechattest.AgentAndroid, "/_wx/login?return_to=/a", nil, "/_wx", "snsapi_base", once},
		{"more scope asked for", wechattest.AgentAndroid, "/_wx/login?scope=snsapi_userinfo", nil, "/_wx", "snsapi_userinfo", once},
		{"scope configured", wechattest.AgentAndroid, "/", func(c *testConfig) { c.Scope = wechat.ScopeUserInfo }, "/_wx", "snsapi_userinfo", once},
		{"scope of a page is not the visitor's to choose", wechattest.AgentAndroid, "/?scope=snsapi_userinfo", nil, "/_wx", "snsapi_base", once},
		{"another prefix", wechattest.AgentAndroid, "/", func(c *testConfig) { c.Prefix = "/a/b.c~d" }, "/a/b.c~d", "snsapi_base", once},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, tt.configure)
			b := s.browser()
			b.UserAgent = tt.agent
			got := s.authorizeAddress(b, tt.address)
			if want := s.authorizeURL(tt.prefix, tt.scope, queryOf(t, got).Get("state"), tt.further); got != want {
				t.Errorf("authorize address = %q, want %q", got, want)
			}
		})
	}
}

func TestLoginRedirectURIIsConfigured(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	address := strings.TrimPrefix(s.url, "http://")
	tests := []struct{ name, request string }{
		{"Host", "GET /a HTTP/1.1\r\nHost: evil.example\r\n"},
		{"Host on the login endpoint", "GET /_wx/login HTTP/1.1\r\nHost: evil.example\r\n"},
		{"X-Forwarded-Host", "GET /a HTTP/1.1\r\nHost: " + address + "\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\n"},
		{"absolute-form target", "GET http://evil.example/a HTTP/1.1\r\nHost: " + address + "\r\n"},
		{"no host at all", "GET /a HTTP/1.0\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, tt.request+"Accept: text/html\r\nConnection: close\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			got := res.Header.Get("Location")
			if want := s.authorizeURL("/_wx", "snsapi_base", queryOf(t, got).Get("state"), "&connect_redirect=1"); res.StatusCode != 302 || got != want {
				t.Errorf("status %d to %q, want 302 to %q", res.StatusCode, got, want)
			}
		})
	}
}

func TestLoginStates(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	known := make(map[string]bool)
	for range 20 {
		state := queryOf(t, s.authorizeAddress(s.browser(), "/")).Get("state")
		if !form.MatchString(state) || known[state] {
			t.Errorf("state %q (known: %t), want 32 new hexadecimal digits", state, known[state])
		}
		known[state] = true
	}
}

func TestLoginRefusesUnknownScope(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	for _, scope := range []string{"snsapi_login", "snsapi_base,snsapi_userinfo", "SNSAPI_BASE"} {
		a := s.get(s.browser(), "/_wx/login?scope="+scope)
		wantPage(t, a, 400, headingBadRequest)
		if len(a.cookies("")) != 0 {
			t.Errorf("scope %q: a cookie was set, want none", scope)
		}
	}
}

func TestLoginCookie(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		memory    bool
		configure func(*testConfig)
		login     string // name of the login cookie without its id
		session   string
		secure    bool
		domain    string
	}{
		{"http", false, nil, "wxgate_login_", "wxgate", false, ""},
		{"https", true, nil, "__Host-wxgate_login_", "__Host-wxgate", true, ""},
		{"named", true, func(c *testConfig) { c.CookieName = "sid" }, "__Host-sid_login_", "__Host-sid", true, ""},
		{"shared by subdomains", true, func(c *testConfig) { c.CookieDomain = "example.com" }, "wxgate_login_", "wxgate", true, "example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			site := newLoginSite
			if tt.memory {
				site = newLoginMemorySite
			}
			s := site(t, tt.configure)
			b := s.browser()
			wantCookie := func(a *answer, name string, maxAge int) {
				t.Helper()
				cookies := a.cookies(name)
				if len(cookies) != 1 {
					t.Fatalf("cookies called %s = %d, want 1", name, len(cookies))
				}
				c := cookies[0]
				if c.MaxAge == maxAge-1 { // a part of a second has passed
					c.MaxAge = maxAge
				}
				if c.Path != "/" || c.Domain != tt.domain || c.MaxAge != maxAge || !c.HttpOnly || c.Secure != tt.secure || c.SameSite != http.SameSiteLaxMode {
					t.Errorf("%s: path %q, domain %q, max-age %d, HttpOnly %t, Secure %t, SameSite %d, want / %q %d true %t Lax",
						c.Name, c.Path, c.Domain, c.MaxAge, c.HttpOnly, c.Secure, c.SameSite, tt.domain, maxAge, tt.secure)
				}
			}
			left := s.get(b, "/somewhere?q=1")
			wantCookie(left, tt.login, 600)
			newSecretSearch(map[string]string{"/somewhere?q=1": "return_to"}).in(t, "login cookie", left.Header.Get("Set-Cookie"))
			name := left.cookies(tt.login)[0].Name
			state, id := queryOf(t, left.location()).Get("state"), name[len(tt.login):]
			if len(id) != 16 || !strings.HasPrefix(state, id) {
				t.Errorf("login cookie is called %q, want %s and an id", name, tt.login)
			}
			a := s.get(b, s.callbackAddress(b, "/"))
			wantRedirect(t, a, "/#")
			wantCookie(a, tt.login, 600)
			a.Header["Set-Cookie"] = slices.DeleteFunc(a.Header["Set-Cookie"], func(line string) bool { return strings.Contains(line, "_login_") })
			wantCookie(a, tt.session, 86400)
		})
	}
}

// A login leads back to the page that started it, byte for byte.
func TestLoginReturnsToThePage(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	for _, target := range []string{
		"/",
		"/orders",
		"/orders?",
		"/orders?id=1&id=2&id=&=&&id",
		"/search?q=a+b%2Bc%20d&r=%e4%b8%ad&R=%E6%96%87",
		"/a;v=1/b?x=1;y=2&z=[1]|{2}'",
		"/%E4%B8%AD/a%2Fb?code=mine&state=too&return_to=//evil.example",
		"/?next=https://evil.example/",
		"/long?" + strings.Repeat("x", 1990),
	} {
		b := s.browser()
		page := s.open(b, s.callbackAddress(b, target))
		if page.Status != http.StatusOK {
			t.Errorf("%.60q: the login ends with status %d, want 200", target, page.Status)
		} else if got := echoIn(t, page.Body).Target; got != target {
			t.Errorf("%.60q: the login leads to %q", target, got)
		}
	}
}

func TestLoginReturnTo(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, func(c *testConfig) { c.ReturnHosts = []string{"Shop.example.com", "m.example.com:8443"} })
	tests := []struct{ in, want string }{
		{"/a?b=c#d", "/a?b=c#d"},
		{"", "/"},
		{s.url, s.url},
		{s.url + "/a?b", s.url + "/a?b"},
		{"https://shop.example.com/a", "https://shop.example.com/a"},
		{"https://m.example.com:8443/", "https://m.example.com:8443/"},
		{"https://m.example.com/", "/"},
		{"https://evil.example/", "/"},
		{"//evil.example/", "/"},
		{"///evil.example/", "/"},
		{`/\evil.example/`, "/"},
		{`\\evil.example/`, "/"},
		{"/\t/evil.example/", "/"},
		{"/%2f/evil.example/", "/"},
		{"/x/..//evil.example/", "/"},
		{"https:evil.example", "/"},
		{"javascript:alert(1)", "/"},
		{"https://shop.example.com@evil.example/", "/"},
		{"https://shop.example.com.evil.example/", "/"},
		{"a/b", "/"},
		{"/" + strings.Repeat("x", 2000), "/"},
	}
	for _, tt := range tests {
		b := s.browser()
		a := s.get(b, s.callbackAddress(b, "/_wx/login?return_to="+url.QueryEscape(tt.in)))
		if want := withFragment(tt.want); a.location() != want {
			t.Errorf("return_to %.60q: back to %q, want %q", tt.in, a.location(), want)
		}
	}
}

// The five newest logins of one browser are kept and can finish in any order.
func TestLoginFiveNewest(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	var callbacks []string
	for i := range 7 {
		callbacks = append(callbacks, s.callbackAddress(b, fmt.Sprintf("/tab?n=%d", i)))
	}
	if names := s.cookieNames(b); len(names) != 5 {
		t.Errorf("cookies = %q, want five", names)
	}
	for _, callback := range callbacks[:2] {
		wantPage(t, s.get(b, callback), 400, headingRestart)
	}
	s.wantExchanges(0)
	for n, i := range rand.Perm(5) {
		wantRedirect(t, s.get(b, callbacks[2+i]), fmt.Sprintf("/tab?n=%d#", 2+i))
		s.wantExchanges(n + 1)
	}
}

// A state is used for one login, also in a browser with an older copy of the
// cookies.
func TestLoginStateIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	callback := s.callbackAddress(b, "/a")
	before := s.copyOf(b)
	wantRedirect(t, s.get(b, callback), "/a#")

	state := queryOf(t, callback).Get("state")
	for range 3 {
		if again := queryOf(t, s.authorizeAddress(s.copyOf(before), "/a")).Get("state"); again == state {
			t.Error("a new login has the state of an earlier one")
		}
	}
	s.do(b, http.MethodPost, "/_wx/logout", nil)
	wantPage(t, s.get(b, callback), 400, headingRestart)
	wantRedirect(t, s.get(before, callback), "/a#")
	s.wantExchanges(1)
}

// A visitor with a session can grant snsapi_userinfo in another login.
func TestScopeUpgrade(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	b.Visitor = "xiaomei"
	if got := s.signIn(b).Header.Get("X-Wx-Nickname"); got != "" {
		t.Errorf("X-WX-Nickname = %q, want none", got)
	}
	seen := echoIn(t, s.open(b, "/_wx/login?scope=snsapi_userinfo&return_to=/profile").Body)
	if nickname, _ := url.PathUnescape(seen.Header.Get("X-Wx-Nickname")); nickname != "小美🌸✨" || seen.Target != "/profile" ||
		seen.Header.Get("X-Wx-Openid") != s.openID("xiaomei") {
		t.Errorf("at %q as %q, want /profile as 小美🌸✨", seen.Target, nickname)
	}
	s.wantExchanges(2)
}

// A new login replaces the session, and a failed one leaves it alone.
func TestLoginReplacesTheSession(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	s.signIn(b)
	b.Visitor = "wangfang"
	callback := s.callbackAddress(b, "/_wx/login")
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultHTML})
	wantPage(t, s.get(b, callback), 503, headingWeChatAway)
	if got, want := s.me(b).OpenID, s.openID("lihua"); got != want {
		t.Errorf("after a failed login /me = %q, want %q", got, want)
	}
	s.open(b, "/_wx/login")
	if got, want := s.me(b).OpenID, s.openID("wangfang"); got != want {
		t.Errorf("after a new login /me = %q, want %q", got, want)
	}
}

// A login that starts under another host than the public URL's is logged once a
// minute: its cookie will be missing at the callback, unless hosts share cookies.
func TestLoginUnderAnotherHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, host, domain string
		want               int // warnings
	}{
		{"public URL", "H5.Example.com", "", 0},
		{"another host", "other.example", "", 1},
		{"shared cookies", "m.example.com", "example.com", 0},
	} {
		log := new(logBuffer)
		r := newRig(t, nil, func(c *testConfig) {
			c.Logger, c.CookieDomain = zerolog.New(log), tt.domain
		})
		for range 2 {
			r.at(t, tt.host, "GET", "/_wx/login")
		}
		lines := log.level("warn")
		if len(lines) != tt.want || tt.want > 0 && !strings.Contains(lines[0], `"host":"other.example","public_url":"`+rigOrigin+`"`) {
			t.Errorf("%s: warnings %q, want %d with host and public URL", tt.name, lines, tt.want)
		}
	}
}

// A login that is started again after a refused code can take ten minutes anew.
func TestLoginStartedAgainLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, nil)
		b := s.browser()
		callback := s.callbackAddress(b, "/a")
		time.Sleep(9 * time.Minute)
		s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: 40029})
		again := s.get(b, callback)
		time.Sleep(9 * time.Minute)
		wantRedirect(t, s.get(b, s.get(b, upTo(again.location(), "#"), answering(b)).location()), "/a#")
	})
}
