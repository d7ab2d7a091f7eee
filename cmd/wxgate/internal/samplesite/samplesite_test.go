package samplesite_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/samplesite"
)

const openID = "oSAMPLE-visitor_0123456789ab"

// ask sends one request to the site, as the gateway does for a visitor.
func ask(t *testing.T, method, target, body string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	samplesite.Handler().ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path string
		header     map[string]string
		want, lack string
	}{
		{"openid", "/", map[string]string{"X-WX-OpenID": openID}, `<code id="openid">` + openID + `</code>`, ""},
		{"openid with markup", "/", map[string]string{"X-WX-OpenID": `<i>"`}, `<code id="openid">&lt;i&gt;&#34;</code>`, "<i>"},
		{"nickname decoded", "/", map[string]string{"X-WX-Nickname": "%E5%B0%8F%E6%98%8E+1"}, `>小明&#43;1</bdi>`, ""},
		{"nickname with markup", "/", map[string]string{"X-WX-Nickname": "%3Cscript%3Ealert(1)%3C/script%3E"}, `>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>`, "<script>"},
		{"nickname badly encoded", "/", map[string]string{"X-WX-Nickname": "100%"}, `>100%</bdi>`, ""},
		{"nickname not UTF-8", "/", map[string]string{"X-WX-Nickname": "a%FFb"}, ">a\uFFFDb</bdi>", "\xff"},
		{"another header", "/", map[string]string{"X-Forwarded-For": "<203.0.113.7>"}, "<dt>X-Forwarded-For</dt><dd>&lt;203.0.113.7&gt;</dd>", "<203."},
		{"a token stays hidden", "/", map[string]string{"X-WX-Access-Token": "planted"}, `id="openid"`, "planted"},
		{"an assertion stays hidden", "/", map[string]string{"X-WX-Assertion": "planted"}, `id="openid"`, "planted"},
		{"snapshot visitor", "/?lang=en", map[string]string{"X-WX-Snapshot-User": "true"}, "Snapshot page", ""},
		{"no snapshot visitor", "/?lang=en", nil, `id="openid"`, "Snapshot page"},
		{"sign-out form", "/", nil, `method="post" action="/_wx/logout"`, ""},
		{"sign-out goes to the gateway's page", "/", nil, `name="return_to" value="/_wx/logout"`, ""},
		{"nickname link", "/", nil, `href="/_wx/login?scope=snsapi_userinfo&amp;return_to=/%23/me"`, ""},
		{"picture", "/", map[string]string{"X-WX-Avatar": "http://127.0.0.1:8080/mmopen/lihua/132"}, `<img id="avatar" src="http://127.0.0.1:8080/mmopen/lihua/132" alt="">`, ""},
		{"no picture", "/", nil, `id="openid"`, `id="avatar"`},
		{"picture with a script", "/", map[string]string{"X-WX-Avatar": "javascript:alert(1)"}, `id="openid"`, `src="javascript:`},
		{"granted already", "/", map[string]string{"X-WX-Scope": "snsapi_userinfo", "X-WX-Nickname": "Tom"}, `id="login-other"`, `id="ask-nickname"`},
		{"granted by a scan", "/", map[string]string{"X-WX-Scope": "snsapi_login", "X-WX-Nickname": "Tom"}, `id="login-other"`, `id="ask-nickname"`},
		{"granted, without a nickname", "/", map[string]string{"X-WX-Scope": "snsapi_userinfo"}, `id="login-other"`, `id="ask-nickname"`},
		{"not granted", "/", map[string]string{"X-WX-Scope": "snsapi_base"}, `id="ask-nickname"`, ""},
		{"guest, signed in", "/guest", map[string]string{"X-WX-OpenID": openID}, `<code id="openid">` + openID + `</code>`, "未登录"},
		{"guest, not signed in", "/guest", nil, "未登录", "no visitor"},
		{"about, signed in", "/about", map[string]string{"X-WX-OpenID": openID}, `<code id="openid">` + openID + `</code>`, "未登录"},
		{"about, not signed in", "/about", nil, "未登录", "no visitor"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, "GET", test.path, "", test.header)
			body := w.Body.String()
			if w.Code != http.StatusOK || !strings.Contains(body, test.want) {
				t.Errorf("GET %s = %d %s, want 200 with %s", test.path, w.Code, body, test.want)
			}
			if test.lack != "" && strings.Contains(body, test.lack) {
				t.Errorf("GET %s = %s, want no %q", test.path, body, test.lack)
			}
		})
	}
}

