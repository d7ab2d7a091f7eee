package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A body without a code and state of this browser is refused without a call of
// WeChat, and the pending login stays.
func TestPageSessionRefused(t *testing.T) {
	t.Parallel()
	const (
		asJSON = "application/json"
		asForm = "application/x-www-form-urlencoded"
	)
	unknown := strings.Repeat("0", 32)
	for _, tt := range []struct {
		name        string
		contentType string
		body        string // CODE and STATE stand for this login's
		status      int
		word        string
	}{
		{"state unknown", asJSON, `{"code":"CODE","state":"` + unknown + `"}`, 400, "invalid_state"},
		{"state short", asJSON, `{"code":"CODE","state":"0"}`, 400, "invalid_state"},
		{"state lengthened", asJSON, `{"code":"CODE","state":"STATEhttps"}`, 400, "invalid_state"},
		{"state unknown in a form", asForm, "code=CODE&state=" + unknown, 400, "invalid_state"},
		{"state missing", asJSON, `{"code":"CODE"}`, 400, "invalid_request"},
		{"state empty", asJSON, `{"code":"CODE","state":""}`, 400, "invalid_request"},
		{"state missing in a form", asForm, "code=CODE", 400, "invalid_request"},
		{"state twice in a form", asForm, "code=CODE&state=STATE&state=STATE", 400, "invalid_request"},
		{"code missing", asJSON, `{"state":"STATE"}`, 400, "invalid_request"},
		{"code empty", asJSON, `{"code":"","state":"STATE"}`, 400, "invalid_request"},
		{"code null", asJSON, `{"code":null,"state":"STATE"}`, 400, "invalid_request"},
		{"code a number", asJSON, `{"code":1,"state":"STATE"}`, 400, "invalid_request"},
		{"code a list", asJSON, `{"code":["CODE"],"state":"STATE"}`, 400, "invalid_request"},
		{"code missing in a form", asForm, "state=STATE", 400, "invalid_request"},
		{"code twice in a form", asForm, "code=CODE&code=x&state=STATE", 400, "invalid_request"},
		{"empty body", asJSON, "", 400, "invalid_request"},
		{"null", asJSON, "null", 400, "invalid_request"},
		{"a list", asJSON, `[{"code":"CODE","state":"STATE"}]`, 400, "invalid_request"},
		{"not JSON", asJSON, `{"code":"CODE","state":"STATE"`, 400, "invalid_request"},
		{"more than JSON", asJSON, `{"code":"CODE","state":"STATE"}{}`, 400, "invalid_request"},
		{"a form with the type of JSON", asJSON, "code=CODE&state=STATE", 400, "invalid_request"},
		{"JSON with the type of a form", asForm, `{"code":"CODE","state":"STATE"}`, 400, "invalid_request"},
		{"malformed form", asForm, "code=CODE&state=STATE&x=%zz", 400, "invalid_request"},
		{"no type", "", `{"code":"CODE","state":"STATE"}`, 400, "invalid_request"},
		{"text", "text/plain", `{"code":"CODE","state":"STATE"}`, 400, "invalid_request"},
		{"malformed type", "application/json; =", `{"code":"CODE","state":"STATE"}`, 400, "invalid_request"},
		{"another JSON type", "application/ld+json", `{"code":"CODE","state":"STATE"}`, 400, "invalid_request"},
		{"multipart", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\nCODE\r\n--x--\r\n", 400, "invalid_request"},
		{"huge JSON", asJSON, `{"code":"CODE","state":"STATE","x":"` + strings.Repeat("x", 16<<10) + `"}`, 400, "invalid_request"},
		{"huge form", asForm, "code=CODE&state=STATE&x=" + strings.Repeat("x", 16<<10), 400, "invalid_request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, nil)
			b := s.browser()
			code, state := s.pageCode(b, "/guest")
			a := s.post(b, tt.contentType, strings.NewReplacer("CODE", code, "STATE", state).Replace(tt.body))
			wantRefusal(t, a, tt.status, tt.word)
			if len(a.cookies("")) != 0 {
				t.Errorf("Set-Cookie = %q, want none", a.Header["Set-Cookie"])
			}
			if lines := s.log.level("debug"); len(lines) != 0 {
				t.Errorf("log %q, want no error, which could quote the code", lines)
			}
			if got, want := s.loginCount("invalid_state") == 1, tt.word == "invalid_state"; got != want {
				t.Errorf("counted as an invalid state: %t, want %t", got, want)
			}
			s.wantExchanges(0)
			s.wantVisitor(s.postCode(b, code, state), b, s.openID("lihua"))
			s.wantExchanges(1)
		})
	}
}

