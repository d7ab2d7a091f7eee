package gateway_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func asForm(r *http.Request) {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
}

func TestLogoutReturnTo(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, func(c *testConfig) { c.ReturnHosts = []string{"shop.example.com"} })
	for _, tt := range []struct {
		name, query, form, want string
	}{
		{"none", "", "", "/"},
		{"query", "?return_to=/bye%3Fa=b", "", "/bye?a=b"},
		{"fragment", "?return_to=/%23/bye", "", "/#/bye"},
		{"form", "", "return_to=/bye%3Fa=b", "/bye?a=b"},
		{"form before query", "?return_to=/query", "return_to=/form", "/form"},
		{"return host", "?return_to=https://shop.example.com/", "", "https://shop.example.com/"},
		{"other host in the query", "?return_to=//evil.example", "", "/"},
		{"other host in the form", "", "return_to=https://evil.example/", "/"},
		{"malformed form", "", "return_to=%zz", "/"},
		{"form too long", "", "return_to=/a&x=" + strings.Repeat("x", 1<<20), "/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := s.browser()
			s.signIn(b)
			a := s.do(b, http.MethodPost, "/_wx/logout"+tt.query, strings.NewReader(tt.form), asForm)
			if want := withFragment(tt.want); a.StatusCode != http.StatusSeeOther || a.location() != want {
				t.Errorf("status %d to %q, want 303 to %q", a.StatusCode, a.location(), want)
			}
			if me := s.me(b); me != (meAnswer{}) {
				t.Errorf("/me = %+v, want nobody", me)
			}
		})
	}
}

func TestLogoutCookie(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, func(c *testConfig) { c.CookieDomain = "example.com" })
	b := s.browser()
	s.signIn(b)
	a := s.do(b, http.MethodPost, "/_wx/logout", nil)
	cookies := a.cookies("")
	if len(cookies) != 1 {
		t.Fatalf("cookies = %d, want 1", len(cookies))
	}
	if c := cookies[0]; c.Name != "wxgate" || c.Value != "" || c.MaxAge >= 0 || c.Path != "/" || c.Domain != "example.com" || !c.HttpOnly || !c.Secure {
		t.Errorf("cookie = %q, want one that removes the session's", c)
	}
}

func TestLogoutWithoutASession(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	a := s.do(s.browser(), http.MethodPost, "/_wx/logout", nil)
	if a.StatusCode != http.StatusSeeOther || a.location() != "/#" {
		t.Errorf("status %d to %q, want 303 to /#", a.StatusCode, a.location())
	}
}

// Another site cannot sign a visitor out.
func TestLogoutCrossOrigin(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	for _, tt := range []struct {
		name    string
		headers map[string]string
		status  int
	}{
		{"same origin", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "SITE"}, 303},
		{"same origin, older browser", map[string]string{"Origin": "SITE"}, 303},
		{"typed by the visitor", map[string]string{"Sec-Fetch-Site": "none"}, 303},
		{"no browser", nil, 303},
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		{"another site that hides its origin", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 403},
		{"subdomain", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://sub.127.0.0.1"}, 403},
		{"another site, older browser", map[string]string{"Origin": "https://evil.example"}, 403},
		{"another port, older browser", map[string]string{"Origin": "http://127.0.0.1:1"}, 403},
		{"sandboxed frame, older browser", map[string]string{"Origin": "null"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := s.browser()
			s.signIn(b)
			a := s.do(b, http.MethodPost, "/_wx/logout", nil, func(r *http.Request) {
				for name, value := range tt.headers {
					r.Header.Set(name, strings.ReplaceAll(value, "SITE", s.url))
				}
			})
			if a.StatusCode != tt.status {
				t.Errorf("status = %d, want %d", a.StatusCode, tt.status)
			}
			kept := s.me(b).OpenID != ""
			if want := tt.status == 403; kept != want || want && len(a.cookies("")) != 0 {
				t.Errorf("session kept: %t with cookies %q, want %t", kept, a.Header["Set-Cookie"], want)
			}
			if tt.status == 403 {
				wantPage(t, a, 403, headingForbidden) // the visitor pressed a button of that site
			}
		})
	}
}

// A GET shows a page with a button and changes nothing.
func TestLogoutPage(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b := s.browser()
	s.signIn(b)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		a := s.do(b, method, "/_wx/logout?return_to=/bye%3Fa%3D%22b", nil)
		if a.StatusCode != 200 || len(a.cookies("")) != 0 || s.me(b).OpenID == "" {
			t.Errorf("%s = %d with cookies %q, want 200 and the session kept", method, a.StatusCode, a.Header["Set-Cookie"])
		}
	}
	a := s.get(b, "/_wx/logout?return_to=/bye%3Fa%3Db")
	wantPage(t, a, 200, headingSignOut)
	form := regexp.MustCompile(`<form[^>]* method="post" action="([^"]*)">\s*<input type="hidden" name="return_to" value="([^"]*)">`).FindStringSubmatch(a.body)
	if form == nil || form[1] != "/_wx/logout" || form[2] != "/bye?a=b" {
		t.Fatalf("form = %q, want one to /_wx/logout that leads to /bye?a=b", form)
	}
	a = s.do(b, http.MethodPost, form[1], strings.NewReader(url.Values{"return_to": {form[2]}}.Encode()), asForm)
	if a.StatusCode != 303 || a.location() != "/bye?a=b#" {
		t.Errorf("POST = %d to %q, want 303 to /bye?a=b#", a.StatusCode, a.location())
	}

	a = s.get(b, "/_wx/logout?return_to=/a")
	wantPage(t, a, 200, headingSignedOut)
	if got, want := button(t, a.body), s.url+"/_wx/login?return_to=%2Fa"; got != want {
		t.Errorf("button leads to %q, want %q", got, want)
	}
	if evil := s.get(b, "/_wx/logout?return_to=//evil.example"); strings.Contains(evil.body, "evil.example") {
		t.Error("the page names the host of another site")
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		if a := s.do(b, method, "/_wx/logout", nil); a.StatusCode != 405 {
			t.Errorf("%s = %d, want 405", method, a.StatusCode)
		}
	}
}

// A proxy in front that changes the Host header does not make an older browser's
// sign-out one of another origin.
func TestLogoutBehindAnotherHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for origin, want := range map[string]int{rigOrigin: 303, "https://evil.example": 403} {
		if a := r.at(t, "wxgate:8080", "POST", "/_wx/logout", "Origin", origin); a.StatusCode != want {
			t.Errorf("Origin %s: answer %d, want %d", origin, a.StatusCode, want)
		}
	}
}

// The site's own host by plain http is another origin, where anybody on the way can
// write the page.
func TestPlainHTTPPageIsAnotherOrigin(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, path := range []string{"/_wx/logout", "/_wx/session"} {
		for _, origin := range []string{"http://" + rigHost, "http://" + rigHost + ":443"} {
			host := strings.TrimPrefix(origin, "http://")
			if a := r.at(t, host, "POST", path, "Origin", origin); a.StatusCode != 403 {
				t.Errorf("%s from %s: answer %d, want 403", path, origin, a.StatusCode)
			}
		}
	}
}