func TestPageHooks(t *testing.T) {
	t.Parallel()
	body := ask(t, "GET", "/", "", nil).Body.String()
	for _, hook := range []string{
		`id="openid"`, `id="nickname"`, `id="fetch-result"`, `id="ws-result"`, `id="sse-result"`, `id="logout"`, `id="login-again"`,
		`data-action="fetch"`, `data-action="order"`, `data-action="ws"`, `data-action="sse"`,
		`data-action="jssdk"`, `id="jssdk-result"`,
	} {
		if n := strings.Count(body, hook); n != 1 {
			t.Errorf("the page has %d of %s, want 1", n, hook)
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, path, accept, want string }{
		{"no header", "/", "", "zh-CN"},
		{"english", "/", "en-US,en;q=0.9", "en"},
		{"chinese in another country", "/", "zh-TW", "zh-CN"},
		{"first of equals", "/", "en,zh", "en"},
		{"heavier wins", "/", "en;q=0.5, zh;q=0.8", "zh-CN"},
		{"space before q", "/", "zh; q=0.1, EN; q=0.2", "en"},
		{"refused", "/", "en;q=0", "zh-CN"},
		{"no number", "/", "en;q=much", "zh-CN"},
		{"neither", "/", "fr, de;q=0.5", "zh-CN"},
		{"switched", "/?lang=en", "zh-CN", "en"},
		{"switched to an unknown one", "/?lang=tlh", "en", "en"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body := ask(t, "GET", test.path, "", map[string]string{"Accept-Language": test.accept}).Body.String()
			_, rest, _ := strings.Cut(body, `<html lang="`)
			if got, _, _ := strings.Cut(rest, `"`); got != test.want {
				t.Errorf("GET %s, Accept-Language %q: language %q, want %q", test.path, test.accept, got, test.want)
			}
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/about", "/guest", "/api/me", "/static/app.js", "/nothing"} {
		h := ask(t, "GET", path, "", nil).Header()
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'self';") || strings.Contains(policy, "unsafe-") {
			t.Errorf("GET %s: Content-Security-Policy = %q, want default-src 'self' and nothing unsafe", path, policy)
		}
		want := []string{"nosniff", "same-origin"}
		if diff := cmp.Diff(want, []string{h.Get("X-Content-Type-Options"), h.Get("Referrer-Policy")}); diff != "" {
			t.Errorf("GET %s (-want +got):\n%s", path, diff)
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		status             int
		kind, cache        string
	}{
		{"page", "GET", "/", 200, "text/html; charset=utf-8", "no-store"},
		{"API", "GET", "/api/me", 200, "application/json", "no-store"},
		{"script", "GET", "/static/app.js", 200, "text/javascript; charset=utf-8", "public, max-age=300"},
		{"public page", "GET", "/guest", 200, "text/html; charset=utf-8", "no-store"},
		{"login script", "GET", "/static/login.js", 200, "text/javascript; charset=utf-8", "public, max-age=300"},
		{"style", "GET", "/static/app.css", 200, "text/css; charset=utf-8", "public, max-age=300"},
		{"icon", "GET", "/favicon.ico", 200, "image/svg+xml", "public, max-age=300"},
		{"no such page", "GET", "/nothing", 404, "text/plain; charset=utf-8", "no-store"},
		{"out of static", "GET", "/static/..%2fpages%2findex.html", 400, "text/plain; charset=utf-8", ""},
		{"the folder itself", "GET", "/static/", 404, "text/plain; charset=utf-8", "no-store"},
		{"order by GET", "GET", "/api/orders", 405, "text/plain; charset=utf-8", "no-store"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, test.method, test.path, "", nil)
			h := w.Header()
			if w.Code != test.status || h.Get("Content-Type") != test.kind || h.Get("Cache-Control") != test.cache {
				t.Errorf("%s %s = %d, %q, %q, want %d, %q, %q", test.method, test.path,
					w.Code, h.Get("Content-Type"), h.Get("Cache-Control"), test.status, test.kind, test.cache)
			}
		})
	}
}