// Another browser cannot use the code and state of this one, and another site
// cannot post any.
func TestPageSessionOfOthers(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, nil)
	b, victim := s.browser(), s.browser()
	code, state := s.pageCode(b, "/guest")
	s.pageCode(victim, "/guest")
	wantRefusal(t, s.postCode(victim, code, state), 400, "invalid_state")
	wantRefusal(t, s.postCode(s.browser(), code, state), 400, "invalid_state")
	s.signIn(victim)
	s.wx.ClearRequests()
	wantRefusal(t, s.postCode(victim, code, state), 400, "invalid_state")

	for _, origin := range []string{"https://evil.example", "null", s.url + "0"} {
		a := s.postCode(b, code, state, func(r *http.Request) { r.Header.Set("Origin", origin) })
		wantRefusal(t, a, 403, "not_allowed")
	}
	for _, site := range []string{"cross-site", "same-site"} {
		a := s.postCode(b, code, state, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) })
		wantRefusal(t, a, 403, "not_allowed")
	}
	// A code in the address does not count.
	a := s.do(b, http.MethodPost, "/_wx/session?code="+code+"&state="+state, strings.NewReader("x=y"), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
	wantRefusal(t, a, 400, "invalid_request")
	a = s.do(b, http.MethodGet, "/_wx/session?code="+code+"&state="+state, nil)
	if a.StatusCode != 405 || a.Header.Get("Allow") != "POST" {
		t.Errorf("GET = %d, Allow %q, want 405 and POST", a.StatusCode, a.Header.Get("Allow"))
	}
	s.wantExchanges(0)
	a = s.postCode(b, code, state, func(r *http.Request) {
		r.Header.Set("Origin", s.url)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	})
	s.wantVisitor(a, b, s.openID("lihua"))
}

// Each failure of the exchange has its error word, and the code is sent once.
func TestPageSessionFaults(t *testing.T) {
	t.Parallel()
	type fault struct {
		name   string
		fault  wechattest.Fault
		status int
		word   string
	}
	var faults []fault
	for code, want := range map[int]fault{
		40029: {status: 400, word: "invalid_code"}, 40163: {status: 400, word: "invalid_code"},
		41008: {status: 400, word: "invalid_code"}, 42003: {status: 400, word: "invalid_code"},
		40125: {status: 502, word: "wechat_error"}, 40164: {status: 502, word: "wechat_error"},
		48001: {status: 502, word: "wechat_error"}, 99999: {status: 502, word: "wechat_error"},
		50002: {status: 403, word: "not_allowed"},
	} {
		faults = append(faults, fault{fmt.Sprint(code), wechattest.Fault{Mode: wechattest.FaultErrcode, Code: code}, want.status, want.word})
	}
	for _, away := range awayFaults {
		faults = append(faults, fault{away.name, away.fault, 503, "wechat_unavailable"})
	}
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, func(c *testConfig) {
				if f := tt.fault; f.Mode == wechattest.FaultHang || f.Delay > 0 {
					c.Account.Timeout = time.Second
				}
			})
			b := s.browser()
			s.signIn(b) // an older session does not hide a failure
			s.wx.ClearRequests()
			code, state := s.pageCode(b, "/guest")
			u, err := url.Parse(s.url)
			if err != nil {
				t.Fatal(err)
			}
			unanswered := s.copyOf(b)
			tt.fault.Path = exchangePath
			s.wx.Fault(tt.fault)
			a := s.postCode(b, code, state)
			wantRefusal(t, a, tt.status, tt.word)
			if got, want := a.Header.Get("Retry-After") != "", tt.status == 503; got != want {
				t.Errorf("Retry-After = %q with status %d", a.Header.Get("Retry-After"), tt.status)
			}
			if strings.Contains(a.body, code) || strings.Contains(a.body, state) || strings.Contains(a.body, "errcode") {
				t.Errorf("answer %q holds the code, the state or WeChat's answer", a.body)
			}
			wantRefusal(t, s.postCode(unanswered, code, state), tt.status, tt.word)
			// Without the earlier session, which may be of the same second.
			alone := s.browser()
			for _, c := range b.Jar.Cookies(u) {
				if c.Name != "wxgate" {
					alone.Jar.SetCookies(u, []*http.Cookie{c})
				}
			}
			wantRefusal(t, s.postCode(alone, code, state), 400, "invalid_state")
			s.wantExchanges(1)
		})
	}
}

