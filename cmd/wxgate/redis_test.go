package main_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// replicas are gateways of one site with one Redis, and a browser whose every request
// goes to the next of them.
type replicas struct {
	processes []*process
	addresses []string
	browser   *http.Client
	next      int
}

// startReplicas starts n gateways with the changes to their environment.
func startReplicas(t *testing.T, n int, changes ...string) *replicas {
	t.Helper()
	account := wechattest.StockAccount()
	account.CallbackDomains = []string{"h5.example.com"}
	wx, err := wechattest.NewServerConfig(wechattest.Config{Accounts: []wechattest.Account{account}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wx.Close)
	site := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "openid="+r.Header.Get("X-WX-OpenID"))
		if token := r.Header.Get("X-WX-Access-Token"); token != "" {
			io.WriteString(w, " token="+token)
		}
	})
	changes = append([]string{
		"WXGATE_PUBLIC_PATHS=/public/", "WXGATE_API_PATHS=/api/",
		"WXGATE_WECHAT_API_URL=" + wx.URL, "WXGATE_WECHAT_OPEN_URL=" + wx.URL,
	}, changes...)
	f := new(replicas)
	for range n {
		p := start(t, environment(site, changes...))
		f.processes = append(f.processes, p)
		f.addresses = append(f.addresses, p.listening("gateway"))
	}
	jar, _ := cookiejar.New(nil) // never fails
	f.browser = &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, _, _ := net.SplitHostPort(address); host == "h5.example.com" {
				address = f.addresses[f.next%len(f.addresses)]
				f.next++
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	return f
}

// get requests a path of the site as a page load, or as a script does.
func (f *replicas) get(t *testing.T, path string, page bool) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h5.example.com"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	if page {
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Accept", "text/html")
	}
	return f.do(t, r)
}

func (f *replicas) do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := f.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// signedIn reports whether each replica knows the visitor.
func (f *replicas) signedIn(t *testing.T) bool {
	t.Helper()
	for range f.addresses {
		if res, _ := f.get(t, "/api/me", false); res.StatusCode != http.StatusOK {
			return false
		}
	}
	return true
}

