package main_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// Where WeChat's or Redis's answer decides, explain says so, and makes up no answer.
func TestExplainAsked(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	emulated := []string{"WXGATE_WECHAT_API_URL=" + wx.URL, "WXGATE_WECHAT_OPEN_URL=" + wx.URL, "WXGATE_JSSDK=true"}
	follow := append([]string{"WXGATE_REQUIRE_FOLLOW=true", "WXGATE_PUBLIC_PATHS=/static/"}, emulated...)
	proxy := append([]string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM", "WXGATE_TRUSTED_PROXIES=127.0.0.1"}, follow...)
	legacy := append([]string{"WXGATE_TOKEN_MODE=legacy", "WXGATE_REDIS_URL=redis://127.0.0.1:1"}, emulated...)
	signedIn := []string{"--header", "Cookie: " + cookieOf(t, explainedOpenID)}
	login, state := pendingLogin(t, emulated)
	const (
		jssdk  = "/_wx/jssdk?url=http%3A%2F%2Fh5.example.com%2F"
		signs  = "asks WeChat, whose answer decides: /_wx/jssdk signs an address for the JS-SDK."
		ticket = "wechat: explain does not ask it; 200 with the signature if WeChat gives a ticket, " +
			"or the gateway has one; 502 or 503 if not"
		follows = "asks WeChat whether the visitor follows the account, and decides by the answer."
		named   = "wechat: explain does not ask it; name the visitor with --as to see both answers"
	)
	madeUp := regexp.MustCompile(`(?m)^(\d{3}|outcome|session|follow|location|upstream): `)
	for _, tt := range []struct {
		name        string
		environ     []string
		args        []string
		first, line string
	}{
		{"signature", emulated, []string{"GET", jssdk}, signs, ticket},
		{"signature by HEAD", emulated, []string{"HEAD", jssdk}, signs, ticket},
		{"signature for a visitor", follow, []string{jssdk, "--as", explainedOpenID}, signs, ticket},
		{"signature in forward-auth mode", proxy, []string{jssdk}, signs, ticket},
		{"signature with a shared token", legacy, []string{jssdk}, signs, ticket},
		{"callback", emulated, []string{"/_wx/callback?code=planted&state=" + state, "--header", "Cookie: " + login},
			"asks WeChat, whose answer decides: /_wx/callback finishes a login.",
			"wechat: explain does not ask it; 302 with a session if WeChat accepts the code and the visitor may enter; " +
				"302 to a new login, or 403, 502 or 503, if not"},
		{"follow gate", follow, append([]string{"/cart"}, signedIn...), follows, named},
		{"follow gate and a script", follow, append([]string{"POST", "/cart"}, signedIn...), follows, named},
		{"follow gate in forward-auth mode", proxy, append([]string{"/cart"}, signedIn...), follows, named},
		{"follow gate, asked by a proxy", proxy, append([]string{"/_wx/auth", "--header", "X-Forwarded-Uri: /cart"}, signedIn...), follows, named},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := explain(t, environment("http://web:80", tt.environ...), tt.args...)
			if got.first != tt.first || !strings.Contains(got.all, "\n"+tt.line+"\n") {
				t.Errorf("explain %q says\n%swant %q and %q", tt.args, got.all, tt.first, tt.line)
			}
			if line := madeUp.FindString(got.all); line != "" {
				t.Errorf("explain %q has a line %q of an answer that is not known:\n%s", tt.args, line, got.all)
			}
		})
	}
	if n := wx.Calls("/cgi-bin/stable_token") + wx.Calls("/cgi-bin/token") + wx.Calls("/sns/oauth2/access_token"); n > 0 {
		t.Errorf("explain asks WeChat %d times", n)
	}
}

// pendingLogin starts a login at a gateway, and returns its cookie and state.
func pendingLogin(t *testing.T, environ []string) (cookie, state string) {
	t.Helper()
	gateway := start(t, environment(newUpstream(t, hello), environ...), "serve")
	res := sendExplained(t, gateway.listening("gateway"), explainedCase{args: "/_wx/login"})
	cookie, _, _ = strings.Cut(res.Header.Get("Set-Cookie"), ";")
	location, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	return cookie, location.Query().Get("state")
}

// What Redis or a body would change has a line.
func TestExplainNotKnown(t *testing.T) {
	t.Parallel()
	redis := []string{"WXGATE_REDIS_URL=redis://127.0.0.1:1", "WXGATE_PUBLIC_PATHS"}
	cookie := []string{"/cart", "--header", "Cookie: " + cookieOf(t, explainedOpenID)}
	const ended = "explain does not ask it; the cookie is no session if it was ended by wxgate revoke"
	for _, tt := range []struct {
		name    string
		environ []string
		args    []string
		line    string // the name of the line
		want    string // empty: no such line
	}{
		{"a cookie, with Redis", redis, cookie, "redis", ended},
		{"a cookie, without Redis", redis[1:], cookie, "redis", ""},
		{"a named visitor", redis, append(cookie[:3:3], "--as", explainedOpenID), "redis", ""},
		{"no cookie", redis, cookie[:1], "redis", ""},
		{"a page's login", nil, []string{"POST", "/_wx/session"}, "body",
			"explain sends none; with the code and state of a login that this browser began, WeChat is asked"},
		{"sign-out", nil, []string{"POST", "/_wx/logout"}, "body", "explain sends none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := explain(t, environment("http://web:80", tt.environ...), tt.args...); got.line(tt.line) != tt.want {
				t.Errorf("explain %q says\n%swant the line %s: %s", tt.args, got.all, tt.line, tt.want)
			}
		})
	}
}
