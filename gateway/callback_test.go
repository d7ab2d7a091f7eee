package gateway_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A callback without a pending login in this browser does not call WeChat, starts
// no login and sets no cookie, with or without a session.
func TestCallbackStray(t *testing.T) {
	t.Parallel()
	change := func(name string, values ...string) func(*testing.T, string) string {
		return func(t *testing.T, callback string) string {
			return withQuery(t, callback, func(q url.Values) {
				if q[name] = values; values == nil {
					delete(q, name)
				}
			})
		}
	}
	state := func(edit func(string) string) func(*testing.T, string) string {
		return func(t *testing.T, callback string) string {
			return withQuery(t, callback, func(q url.Values) { q.Set("state", edit(q.Get("state"))) })
		}
	}
	tests := []struct {
		name string
		edit func(*testing.T, string) string
	}{
		{"state missing", change("state")},
		{"state empty", change("state", "")},
		{"state unknown", change("state", strings.Repeat("0", 32))},
		{"state short", change("state", "0")},
		{"state long", change("state", strings.Repeat("0", 100_000))},
		{"state lengthened", state(func(s string) string { return s + "https" })},
		{"state shortened", state(func(s string) string { return s[:31] })},
		{"state in capitals", state(func(s string) string { return "F" + strings.ToUpper(s[1:]) })},
		{"state with the id of ours", state(func(s string) string { return s[:16] + strings.Repeat("0", 16) })},
		{"state of no hexadecimal digits", change("state", strings.Repeat("../x", 8))},
		{"state with a separator", state(func(s string) string { return s[:15] + "=;" + s[17:] })},
		{"state in capitals as parameter", func(_ *testing.T, callback string) string {
			return strings.Replace(callback, "state=", "STATE=", 1)
		}},
		{"state twice", func(t *testing.T, callback string) string {
			return callback + "&state=" + queryOf(t, callback).Get("state")
		}},
		{"state twice, ours last", func(_ *testing.T, callback string) string {
			return strings.Replace(callback, "?", "?state=0&", 1)
		}},
		{"code twice", func(t *testing.T, callback string) string {
			return callback + "&code=" + queryOf(t, callback).Get("code")
		}},
		{"code twice, one empty", func(_ *testing.T, callback string) string { return callback + "&code=" }},
		{"query malformed", func(_ *testing.T, callback string) string { return callback + "&x=%zz" }},
		{"query with a semicolon", func(_ *testing.T, callback string) string { return strings.Replace(callback, "&", ";", 1) }},
		{"no query", func(_ *testing.T, callback string) string { return strings.SplitN(callback, "?", 2)[0] }},
	}
	s := newLoginSite(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := s.browser()
			callback := s.callbackAddress(b, "/a")
			s.wx.ClearRequests()
			stray := tt.edit(t, callback)
			a := s.get(b, stray)
			wantPage(t, a, 400, headingRestart)
			if len(a.cookies("")) != 0 {
				t.Errorf("Set-Cookie = %q, want none", a.Header["Set-Cookie"])
			}
			if got, want := button(t, a.body), s.url+"/_wx/login"; got != want {
				t.Errorf("button leads to %q, want %q", got, want)
			}
			counted := s.loginCount("invalid_state")
			wantPage(t, s.get(b, stray, asScript), 400, headingRestart)
			if got := s.loginCount("invalid_state"); got != counted+1 {
				t.Errorf("invalid states counted = %v, want %v", got, counted+1)
			}
			s.wantExchanges(0)

			signedIn := s.copyOf(b)
			s.signIn(signedIn)
			s.wx.ClearRequests()
			wantRedirect(t, s.get(signedIn, stray), "/#")
			s.wantExchanges(0)

			wantRedirect(t, s.get(b, callback), "/a#") // the visitor's own login is still pending
			s.wantExchanges(1)
		})
	}
}

func TestCallbackOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	mallory, victim := s.browser(), s.browser()
	callback := s.callbackAddress(mallory, "/mallory")
	s.authorizeAddress(victim, "/victim")
	wantPage(t, s.get(victim, callback), 400, headingRestart)
	wantPage(t, s.get(s.browser(), callback), 400, headingNoCookies)
	if me := s.me(victim); me != (meAnswer{}) {
		t.Errorf("/me = %+v, want nobody", me)
	}
	s.signIn(victim)
	s.wx.ClearRequests()
	wantRedirect(t, s.get(victim, callback), "/#")
	s.wantExchanges(0)

	// A login cookie renamed to another login's name is not that login.
	s.authorizeAddress(victim, "/_wx/login")
	stolen := s.browser()
	u, _ := url.Parse(s.url)
	for _, c := range victim.Jar.Cookies(u) {
		if strings.Contains(c.Name, "_login_") {
			c.Name = "wxgate_login_" + queryOf(t, callback).Get("state")[:16]
			stolen.Jar.SetCookies(u, []*http.Cookie{c})
		}
	}
	wantPage(t, s.get(stolen, callback), 400, headingRestart)
	s.wantExchanges(0)
}

