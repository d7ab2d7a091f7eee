package gateway_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const ticketPath = "/cgi-bin/ticket/getticket"

func withTickets(c *testConfig) {
	c.Tickets = &wechat.TicketSource{Tokens: &wechat.TokenSource{Client: c.Account}}
}

// notOwnPages are addresses that are not pages of https://h5.example.com.
var notOwnPages = []string{
	"/", "/guest", "guest", "?a=b", "#", "//h5.example.com/", "https:", "https://", "https:///", "https:h5.example.com/",
	"https:/h5.example.com/", `https:\\h5.example.com\`,
	"http://h5.example.com/", "ws://h5.example.com/", "javascript:alert(1)", "data:text/html,x", "blob:https://h5.example.com/x",
	"view-source:https://h5.example.com/",
	"https://evil.example/", "https://evil.example/https://h5.example.com/", "https://evil.example?https://h5.example.com/", "https://m.example.com/",
	"https://h5.example.com.evil.example/", "https://h5.example.comevil.example/", "https://xh5.example.com/", "https://h5.example.com./",
	"https://sub.h5.example.com/",
	"https://h5.example.com:443/", "https://h5.example.com:8443/", "https://h5.example.com:/", "https://h5.example.com@evil.example/",
	"https://user@h5.example.com/", "https://user:pass@h5.example.com/", "https://@h5.example.com/",
	`https://h5.example.com\.evil.example/`, `https://h5.example.com\@evil.example/`, "https://h5.example.com%2f.evil.example/",
	"https://h5.example.com%00/", "https://h5.example.com;/", "https://h5.example.com,evil.example/",
	"HTTPS://h5.example.com/", "https://H5.EXAMPLE.COM/", " https://h5.example.com/", "https://h5.example.com/ ", "https://h5.example.com/a b",
	"https://h5.example.com/a\nb", "https://h5.example.com/a\r\nb", "https://h5.example.com/a\tb", "https://h5.example.com/\x00",
	"https://h5.example.com/\x7f", "https://h5.example.com/\u0085", "https://h5.example.com/\xff", "\ufeffhttps://h5.example.com/",
}

// signed fetches the signature of a page.
func (s *loginSite) signed(b *wechattest.Browser, page string) (*answer, wechattest.JSConfig) {
	s.t.Helper()
	a := s.get(b, "/_wx/jssdk?url="+url.QueryEscape(page), asScript)
	var c struct {
		AppID     string      `json:"appId"`
		Timestamp json.Number `json:"timestamp"`
		NonceStr  string      `json:"nonceStr"`
		Signature string      `json:"signature"`
	}
	if a.StatusCode == 200 {
		if err := json.Unmarshal([]byte(a.body), &c); err != nil {
			s.t.Fatalf("/jssdk: %v in %q", err, a.body)
		}
	}
	return a, wechattest.JSConfig{AppID: c.AppID, Timestamp: string(c.Timestamp), NonceStr: c.NonceStr, Signature: c.Signature, URL: page}
}

// The signature is valid for the page's address and for no other.
func TestJSSDK(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, withTickets)
	b := s.browser() // without a session
	for _, page := range []string{
		"", "/", "?params=value", "/shop", "/shop?a=1+2&b=%2F&b=%2f&c=a%20b&&d", "/shop?from=singlemessage&isappinstalled=0", "/?code=x&state=y",
		"/shop#/route", "/?#", "#/route?x=1", "/?q=%E5%95%86", "/%zz", `/?q="<>'`, "//evil.example/", "/商店?q=商", "/" + strings.Repeat("a", 4000),
	} {
		a, config := s.signed(b, s.url+page)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("/jssdk of %q = %d %s, want 200 and JSON", page, a.StatusCode, a.Header.Get("Content-Type"))
			continue
		}
		if page == "/%zz" { // the emulator does not parse such an address
			continue
		}
		if got := s.wx.CheckConfig(config); got != "config:ok" {
			t.Errorf("%q: %s, want config:ok", page, got)
		}
		config.URL += "x"
		if got := s.wx.CheckConfig(config); !strings.Contains(page, "#") && got == "config:ok" {
			t.Errorf("%q: the signature is valid for %q too", page, config.URL)
		}
	}
	if got := s.wx.Calls(ticketPath); got != 1 {
		t.Errorf("calls of %s = %d, want 1", ticketPath, got)
	}
	a := s.get(b, "/_wx/jssdk?url="+url.QueryEscape(s.url+"/")) // JSON to a page load too
	var fields map[string]any
	if err := json.Unmarshal([]byte(a.body), &fields); err != nil || len(fields) != 4 || len(a.cookies("")) != 0 {
		t.Errorf("answer %q with cookies %q, want four fields and none", a.body, a.Header["Set-Cookie"])
	}
}

