package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// The relay, the admin API and the gateway share one access token.
func TestServeSharesTheAccountsToken(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	p := start(t, environment(newUpstream(t, hello), "WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_ADMIN_TOKEN=planted-bearer-token",
		"WXGATE_RELAY_LISTEN=127.0.0.1:0", "WXGATE_RELAY_PATHS=GET /cgi-bin/user/info, /cgi-bin/user/info/batchget", "WXGATE_REQUIRE_FOLLOW=true", "WXGATE_JSSDK=true"))
	relay, admin := "http://"+p.listening("relay"), "http://"+p.listening("admin")

	openID := wx.OpenID(wechattest.StockAppID, wechattest.StockVisitors()[0].ID)
	if status, body := get(t, relay+"/cgi-bin/user/info?openid="+openID); status != 200 || !strings.Contains(body, openID) {
		t.Errorf("relayed user/info = %d %s", status, body)
	}
	if status, body := get(t, relay+"/cgi-bin/menu/delete"); status != 403 || !strings.Contains(body, `"error":"not_allowed"`) {
		t.Errorf("relayed menu/delete = %d %s, want 403", status, body)
	}
	if status, _ := get(t, admin+"/v1/access_token"); status != 401 {
		t.Errorf("the token without a bearer: %d, want 401", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", admin+"/v1/access_token", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer planted-bearer-token")
	res, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil || res.StatusCode != 200 {
		t.Fatalf("the token = %d, %v", res.StatusCode, err)
	}
	if got := wx.Requests()[1].Query.Get("access_token"); got != token.AccessToken {
		t.Error("the relay and the admin API have different tokens")
	}
	if n := wx.Calls("/cgi-bin/stable_token"); n != 1 {
		t.Errorf("the token is fetched %d times, want once", n)
	}
	if _, body := get(t, admin+"/metrics"); !containsAll(body, []string{
		`wxgate_relay_requests_total{code="200",outcome="proxied"} 1`, `wxgate_wechat_requests_total{api="cgi-bin/stable_token",result="ok"} 1`,
	}) {
		t.Errorf("metrics:\n%s", body)
	}
	p.line(`"server":"relay"`, `"message":"request"`, `"status":403`)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 || listens(strings.TrimPrefix(relay, "http://")) {
		t.Errorf("exit code %d after SIGTERM, want 0 and no listener", code)
	}
	for _, secret := range []string{"planted", token.AccessToken, openID, wechattest.StockAppSecret} {
		if strings.Contains(p.stdout.String()+p.stderr.String(), secret) {
			t.Errorf("%q stands in the log", secret)
		}
	}
}

// In legacy mode the only token fetched is that of cgi-bin/token.
func TestServeLegacyToken(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	p := start(t, environment(newUpstream(t, hello), "WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_TOKEN_MODE=legacy",
		"WXGATE_RELAY_LISTEN=127.0.0.1:0", "WXGATE_RELAY_PATHS=POST /cgi-bin/user/info/batchget"))
	openID := wx.OpenID(wechattest.StockAppID, wechattest.StockVisitors()[0].ID)
	res, err := newClient(t).Post("http://"+p.listening("relay")+"/cgi-bin/user/info/batchget", "application/json", strings.NewReader(`{"user_list":[{"openid":"`+openID+`"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(body), openID) {
		t.Errorf("batchget = %s, %v", body, err)
	}
	if wx.Calls("/cgi-bin/token") != 1 || wx.Calls("/cgi-bin/stable_token") != 0 {
		t.Errorf("cgi-bin/token is asked %d times and stable_token %d times, want once and never", wx.Calls("/cgi-bin/token"), wx.Calls("/cgi-bin/stable_token"))
	}
}

// The relay answers to the names that it is given.
func TestServeRelayHosts(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	p := start(t, environment(newUpstream(t, hello), "WXGATE_WECHAT_API_URL="+wx.URL,
		"WXGATE_RELAY_LISTEN=127.0.0.1:0", "WXGATE_RELAY_PATHS=GET /cgi-bin/user/get", "WXGATE_RELAY_HOSTS=wxgate.example.com"))
	address := "http://" + p.listening("relay") + "/cgi-bin/user/get"
	for host, want := range map[string]int{"": 200, "wxgate.example.com:8082": 200, "evil.example": 421} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := newClient(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("GET with the host %q = %d, want %d", host, res.StatusCode, want)
		}
	}
}

// Each variable turns on what it is for.
func TestServePassesSettingsOn(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	pages := t.TempDir()
	if err := os.WriteFile(filepath.Join(pages, "signed-out.html"), []byte(`{{define "title"}}out{{end}}{{define "text"}}<p>planted page{{end}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		changes []string
		path    string
		status  int
		want    string // part of Location or body
	}{
		{"none", nil, "/", 302, "/connect/oauth2/authorize?appid=" + wechattest.StockAppID},
		{"no jssdk", nil, "/_wx/jssdk?url=http%3A%2F%2Fh5.example.com%2F", 404, ""},
		{"jssdk", []string{"WXGATE_JSSDK=true"}, "/_wx/jssdk?url=http%3A%2F%2Fh5.example.com%2F", 200, `"signature":"`},
		{"fragment", []string{"WXGATE_KEEP_FRAGMENT=true"}, "/", 200, "<script"},
		{"scan login", []string{"WXGATE_OUTSIDE_WECHAT=qrconnect", "WXGATE_QR_APP_ID=" + wechattest.StockWebsiteAppID, "WXGATE_QR_APP_SECRET=" + wechattest.StockWebsiteAppSecret},
			"/", 302, "/connect/qrconnect?appid=" + wechattest.StockWebsiteAppID},
		{"website application kept ready", []string{"WXGATE_QR_APP_ID=" + wechattest.StockWebsiteAppID, "WXGATE_QR_APP_SECRET=" + wechattest.StockWebsiteAppSecret},
			"/", 302, "/connect/oauth2/authorize?appid=" + wechattest.StockAppID},
		{"own page", []string{"WXGATE_PAGES_DIR=" + pages}, "/_wx/logout", 200, "planted page"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, environment(newUpstream(t, hello), append(test.changes, "WXGATE_PUBLIC_PATHS=", "WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_WECHAT_OPEN_URL="+wx.URL)...))
			r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+p.listening("gateway")+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
			r.Header.Set("Accept", "text/html")
			res, err := newClient(t).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Header.Get("Location") + "\n" + string(body); res.StatusCode != test.status || !strings.Contains(got, test.want) {
				t.Errorf("GET %s = %d %s, want %d with %q", test.path, res.StatusCode, got, test.status, test.want)
			}
		})
	}
}

// The variables decide who may enter: everybody, followers, or visitors by a list.
func TestServeAdmission(t *testing.T) {
	t.Parallel()
	const follower, stranger = "lihua", "tom"
	for _, test := range []struct {
		name    string
		changes func(list string) []string
		listed  string // the visitor in the list
		status  map[string]int
		page    string // part of a refusal's page
	}{
		{"everybody", func(string) []string { return nil }, "", map[string]int{follower: 200, stranger: 200}, ""},
		{"followers", func(string) []string {
			return []string{"WXGATE_REQUIRE_FOLLOW=true", "WXGATE_FOLLOW_QR_URL=/static/planted.png"}
		}, "", map[string]int{follower: 200, stranger: 403}, "/static/planted.png"},
		{"allowed", func(list string) []string { return []string{"WXGATE_ALLOW_OPENIDS_FILE=" + list} }, stranger, map[string]int{follower: 403, stranger: 200}, ""},
		{"denied", func(list string) []string { return []string{"WXGATE_DENY_OPENIDS_FILE=" + list} }, stranger, map[string]int{follower: 200, stranger: 403}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wx := wechattest.NewServer()
			t.Cleanup(wx.Close)
			list := filepath.Join(t.TempDir(), "openids")
			if err := os.WriteFile(list, []byte(wx.OpenID(wechattest.StockAppID, test.listed)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			address := freeAddress(t)
			start(t, environment(newUpstream(t, hello), append(test.changes(list), "WXGATE_PUBLIC_PATHS=", "WXGATE_LISTEN="+address,
				"WXGATE_PUBLIC_URL=http://"+address, "WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_WECHAT_OPEN_URL="+wx.URL)...)).listening("gateway")
			for visitor, want := range test.status {
				page, err := (&wechattest.Browser{Visitor: visitor}).Open(t.Context(), "http://"+address+"/")
				if err != nil {
					t.Fatal(err)
				}
				if page.Status != want || page.Status == 403 && !strings.Contains(page.Body, test.page) {
					t.Errorf("%s gets %d %s, want %d with %q", visitor, page.Status, page.Body, want, test.page)
				}
			}
		})
	}
}
