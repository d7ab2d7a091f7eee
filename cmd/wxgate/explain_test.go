package main_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wxgate "github.com/wxgate/wxgate/cmd/wxgate"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// explained is what `wxgate explain` prints: the answer, then lines "name: text".
type explained struct {
	first, all string
}

// explain runs the command, which must exit with 0.
func explain(t *testing.T, environ []string, args ...string) explained {
	t.Helper()
	var stdout, stderr strings.Builder
	if code := wxgate.Run(append([]string{"explain"}, args...), environ, &stdout, &stderr); code != 0 {
		t.Fatalf("explain %q exits with %d: %s", args, code, &stderr)
	}
	first, _, _ := strings.Cut(stdout.String(), "\n")
	return explained{first, stdout.String()}
}

// line returns the text behind a name; "" if there is no such line.
func (e explained) line(name string) string {
	for line := range strings.Lines(e.all) {
		if text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+": "); ok {
			return text
		}
	}
	return ""
}

const (
	explainedOpenID = "oABC-123_xyz456789012345678"
	deniedOpenID    = "oDEF-123_xyz456789012345678"
	chromeUA        = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)

// A request of TestExplainAgrees, and a line that explains it.
type explainedCase struct {
	args string // METHOD URL, --as OPENID
	more []string
	want string
}