// The site, page and ticket are those of WeChat's published example, whose nonce
// and time the gateway chooses anew.
func TestJSSDKPublishedExample(t *testing.T) {
	t.Parallel()
	const ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
	wx := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"errcode":0,"errmsg":"ok","access_token":"token","ticket":%q,"expires_in":7200}`, ticket)
	}))
	t.Cleanup(wx.Close)
	r := newRig(t, nil, func(c *testConfig) {
		c.PublicURL, c.Account.APIURL = "http://mp.weixin.qq.com", wx.URL
		withTickets(c)
	})
	const page = "http://mp.weixin.qq.com?params=value"
	var c wechat.JSConfig
	if err := json.Unmarshal([]byte(r.do(t, "GET", "/_wx/jssdk?url="+page).body), &c); err != nil {
		t.Fatal(err)
	}
	sign := func(nonce string, timestamp int64) string {
		sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, nonce, timestamp, page))
		return hex.EncodeToString(sum[:])
	}
	if got, want := sign("Wm3WZYTPz0wzccnW", 1414587457), "0f9de62fce790f9a083d5c99e95740ceb90c27ed"; got != want {
		t.Fatalf("the test's own signature = %s, want the published %s", got, want)
	}
	if want := sign(c.NonceStr, c.Timestamp); c.Signature != want || c.AppID != rigAppID {
		t.Errorf("signature = %s for %s, want %s for %s", c.Signature, c.AppID, want, rigAppID)
	}
}

func TestJSSDKRefused(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, func(c *testConfig) {
		withTickets(c)
		c.ReturnHosts = []string{"m.example.com"}
	})
	queries := []string{
		"", "?", "?url", "?url=", "?URL=https://h5.example.com/", "?url=%zz", "?url=https://h5.example.com/;x",
		"?url=https://h5.example.com/&url=https://h5.example.com/", "?url=https://h5.example.com/&url=https://evil.example/",
	}
	for _, page := range notOwnPages {
		queries = append(queries, "?url="+url.QueryEscape(page))
	}
	for _, query := range queries {
		a := s.get(s.browser(), "/_wx/jssdk"+query)
		if wantRefusal(t, a, 400, "invalid_request"); t.Failed() {
			t.Fatalf("the query was %q", query)
		}
	}
	if got := s.wx.Calls(ticketPath); got != 0 {
		t.Errorf("calls of %s = %d, want 0", ticketPath, got)
	}
	if a := s.do(s.browser(), http.MethodPost, "/_wx/jssdk?url=https://h5.example.com/", nil); a.StatusCode != 405 {
		t.Errorf("POST = %d, want 405", a.StatusCode)
	}
}

func TestJSSDKOff(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, nil)
	wantRefusal(t, s.get(s.browser(), "/_wx/jssdk?url=https://h5.example.com/", asScript), 404, "not_found")
	wantRefusal(t, s.get(s.browser(), "/_wx/jssdk", asScript), 404, "not_found")
}

func TestJSSDKFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fault  wechattest.Fault
		status int
		word   string
		level  string
	}{
		{"reset", wechattest.Fault{Mode: wechattest.FaultResetBefore}, 503, "wechat_unavailable", "warn"},
		{"500", wechattest.Fault{Mode: wechattest.FaultStatus, Status: 500}, 503, "wechat_unavailable", "warn"},
		{"HTML", wechattest.Fault{Mode: wechattest.FaultHTML}, 503, "wechat_unavailable", "warn"},
		{"-1", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: -1}, 503, "wechat_unavailable", "warn"},
		{"day quota", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 45009}, 503, "wechat_unavailable", "warn"},
		{"not allowed", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 48001}, 502, "wechat_error", "error"},
		{"account barred", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 50004}, 502, "wechat_error", "error"},
		{"code of a visitor", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 40029}, 502, "wechat_error", "error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLoginSite(t, withTickets)
			tt.fault.Path, tt.fault.Times = ticketPath, -1
			s.wx.Fault(tt.fault)
			a, _ := s.signed(s.browser(), s.url+"/")
			wantRefusal(t, a, tt.status, tt.word)
			if got, want := a.Header.Get("Retry-After") != "", tt.status == 503; got != want {
				t.Errorf("Retry-After = %q with status %d", a.Header.Get("Retry-After"), tt.status)
			}
			if lines := s.log.level(tt.level); len(lines) != 1 {
				t.Errorf("lines of level %s: %q, want one", tt.level, lines)
			}
		})
	}
}

// Requests at once fetch one ticket, which is used during an outage too.
func TestJSSDKTogether(t *testing.T) {
	t.Parallel()
	s := newLoginSite(t, withTickets)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if a, config := s.signed(s.browser(), s.url+"/"); a.StatusCode != 200 || s.wx.CheckConfig(config) != "config:ok" {
				t.Errorf("answer %d %q, want a good signature", a.StatusCode, a.body)
			}
		})
	}
	all.Wait()
	s.wx.Fault(wechattest.Fault{Mode: wechattest.FaultResetBefore, Times: -1})
	if a, _ := s.signed(s.browser(), s.url+"/"); a.StatusCode != 200 {
		t.Errorf("with WeChat away: %d, want 200", a.StatusCode)
	}
	if got := s.wx.Calls(ticketPath); got != 1 {
		t.Errorf("calls of %s = %d, want 1", ticketPath, got)
	}
}

// A client that leaves while the ticket is fetched gets no answer, and is logged
// as such.
func TestJSSDKAbandoned(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	s := newLoginMemorySite(t, func(c *testConfig) {
		c.Account.Transport = transportFunc(func(*http.Request) (*http.Response, error) {
			leave()
			return nil, errors.New("no answer")
		})
		withTickets(c)
	})
	a := s.get(s.browser(), "/_wx/jssdk?url="+url.QueryEscape(s.url+"/"), func(r *http.Request) { *r = *r.WithContext(ctx) })
	if a.body != "" || !strings.Contains(s.log.String(), `"path":"/_wx/jssdk","status":499`) || len(s.log.level("warn")) != 0 {
		t.Errorf("answer %q, log %s, want no answer, status 499 and no warning", a.body, s.log)
	}
}