// signOut ends the visitor's session.
func (f *replicas) signOut(t *testing.T) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://h5.example.com/_wx/logout",
		strings.NewReader(url.Values{"return_to": {"/public/bye"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, _ := f.do(t, r)
	return res
}

// A login that begins on one replica ends on another, and its session holds on all
// until it ends on one.
func TestReplicasWithRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	f := startReplicas(t, 3, "WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL="+redis.URL())
	for _, p := range f.processes {
		p.line(`"message":"redis answers"`)
	}
	if res, body := f.get(t, "/shop?a=1", true); res.StatusCode != 200 || !strings.HasPrefix(body, "openid=o") {
		t.Fatalf("a login over three replicas: %s %q, want the site with an openid", res.Status, body)
	}
	if !f.signedIn(t) {
		t.Error("the session does not hold on all replicas")
	}
	if res := f.signOut(t); res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotFound {
		t.Errorf("sign-out: %s", res.Status)
	}
	eventually(t, patience, "the sign-out holds on all replicas", func() bool {
		out := true
		for range f.addresses {
			res, _ := f.get(t, "/api/me", false)
			out = out && res.StatusCode == http.StatusUnauthorized
		}
		return out
	})
}

// With WXGATE_PASS_ACCESS_TOKEN all replicas pass the token of the login.
func TestReplicasPassTheAccessToken(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	for pass, want := range map[string]bool{"true": true, "false": false} {
		f := startReplicas(t, 2,
			"WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL="+redis.URL(), "WXGATE_PASS_ACCESS_TOKEN="+pass)
		for _, p := range f.processes {
			p.line(`"message":"redis answers"`)
		}
		_, first := f.get(t, "/shop", true)
		if !strings.HasPrefix(first, "openid=o") || strings.Contains(first, " token=98_") != want {
			t.Errorf("%s: the site gets %q, want an openid, and a token: %t", pass, first, want)
		}
		for range f.addresses {
			if _, body := f.get(t, "/api/me", false); body != first {
				t.Errorf("%s: the site gets %q, want %q as before", pass, body, first)
			}
		}
	}
}

// While Redis is away for longer than the grace, nobody is let in and nobody loses a
// session, and the operator is told.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{Persist: true})
	f := startReplicas(t, 1, "WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL="+redis.URL(), "WXGATE_REDIS_GRACE=1s")
	admin := "http://" + f.processes[0].listening("admin")
	ready := func(status int, text string) {
		t.Helper()
		eventually(t, patience, "readiness says "+text, func() bool {
			got, body := get(t, admin+"/readyz")
			return got == status && strings.Contains(body, text)
		})
	}
	ready(200, "ready")
	f.get(t, "/shop", true)
	if !f.signedIn(t) {
		t.Fatal("no session")
	}
	before := f.cookies(t)

	redis.Stop()
	eventually(t, patience, "the session is not known", func() bool {
		res, _ := f.get(t, "/api/me", false)
		return res.StatusCode == http.StatusServiceUnavailable
	})
	res, body := f.get(t, "/api/me", false)
	if !strings.Contains(body, `"error":"session_store_unavailable"`) || res.Header.Get("Retry-After") == "" {
		t.Errorf("an API call while Redis is away: %s %s", res.Status, body)
	}
	res, body = f.get(t, "/shop", true)
	if res.StatusCode != 503 || !strings.Contains(body, "<html") || len(res.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("a page load while Redis is away: %s, cookies %q, %.100s; want a page and no cookie",
			res.Status, res.Header["Set-Cookie"], body)
	}
	if res, body := f.get(t, "/public/a", true); res.StatusCode != 200 || body != "openid=" {
		t.Errorf("a public path while Redis is away: %s %q, want the site without an openid", res.Status, body)
	}
	if res := f.signOut(t); res.StatusCode != 503 || len(res.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("a sign-out while Redis is away: %s, cookies %q, want 503", res.Status, res.Header["Set-Cookie"])
	}
	ready(200, "redis has not answered for")
	if _, metrics := get(t, admin+"/metrics"); !strings.Contains(metrics, "wxgate_redis_up 0") {
		t.Error("metrics do not tell that Redis is away")
	}
	if after := f.cookies(t); after != before {
		t.Errorf("the browser's cookies were %q, are %q", before, after)
	}

	redis.Restart(t)
	eventually(t, patience, "the session is known again", func() bool { return f.signedIn(t) })
	eventually(t, patience, "metrics tell that Redis answers", func() bool {
		_, metrics := get(t, admin+"/metrics")
		return strings.Contains(metrics, "wxgate_redis_up 1")
	})
}

// cookies returns the browser's cookies for the site.
func (f *replicas) cookies(t *testing.T) string {
	t.Helper()
	site, err := url.Parse("http://h5.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, cookie := range f.browser.Jar.Cookies(site) {
		all = append(all, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(all, "; ")
}

// The process serves without Redis, and is ready once Redis has answered, if it keeps
// sessions there.
func TestServeStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{Persist: true})
	redis.Stop()
	for _, test := range []struct {
		store  string
		status int
	}{
		{"redis", 503},
		{"cookie", 200},
	} {
		p := start(t, environment(newUpstream(t, hello), "WXGATE_SESSION_STORE="+test.store, "WXGATE_REDIS_URL="+redis.URL()))
		gateway, admin := "http://"+p.listening("gateway"), "http://"+p.listening("admin")
		p.line(`"message":"redis does not answer"`, `"hint":"`)
		if status, body := get(t, admin+"/readyz"); status != test.status || !strings.Contains(body, "redis has not answered for") {
			t.Errorf("%s store, /readyz without Redis: %d %q, want %d", test.store, status, body, test.status)
		}
		if status, body := get(t, gateway+"/page"); status != 200 || body != "hello" {
			t.Errorf("%s store, a public path without Redis: %d %q", test.store, status, body)
		}
		redis.Restart(t)
		eventually(t, patience, "ready with Redis", func() bool {
			status, body := get(t, admin+"/readyz")
			return status == 200 && body == "ready\n"
		})
		redis.Stop()
	}
}
