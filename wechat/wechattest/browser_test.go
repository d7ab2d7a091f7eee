package wechattest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// h5 is a small site for the emulator: /login redirects to WeChat, /callback
// records the request and redirects to /home.
type h5 struct {
	*httptest.Server
	mu        sync.Mutex
	callbacks []string // "code state cookie abandoned"
	slow      bool     // the first callback is answered only after its client left
}

func newH5(t *testing.T, wx *wechattest.Server, authorize string) *h5 {
	s := &h5{}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "login", Value: "yes", Path: "/"})
		http.Redirect(w, r, wx.URL+"/connect/oauth2/authorize?"+changed("redirect_uri", s.URL+"/callback")+authorize+"#wechat_redirect", http.StatusFound)
	})
	mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		first := len(s.callbacks) == 0
		_, err := r.Cookie("login")
		s.callbacks = append(s.callbacks, fmt.Sprint(r.FormValue("code") != "", " ", r.FormValue("state"), " ", err == nil))
		s.mu.Unlock()
		if s.slow && first {
			<-r.Context().Done()
		}
		http.Redirect(w, r, "/home", http.StatusFound)
	})
	mux.HandleFunc("/home", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "home of ", r.UserAgent()) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		browser   wechattest.Browser
		authorize string
		hop       bool // the switch SecondHop
		slow      bool
		want      []string // callbacks: has a code, state, has the cookie
	}{
		{name: "plain", want: []string{"true s1 true"}},
		{name: "double", browser: wechattest.Browser{Quirks: wechattest.Quirks{Double: true}}, want: []string{"true s1 true", "true s1 true"}},
		{name: "double later", browser: wechattest.Browser{Quirks: wechattest.Quirks{Double: true, DoubleAfter: 30 * time.Millisecond}},
			want: []string{"true s1 true", "true s1 true"}},
		{name: "first aborted", browser: wechattest.Browser{Quirks: wechattest.Quirks{Double: true, AbortFirst: true}}, slow: true,
			want: []string{"true s1 true", "true s1 true"}},
		{name: "crawlers", browser: wechattest.Browser{Quirks: wechattest.Quirks{CrawlBefore: true, CrawlAfter: true}},
			want: []string{"true s1 false", "true s1 true", "true s1 false"}},
		{name: "cookies lost", browser: wechattest.Browser{Quirks: wechattest.Quirks{LoseCookies: true}}, want: []string{"true s1 false"}},
		{name: "elsewhere", browser: wechattest.Browser{Quirks: wechattest.Quirks{Elsewhere: true}}, want: []string{"true s1 false"}},
		{name: "state mangled", browser: wechattest.Browser{Quirks: wechattest.Quirks{MangleState: true}}, want: []string{"true s1https true"}},
		{name: "declined", browser: wechattest.Browser{Answer: wechattest.AnswerDeclineRedirect}, want: []string{"false s1 true"}},
		{name: "second hop", hop: true, want: []string{"true s1 true", "true s1 true"}},
		{name: "second hop, connect_redirect", hop: true, authorize: "&connect_redirect=1", want: []string{"true s1 true"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wx := wechattest.NewServer()
			defer wx.Close()
			wx.SetSwitches(wechattest.Switches{SecondHop: test.hop, StrictOrder: true})
			site := newH5(t, wx, test.authorize)
			site.slow = test.slow
			b := test.browser
			page, err := b.Open(t.Context(), site.URL+"/login")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := page.URL.String(), site.URL+"/home#wechat_redirect"; got != want || !strings.Contains(page.Body, wechattest.AgentAndroid) {
				t.Errorf("arrived at %s (%d %q), want %s", got, page.Status, page.Body, want)
			}
			site.mu.Lock()
			defer site.mu.Unlock()
			if fmt.Sprint(site.callbacks) != fmt.Sprint(test.want) {
				t.Errorf("callbacks = %q, want %q", site.callbacks, test.want)
			}
		})
	}
}

func TestBrowserHistory(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	defer wx.Close()
	site := newH5(t, wx, "")
	b := &wechattest.Browser{Visitor: "tom", UserAgent: wechattest.AgentIOS}
	if _, err := b.Reload(t.Context()); err == nil {
		t.Error("Reload without a page: want an error")
	}
	if _, err := b.Back(t.Context()); err == nil {
		t.Error("Back without a callback: want an error")
	}
	page, err := b.Open(t.Context(), site.URL+"/login")
	if err != nil || len(page.Hops) != 4 {
		t.Fatalf("Open = %+v, %v, want 4 hops", page, err)
	}
	if _, err := b.Back(t.Context()); err != nil || len(site.callbacks) != 2 {
		t.Errorf("Back: %v, callbacks %q, want the same twice", err, site.callbacks)
	}
	page, err = b.Reload(t.Context())
	if err != nil || page.URL.Path != "/home" || !strings.Contains(page.Body, "iPhone") {
		t.Errorf("Reload = %+v, %v, want /home", page, err)
	}
	page, err = b.Open(t.Context(), site.URL+"/loop")
	if err == nil || len(page.Hops) != 20 {
		t.Errorf("Open of a loop = %d hops, %v, want 20 and an error", len(page.Hops), err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", site.URL+"/callback", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.Do(req)
	if err != nil || res.StatusCode != 302 || site.callbacks[2] != "false  true" {
		t.Errorf("Do = %v, %v, callbacks %q; want a redirect not followed, with cookies", res, err, site.callbacks)
	}
	b.Answer = wechattest.AnswerDecline
	page, err = b.Open(t.Context(), site.URL+"/login")
	if err != nil || !strings.Contains(page.Body, "data-declined") {
		t.Errorf("silent decline = %+v, %v, want the empty page", page, err)
	}
}

// TestInMemory runs the emulator and its browser without a socket, so that they
// work with the clock of a synctest bubble.
func TestInMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEmulator(t, wechattest.Config{})
		b := &wechattest.Browser{Transport: e.Transport(), Quirks: wechattest.Quirks{Double: true, DoubleAfter: time.Minute}}
		page, err := b.Open(t.Context(), "http://wx.test/connect/oauth2/authorize?"+changed())
		if err != nil || page.Status != 404 { // here the callback is sent to the emulator as well
			t.Fatalf("Open = %+v, %v", page, err)
		}
		code := page.URL.Query().Get("code")
		if n := e.Calls("/callback"); n != 2 {
			t.Errorf("callbacks = %d, want 2", n)
		}
		time.Sleep(5 * time.Minute)
		if a := e.exchange(code); a.code() != 40029 {
			t.Errorf("code after six minutes = %s, want 40029", a.body)
		}

		e.Fault(wechattest.Fault{Mode: wechattest.FaultSlowHeader, Delay: time.Hour})
		begun := time.Now()
		if a := e.exchange(e.login("snsapi_base", nil)); a.status == 0 || time.Since(begun) != time.Hour {
			t.Errorf("slow answer after %v, want an hour", time.Since(begun))
		}
		client := http.Client{Transport: e.Transport(), Timeout: time.Minute}
		for _, mode := range []wechattest.FaultMode{wechattest.FaultHang, wechattest.FaultResetBefore} {
			e.Fault(wechattest.Fault{Mode: mode})
			_, err := client.Get("http://wx.test/sns/auth")
			if e, ok := err.(*url.Error); !ok || e.Timeout() != (mode == wechattest.FaultHang) {
				t.Errorf("%s: error %v", mode, err)
			}
		}
	})
}
