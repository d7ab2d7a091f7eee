package relay_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/relay"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// New names the field that is wrong, and never panics.
func TestNewChecksFields(t *testing.T) {
	t.Parallel()
	taken := prometheus.NewRegistry()
	if _, err := relay.New(validConfig(func(c *relay.Config) { c.Metrics = taken })); err != nil {
		t.Fatal(err)
	}
	apiURL := func(url string) func(*relay.Config) { return func(c *relay.Config) { c.APIURL = url } }
	paths := func(patterns ...string) func(*relay.Config) {
		return func(c *relay.Config) { c.Paths = patterns }
	}
	hosts := func(list ...string) func(*relay.Config) { return func(c *relay.Config) { c.Hosts = list } }
	for _, tt := range []struct {
		name   string
		change func(*relay.Config)
		err    string // its beginning; empty: none
	}{
		{"required fields alone", func(*relay.Config) {}, ""},
		{"zero value", func(c *relay.Config) { *c = relay.Config{} }, "relay: Tokens: "},
		{"no tokens", func(c *relay.Config) { c.Tokens = nil }, "relay: Tokens: "},
		{"no client", func(c *relay.Config) { c.Tokens = &wechat.TokenSource{} }, "relay: Tokens: "},
		{"no paths", paths(), "relay: Paths: required"},
		{"empty list", func(c *relay.Config) { c.Paths = []string{} }, "relay: Paths: required"},
		{"empty path", paths(""), "relay: Paths: "},
		{"path without a slash", paths("cgi-bin/tags/get"), "relay: Paths: "},
		{"open brace", paths("/{"), "relay: Paths: "},
		{"path with a host", paths("api.weixin.qq.com/cgi-bin/"), "relay: Paths: "},
		{"overlapping paths", paths("/{a}/b", "/a/{b}", "/a/b", "/a/b", "POST /"), ""},
		{"path with a star", paths("/cgi-bin/*"), `relay: Paths: pattern "/cgi-bin/*": a * matches`},
		{"second path", paths("/ok", "bad"), `relay: Paths: pattern "bad"`},
		{"hosts", hosts("wxgate.example.com", "RELAY.example.com:8082", "[::1]:80"), ""},
		{"empty host", hosts(""), "relay: Hosts: "},
		{"host that is an address", hosts("http://wxgate.example.com"), "relay: Hosts: "},
		{"host with a wildcard", hosts("*.example.com"), "relay: Hosts: "},
		{"host with a path", hosts("wxgate.example.com/x"), "relay: Hosts: "},
		{"second host", hosts("ok", "a b"), `relay: Hosts: host "a b": `},
		{"API by http", apiURL("http://127.0.0.1:8081"), ""},
		{"API below a path", apiURL("https://proxy.example/wechat"), ""},
		{"API with a slash at its end", apiURL("https://proxy.example/wechat/"), ""},
		{"API without a scheme", apiURL("api.weixin.qq.com"), "relay: APIURL: "},
		{"API of another scheme", apiURL("ftp://api.weixin.qq.com"), "relay: APIURL: "},
		{"API without a host", apiURL("https://"), "relay: APIURL: "},
		{"API with a port alone", apiURL("https://:443"), "relay: APIURL: "},
		{"API with a wrong port", apiURL("https://api.weixin.qq.com:443x"), "relay: APIURL: "},
		{"API with a password", apiURL("https://u:planted@api.weixin.qq.com"), "relay: APIURL: "},
		{"API with a query", apiURL("https://api.weixin.qq.com?a=1"), "relay: APIURL: "},
		{"API with a fragment", apiURL("https://api.weixin.qq.com/#a"), "relay: APIURL: "},
		{"API with half an escape", apiURL("https://api.weixin.qq.com/%2"), "relay: APIURL: "},
		{"negative timeout", func(c *relay.Config) { c.Timeout = -1 }, "relay: Timeout: -1ns: "},
		{"long timeout", func(c *relay.Config) { c.Timeout = 1<<63 - 1 }, ""},
		{"registry with these metrics", func(c *relay.Config) { c.Metrics = taken }, "relay: Metrics: "},
	} {
		l, err := relay.New(validConfig(tt.change))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if (got == "") != (tt.err == "") || !strings.HasPrefix(got, tt.err) || strings.Contains(got, "planted") {
			t.Errorf("%s: New = %q, want %q", tt.name, got, tt.err)
		}
		if (l == nil) != (err != nil) {
			t.Errorf("%s: New = %v, %v, want one of both", tt.name, l, err)
		}
	}
}

// validConfig returns a configuration with the required fields, changed by change.
func validConfig(change func(*relay.Config)) relay.Config {
	c := relay.Config{Tokens: &wechat.TokenSource{Client: &wechat.Client{}}, Paths: []string{"/cgi-bin/tags/"}}
	change(&c)
	return c
}

// A path in APIURL precedes the path of the call.
func TestAPIURLWithPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/", "/wechat", "/wechat/", "/we%20chat"} {
		seen := make(chan string, 1)
		api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			seen <- r.URL.EscapedPath()
		}))
		defer api.Close()
		wx := wechattest.NewServer()
		defer wx.Close()
		l, err := relay.New(relay.Config{
			Tokens: &wechat.TokenSource{Client: &wechat.Client{
				AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, APIURL: wx.URL,
			}},
			Paths: []string{"/cgi-bin/tags/get"}, APIURL: api.URL + path, Timeout: 10 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://relay/cgi-bin/tags/get", nil))
		want := strings.TrimSuffix(path, "/") + "/cgi-bin/tags/get"
		if w.Code != 200 {
			t.Errorf("APIURL with %q: %d %s, want 200", path, w.Code, w.Body)
		} else if got := <-seen; got != want {
			t.Errorf("APIURL with %q: WeChat sees %q, want %q", path, got, want)
		}
	}
}