// TestExplainAgrees: `explain` says what a gateway with the same environment does.
func TestExplainAgrees(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "deny")
	if err := os.WriteFile(list, []byte(deniedOpenID+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script, accept := []string{"--header", "Sec-Fetch-Mode: cors"}, []string{"--header", "Accept: application/json"}
	outside := []string{"--user-agent", chromeUA}
	xhr, old := []string{"--header", "X-Requested-With: XMLHttpRequest"}, []string{"--header", "Sec-Fetch-Mode:"}
	for _, group := range []struct {
		name    string
		environ []string
		cases   []explainedCase
	}{
		{"usual", nil, []explainedCase{
			{"/cart?a=b", nil, "login: a page load without a session"},
			{"GET /cart", script, "not a page load: Sec-Fetch-Mode is not navigate"},
			{"/cart", accept, "not a page load: no Sec-Fetch-Mode, and Accept names neither text/html nor */*"},
			{"/cart", xhr, "not a page load: X-Requested-With is XMLHttpRequest, or there is an Upgrade"},
			{"/cart", old, "page load: no Sec-Fetch-Mode, and Accept names text/html"},
			{"/cart", []string{"--user-agent", "curl/8.5"}, "login: a page load without a session"},
			{"HEAD /cart", nil, "login: a page load without a session"},
			{"POST /cart", nil, "not a page load: the method is neither GET nor HEAD"},
			{"POST /cart", []string{"--header", "Sec-Fetch-Mode: navigate"}, "401: a form without a session; its page has a button to sign in"},
			{"/static/app.js", nil, `public: WXGATE_PUBLIC_PATHS "/static/"`},
			{"/news/7", nil, `public: WXGATE_PUBLIC_PATHS "GET /news/{id}"`},
			{"POST /news/7", nil, "401: neither a page load nor a session"},
			{"/static/%2e%2e/cart", nil, `not public: WXGATE_PUBLIC_PATHS "/static/,GET /news/{id},/hook": opens no path that can be read in two ways`},
			{"/api/users", nil, `401: WXGATE_API_PATHS "/api/"`},
			{"/cart", []string{"--as", explainedOpenID}, "session: the visitor is signed in and may enter"},
			{"POST /api/users", []string{"--as", explainedOpenID}, "header: X-WX-OpenID: " + explainedOpenID},
			{"/cart", []string{"--as", deniedOpenID}, `403: WXGATE_DENY_OPENIDS_FILE "` + list + `": holds the visitor`},
			{"/static/x", []string{"--as", deniedOpenID}, `public: WXGATE_PUBLIC_PATHS "/static/"`},
			{"POST /hook", []string{"--header", "Content-Length: 2000"}, `413: WXGATE_MAX_BODY "1KiB": the body is longer, as its Content-Length says`},
			{"/static/x", []string{"--header", "X_WX_OpenID: evil", "--header", "X-WX-Source: wx_client"}, "removed: X-WX-Source, X_WX_OpenID"},
			{"/static/x", []string{"--header", "X-Forwarded-For: 8.8.8.8"}, "forwarded headers: WXGATE_TRUSTED_PROXIES: does not hold this address, ignored are X-Forwarded-For"},
			{"/_wx/login?return_to=/cart", nil, "outcome: own"},
			{"POST /_wx/login", nil, "405: This endpoint does not accept the method."},
			{"/_wx/logout", nil, "outcome: own"},
			{"/_wx/me", nil, "outcome: own"},
			{"/_wx/callback", nil, "outcome: own"},
			{"/_wx/nothing", nil, `404: WXGATE_PREFIX "/_wx": no endpoint has this path`},
			{"/_wx/auth", nil, "asked about: WXGATE_TRUSTED_PROXIES: nothing: it does not hold the address that asks"},
			{"/MP_verify_abc123.txt", nil, "outcome: own"},
			{"POST /MP_verify_abc123.txt", nil, "allow: GET, HEAD"},
			{"TRACE /cart", nil, "405: The gateway forwards neither CONNECT nor TRACE."},
			{"/" + strings.Repeat("long", 100), nil, "login: a page load without a session"},
		}},
		{"outside page", []string{"WXGATE_OUTSIDE_WECHAT=page"}, []explainedCase{
			{"/cart", outside, `browser: WXGATE_OUTSIDE_WECHAT "page": not WeChat's, by its User-Agent`},
			{"/cart", nil, "browser: WeChat's, by its User-Agent"},
		}},
		{"outside deny", []string{"WXGATE_OUTSIDE_WECHAT=deny"}, []explainedCase{
			{"/cart", outside, `403: WXGATE_OUTSIDE_WECHAT "deny": the browser is not WeChat's, by its User-Agent`},
		}},
		{"scan login", []string{"WXGATE_OUTSIDE_WECHAT=qrconnect", "WXGATE_QR_APP_ID=wxfedcba9876543210", "WXGATE_QR_APP_SECRET=" + wechattest.StockAppSecret}, []explainedCase{
			{"/cart", outside, `browser: WXGATE_OUTSIDE_WECHAT "qrconnect": not WeChat's, by its User-Agent`},
		}},
		{"hub", []string{"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY=" + cookieKey}, []explainedCase{
			{"/cart", nil, "login: a page load without a session"},
		}},
		{"fragment", []string{"WXGATE_KEEP_FRAGMENT=true"}, []explainedCase{
			{"/#/cart", nil, `fragment: WXGATE_KEEP_FRAGMENT "true"`},
		}},
		{"behind a proxy", []string{"WXGATE_PUBLIC_URL=https://h5.example.com", "WXGATE_TRUSTED_PROXIES=127.0.0.1"}, []explainedCase{
			{"/cart", []string{"--header", "X-Forwarded-Proto: http"}, `https: WXGATE_PUBLIC_URL "https://h5.example.com": cookies set by plain http would be lost`},
			{"/cart", []string{"--header", "X-Forwarded-Proto: https"}, "login: a page load without a session"},
			{"/_wx/auth", []string{"--header", "X-Forwarded-Uri: /static/x"}, `public: WXGATE_PUBLIC_PATHS "/static/"`},
			{"/_wx/auth?redirect=true", []string{"--header", "X-Forwarded-Uri: /cart?a=b"}, "asked about: GET h5.example.com/cart"},
		}},
		{"sites", []string{"WXGATE_PUBLIC_URL=", "WXGATE_SITES_0_HOSTS=a.example.com,www.a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com", "WXGATE_SITES_1_API_PATHS=/b/"}, []explainedCase{
			{"https://a.example.com/b/", nil, `site: WXGATE_SITES_0_HOSTS "a.example.com,www.a.example.com"`},
			{"https://www.a.example.com/x", nil, "login: a page load without a session"},
			{"https://b.example.com/b/", nil, `401: WXGATE_SITES_1_API_PATHS "/b/"`},
			{"https://b.example.com/static/x", nil, `public: WXGATE_PUBLIC_PATHS "/static/"`},
			{"https://c.example.com/", nil, "421: the sites' hosts are a.example.com, www.a.example.com, b.example.com"},
		}},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			var reached atomic.Int64
			site := newUpstream(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
			environ := environment(site, append([]string{
				"WXGATE_PUBLIC_PATHS=/static/,GET /news/{id},/hook", "WXGATE_API_PATHS=/api/", "WXGATE_MAX_BODY=1KiB",
				"WXGATE_VERIFY_FILES=abc123", "WXGATE_DENY_OPENIDS_FILE=" + list,
			}, group.environ...)...)
			address := start(t, environ, "serve").listening("gateway")
			for _, tt := range group.cases {
				got := explain(t, environ, append(strings.Fields(tt.args), tt.more...)...)
				if !strings.Contains(got.all, "\n"+tt.want+"\n") {
					t.Errorf("explain %s %q lacks the line %q:\n%s", tt.args, tt.more, tt.want, got.all)
				}
				before := reached.Load()
				want := sendExplained(t, address, tt)
				forwarded := strings.HasPrefix(got.first, "forwarded to ")
				if forwarded != (reached.Load() > before) {
					t.Errorf("explain %s %q says %q, but the site was reached %v", tt.args, tt.more, got.first, !forwarded)
				}
				if status := fmt.Sprintf("%d: ", want.StatusCode); !forwarded && !strings.HasPrefix(got.first, status) {
					t.Errorf("explain %s %q says %q, but the gateway answers %s", tt.args, tt.more, got.first, status)
				}
				if location := withoutState(want.Header.Get("Location")); !forwarded && got.line("location") != location {
					t.Errorf("explain %s %q says location %q, but the gateway answers %q", tt.args, tt.more, got.line("location"), location)
				}
			}
		})
	}
}