func TestCallbackByHead(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	callback := s.callbackAddress(b, "/a")
	if a := s.do(b, http.MethodHead, callback, nil); a.StatusCode != 400 || a.body != "" || len(a.cookies("")) != 0 {
		t.Errorf("HEAD = %d with cookies %q, want 400 with none", a.StatusCode, a.Header["Set-Cookie"])
	}
	if a := s.do(s.browser(), http.MethodHead, callback, nil); a.StatusCode != 400 {
		t.Errorf("HEAD without cookies = %d, want 400", a.StatusCode)
	}
	s.wantExchanges(0)
	wantRedirect(t, s.get(b, callback), "/a#")
	s.wantExchanges(1)
	wantRedirect(t, s.do(b, http.MethodHead, callback, nil), "/#")
	s.wantExchanges(1)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if a := s.do(b, method, callback, nil); a.StatusCode != 405 || a.Header.Get("Allow") == "" {
			t.Errorf("%s = %d, Allow %q, want 405", method, a.StatusCode, a.Header.Get("Allow"))
		}
	}
	s.wantExchanges(1)
}

func TestCallbackDeclined(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		edit func(url.Values)
	}{
		{"code missing", func(q url.Values) { q.Del("code") }},
		{"code empty", func(q url.Values) { q.Set("code", "") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, nil)
			b := s.browser()
			callback := s.callbackAddress(b, "/_wx/login?scope=snsapi_userinfo&return_to=/a?b%26c")
			a := s.get(b, withQuery(t, callback, tt.edit))
			wantPage(t, a, 403, headingDeclined)
			s.wantExchanges(0)
			again := s.authorizeAddress(b, button(t, a.body))
			if scope := queryOf(t, again).Get("scope"); scope != "snsapi_userinfo" {
				t.Errorf("scope of the next login = %q, want snsapi_userinfo", scope)
			}
			if got := echoIn(t, s.open(b, again).Body).Target; got != "/a?b&c" {
				t.Errorf("the next login leads to %q, want /a?b&c", got)
			}
		})
	}
}

// The back button leads to the used callback.
func TestCallbackRepeated(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	callback := s.callbackAddress(b, "/a?b")
	for range 3 {
		wantRedirect(t, s.get(b, callback), "/a?b#")
	}
	for _, edit := range []func(url.Values){
		func(q url.Values) { q.Del("code") },
		func(q url.Values) { q.Set("code", "another") },
	} {
		wantRedirect(t, s.get(b, withQuery(t, callback, edit)), "/a?b#")
	}
	s.wantExchanges(1)
}

func TestCallbackTwentyAtOnce(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultSlowHeader, Delay: 200 * time.Millisecond})
	b := s.browser()
	callback := s.callbackAddress(b, "/a")
	var all sync.WaitGroup
	twins := make([]*wechattest.Browser, 20)
	for i := range twins {
		twins[i] = s.copyOf(b)
		all.Go(func() { wantRedirect(t, s.get(twins[i], callback), "/a#") })
	}
	all.Wait()
	for i, twin := range twins {
		if got, want := s.me(twin).OpenID, s.openID("lihua"); got != want {
			t.Errorf("answer %d signs in %q, want %q", i, got, want)
		}
	}
	wantRedirect(t, s.get(b, callback), "/a#")
	s.wantExchanges(1)
}

// A callback whose answer was lost is answered with the session, without a second
// call, until the login cookie expires.
func TestCallbackRepeatedLater(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		after  time.Duration
		status int
	}{
		{time.Second, 302},
		{5*time.Minute + time.Second, 302},
		{9*time.Minute + 59*time.Second, 302},
		{10 * time.Minute, 400},
	} {
		t.Run(tt.after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLoginMemorySite(t, nil)
				b := s.browser()
				callback := s.callbackAddress(b, "/a")
				u, _ := url.Parse(s.url)
				cookie := b.Jar.Cookies(u)[0]
				wantRedirect(t, s.get(b, callback), "/a#")
				time.Sleep(tt.after)
				// Without a jar, which leaves out expired cookies.
				if a := s.get(s.browser(), callback, func(r *http.Request) { r.AddCookie(cookie) }); a.StatusCode != tt.status {
					t.Errorf("after %v: status %d, want %d", tt.after, a.StatusCode, tt.status)
				}
				s.wantExchanges(1)
			})
		})
	}
}

// The exchange goes on when the client leaves, whose next request gets the
// session.
func TestCallbackAbandoned(t *testing.T) {
	t.Parallel()
	asked, network := make(chan struct{}, 1), newTransport(t)
	s := newLoginSite(t, func(c *testConfig) {
		c.Account.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			asked <- struct{}{}
			return network.RoundTrip(r)
		})
	})
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultSlowHeader, Delay: 300 * time.Millisecond})
	b := s.browser()
	callback := s.callbackAddress(b, "/a")

	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, callback, nil)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() {
		_, err := s.copyOf(b).Do(r)
		left <- err
	}()
	<-asked
	leave()
	if err := <-left; err == nil {
		t.Fatal("the first request was answered, want it cancelled")
	}
	wantRedirect(t, s.get(b, callback), "/a#")
	if got, want := s.me(b).OpenID, s.openID("lihua"); got != want {
		t.Errorf("/me = %q, want %q", got, want)
	}
	s.wantExchanges(1)
}

// transportFunc is a function as a transport.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