// A failed login of a visitor who is signed in is not answered with the earlier
// session.
func TestPageSessionOlder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, nil)
		b := s.browser()
		s.signIn(b)
		time.Sleep(2 * time.Second)
		code, state := s.pageCode(b, "/guest")
		s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: 40029})
		wantRefusal(t, s.postCode(b, code, state), 400, "invalid_code")
		wantRefusal(t, s.postCode(b, code, state), 400, "invalid_state")
		if got, want := s.me(b).OpenID, s.openID("lihua"); got != want {
			t.Errorf("/me = %q, want the earlier session: %q", got, want)
		}
	})
}

func TestPageSessionSnapshotDenied(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, func(c *testConfig) { c.DenySnapshotUsers = true })
	b := s.browser()
	b.Visitor = "snapshot"
	code, state := s.pageCode(b, "/guest")
	a := s.postCode(b, code, state)
	wantRefusal(t, a, 403, "not_allowed")
	for _, c := range a.cookies("wxgate") {
		if c.Name == "wxgate" {
			t.Errorf("Set-Cookie = %q, want no session", a.Header["Set-Cookie"])
		}
	}
	if me := s.me(b); me != (meAnswer{}) {
		t.Errorf("/me = %+v, want nobody", me)
	}
}

// A visitor who may not enter gets the reason.
func TestPageSessionNotAdmitted(t *testing.T) {
	t.Parallel()
	wx, err := wechattest.New(wechattest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	denied := openIDList(t, wx.OpenID(wechattest.StockAppID, "tom")+"\n")
	for _, tt := range []struct {
		name   string
		change func(*testConfig)
		word   string
	}{
		{"not following", func(c *testConfig) {
			c.RequireFollow, c.Tokens = true, &wechat.TokenSource{Client: c.Account}
		}, "not_following"},
		{"on the deny list", func(c *testConfig) { c.DenyOpenIDsFile = denied }, "not_allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, tt.change)
			b := s.browser()
			b.Visitor = "tom"
			code, state := s.pageCode(b, "/guest")
			wantRefusal(t, s.postCode(b, code, state), 403, tt.word)
			if a := s.get(b, "/", asScript); a.Header.Get("From-Upstream") != "" {
				t.Error("the site was reached")
			}
			s.wantExchanges(1)
			lihua := s.browser()
			code, state = s.pageCode(lihua, "/guest")
			s.wantVisitor(s.postCode(lihua, code, state), lihua, s.openID("lihua"))
		})
	}
}

// /me and /session have the same times, to the second.
func TestPageSessionTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, nil)
		b := s.browser()
		time.Sleep(1234567 * time.Microsecond)
		code, state := s.pageCode(b, "/guest")
		a := s.postCode(b, code, state)
		s.wantVisitor(a, b, s.openID("lihua"))
		time.Sleep(13 * time.Hour) // due to be renewed
		if me := s.me(b); strings.ContainsAny(me.IssuedAt+me.ExpiresAt, ".") || me.IssuedAt == "" {
			t.Errorf("/me has the times %s and %s, want them to the second", me.IssuedAt, me.ExpiresAt)
		}
	})
}

// FuzzPageSession checks that any body is refused with a 400 and without a cookie
// if the browser has no pending login.
func FuzzPageSession(f *testing.F) {
	g, _ := newGateway(f, nil)
	for _, seed := range []struct{ contentType, body string }{
		{"application/json", `{"code":"c","state":"00000000000000000000000000000000"}`},
		{"application/x-www-form-urlencoded", "code=c&state=00000000000000000000000000000000"},
		{"application/json; charset=gbk", `{"Code":"c","STATE":"\ud800"}`},
		{"text/plain", "code=c"}, {"multipart/form-data; boundary=x", "--x--"}, {"", ""},
	} {
		f.Add(seed.contentType, seed.body)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rigOrigin+"/_wx/session", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.RequestURI, r.RemoteAddr = "/_wx/session", "192.0.2.1:1"
		r.Header["Content-Type"] = []string{contentType}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		var refused refusal
		if err := json.Unmarshal(w.Body.Bytes(), &refused); err != nil || w.Code != 400 ||
			refused.Error != "invalid_state" && refused.Error != "invalid_request" {
			t.Errorf("%q %q = %d %q, want 400 invalid_state or invalid_request", contentType, body, w.Code, w.Body.String())
		}
		if len(w.Header()["Set-Cookie"]) != 0 {
			t.Errorf("%q %q sets %q, want no cookie", contentType, body, w.Header()["Set-Cookie"])
		}
	})
}