func withoutState(address string) string {
	return regexp.MustCompile(`state=[0-9a-f]{32}`).ReplaceAllString(address, "state=…")
}

// sendExplained sends the request of a case to the gateway at an address.
func sendExplained(t *testing.T, address string, tt explainedCase) *http.Response {
	t.Helper()
	fields := strings.Fields(tt.args)
	method, target, host := http.MethodGet, fields[len(fields)-1], "h5.example.com"
	if len(fields) > 1 {
		method = fields[0]
	}
	if after, ok := strings.CutPrefix(target, "https://"); ok {
		host, target, _ = strings.Cut(after, "/")
		target = "/" + target
	}
	target, _, _ = strings.Cut(target, "#")
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	r.Header.Set("User-Agent", wechattest.AgentAndroid)
	if method == http.MethodGet || method == http.MethodHead {
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Accept", "text/html")
	}
	for i := 0; i < len(tt.more); i += 2 {
		switch value := tt.more[i+1]; tt.more[i] {
		case "--user-agent":
			r.Header.Set("User-Agent", value)
		case "--as":
			r.Header.Set("Cookie", cookieOf(t, value))
		case "--header":
			name, value, _ := strings.Cut(value, ": ")
			setHeader(r, strings.TrimSuffix(name, ":"), value)
		}
	}
	res, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

// setHeader sets a header as a client sends it.
func setHeader(r *http.Request, name, value string) {
	switch {
	case name == "Content-Length":
		r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", 2000)))
		r.ContentLength = 2000
	case value == "":
		r.Header.Del(name)
	default:
		r.Header[name] = []string{value}
	}
	if name == "Accept" && value == "application/json" {
		r.Header.Del("Sec-Fetch-Mode")
	}
}

// cookieOf returns the session cookie of a visitor.
func cookieOf(t *testing.T, openID string) string {
	t.Helper()
	var keys session.Keys
	if err := keys.UnmarshalText([]byte(cookieKey)); err != nil {
		t.Fatal(err)
	}
	store, err := session.NewCookieStore(session.Config{
		Keys: keys, Site: "http://h5.example.com", AppID: wechattest.StockAppID, Name: "wxgate",
		Lifetime: session.Lifetime{TTL: 24 * time.Hour, MaxTTL: 720 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	header := make(http.Header)
	now := time.Now()
	s := &session.Session{
		AppID: wechattest.StockAppID, OpenID: openID, Scope: "snsapi_base", IssuedAt: now, RenewedAt: now,
	}
	if err := store.Save(new(http.Request), header, s); err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	return cookie
}

// A visitor who has to follow gets one of two answers, and WeChat is not asked.
func TestExplainFollow(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	environ := environment("http://web:80", "WXGATE_PUBLIC_PATHS", "WXGATE_REQUIRE_FOLLOW=true", "WXGATE_JSSDK=true",
		"WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_WECHAT_OPEN_URL="+wx.URL)
	got := explain(t, environ, "/cart", "--as", explainedOpenID)
	const want = "asks WeChat whether the visitor follows the account. If so: forwarded to http://web:80 as the visitor. " +
		"If not: 403: refused with a page; nothing is forwarded."
	if got.first != want || got.line("follow") == "" {
		t.Errorf("explain says %q, want %q", got.all, want)
	}
	const signs = "asks WeChat, whose answer decides: /_wx/jssdk signs an address for the JS-SDK."
	if got := explain(t, environ, "/_wx/jssdk?url=http%3A%2F%2Fh5.example.com%2F"); got.first != signs {
		t.Errorf("explain says %q, want %q", got.first, signs)
	}
	for _, path := range []string{"/cgi-bin/stable_token", "/cgi-bin/user/info", "/cgi-bin/ticket/getticket"} {
		if n := wx.Calls(path); n > 0 {
			t.Errorf("explain asks WeChat: %d calls of %s", n, path)
		}
	}
}

// In forward-auth mode the answer is that to the proxy.
func TestExplainForwardAuth(t *testing.T) {
	t.Parallel()
	environ := environment("", "WXGATE_MODE=forward-auth", "WXGATE_TRUSTED_PROXIES=10.0.0.0/8",
		"WXGATE_PUBLIC_PATHS=/static/", "WXGATE_API_PATHS=/api/")
	for _, tt := range []struct{ args, first, line string }{
		{"/cart?code=planted", "401: the proxy that asks must not let the request pass; with ?redirect=true: 302.", "login: a page load without a session"},
		{"/api/x", "401: the proxy that asks must not let the request pass.", `401: WXGATE_API_PATHS "/api/"`},
		{"/static/x", "200: the proxy that asks may let the request pass without identity.", "header: X-WX-OpenID: (empty)"},
		{"/cart --as " + explainedOpenID, "200: the proxy that asks may let the request pass as the visitor.", "header: X-WX-OpenID: " + explainedOpenID},
		{"/cart --from 192.0.2.1", "401: the proxy that asks must not let the request pass; with ?redirect=true: 302.", `asked about: WXGATE_TRUSTED_PROXIES "10.0.0.0/8": nothing: it does not hold the address that asks`},
		{"/_wx/nothing", "404: refused with a page: the path is wxgate's own.", "outcome: own"},
	} {
		got := explain(t, environ, strings.Fields(tt.args)...)
		if got.first != tt.first || !strings.Contains(got.all, "\n"+tt.line+"\n") || strings.Contains(got.line("asked about"), "planted") {
			t.Errorf("explain %s says\n%swant %q and %q", tt.args, got.all, tt.first, tt.line)
		}
	}
}

// What cannot be explained, and why.
func TestExplainErrors(t *testing.T) {
	t.Parallel()
	redis := []string{"WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL=redis://127.0.0.1:1"}
	sites := []string{"WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com", "WXGATE_PUBLIC_URL"}
	for _, tt := range []struct {
		name    string
		args    []string
		environ []string
		code    int
		want    string
	}{
		{"no URL", nil, nil, 2, "expected [METHOD] URL"},
		{"too many", []string{"GET", "/a", "/b"}, nil, 2, "expected [METHOD] URL"},
		{"no path", []string{"cart"}, nil, 2, `"cart": expected an absolute URL, or a path that begins with /`},
		{"another scheme", []string{"ftp://h5.example.com/"}, nil, 2, "expected http:// or https:// and a host"},
		{"no host", []string{"https:///x"}, nil, 2, "expected http:// or https:// and a host"},
		{"header without a value", []string{"/", "--header", "Accept"}, nil, 2, "expected Name: value"},
		{"header of two lines", []string{"/", "--header", "A: b\r\nC: d"}, nil, 2, "expected Name: value"},
		{"no openid", []string{"/", "--as", "o a"}, nil, 2, "expected an openid, or nobody"},
		{"no address", []string{"/", "--from", "proxy"}, nil, 2, "-from"},
		{"path with several sites", []string{"/cart"}, sites, 2, "there are several sites: expected an absolute URL"},
		{"faults", []string{"/cart"}, []string{"WXGATE_SCOPE=planted"}, 2, "1 fault in the configuration:\n  WXGATE_SCOPE"},
		{"session in Redis", []string{"/cart", "--header", "Cookie: wxgate=planted"}, redis, 1, "the session is in Redis"},
		{"session in Redis, named", []string{"/cart", "--header", "Cookie: wxgate=planted", "--as", "nobody"}, redis, 0, ""},
		{"faults of the gateway", []string{"/cart"}, []string{"WXGATE_ASSERTION_KEYS_FILE=main.go"}, 2, "WXGATE_ASSERTION_KEYS_FILE=\"main.go\": "},
		{"no token", []string{"G@T", "/cart"}, nil, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			code := wxgate.Run(append([]string{"explain"}, tt.args...), environment("http://web:80", tt.environ...), &stdout, &stderr)
			if code != tt.code || !strings.Contains(stderr.String(), tt.want) || code != 0 && stdout.Len() > 0 {
				t.Errorf("explain %q: exit %d, stderr %q, want %d and %q", tt.args, code, &stderr, tt.code, tt.want)
			}
			if strings.Contains(stdout.String(), "planted") {
				t.Errorf("explain shows a cookie: %s", &stdout)
			}
		})
	}
}
