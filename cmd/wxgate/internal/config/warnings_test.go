package config_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// quiet returns an environment without warnings, followed by changes.
func quiet(changes ...string) []string {
	const key = "WXGATE_COOKIE_KEYS=Ga8B6mdz4YW00T7IwgX7GYEKBiAIKyLYRe4r4tqgn10="
	return environ(append([]string{key}, changes...)...)
}

// keyOf returns a key in base64.
func keyOf(key string) string { return base64.StdEncoding.EncodeToString([]byte(key)) }

// problems returns the variables and problems of warnings.
func problems(warnings []config.Warning) []string {
	var list []string
	for _, w := range warnings {
		list = append(list, w.Name+": "+w.Problem)
	}
	return list
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	const (
		text    = "WXGATE_COOKIE_KEYS: cookie key is text or a pattern"
		hub     = "WXGATE_HUB_KEY: hub key is text or a pattern"
		admin   = "WXGATE_ADMIN_TOKEN: admin token is a pattern"
		most    = "WXGATE_PUBLIC_PATHS: public paths open nearly everything"
		relay   = "WXGATE_RELAY_PATHS: relay forwards nearly every call"
		token   = "WXGATE_RELAY_PATHS: relay never forwards calls for a token"
		wide    = "WXGATE_TRUSTED_PROXIES: trusted proxies cover much of the internet"
		public  = "WXGATE_PUBLIC_URL: public URL over plain http"
		site    = "WXGATE_UPSTREAM: upstream over plain http outside the private network"
		api     = "WXGATE_WECHAT_API_URL: AppSecret over plain http"
		open    = "WXGATE_WECHAT_OPEN_URL: login page over plain http"
		picture = "WXGATE_FOLLOW_QR_URL: picture over plain http on a page over https"
		redis   = "WXGATE_REDIS_URL: Redis without TLS outside the private network"
		few     = "WXGATE_LOGIN_RATE: few logins for one client address"
	)
	random := "WXGATE_HUB_KEY=PbYULvMm72d0iiRj8HXrap8+u/BMYnuEfbkIhGVMwaU="
	var counted strings.Builder
	for i := range 32 {
		counted.WriteString(string(rune(i)))
	}
	list := write(t, "")
	for _, tt := range []struct {
		changes []string
		want    string // empty: none
	}{
		{nil, ""},
		{[]string{"WXGATE_COOKIE_KEYS=" + keyOf("a passphrase of 32 bytes or more")}, text},
		{[]string{"WXGATE_COOKIE_KEYS=" + keyOf("0123456789abcdef0123456789abcdef")}, text},
		{
			[]string{
				"WXGATE_COOKIE_KEYS=" + keyOf(counted.String()),
			},
			text,
		},
		{[]string{"WXGATE_COOKIE_KEYS=" + keyOf("9f86d081884c7d659a2feaa0c55ad015")}, ""},
		{
			[]string{
				"WXGATE_HUB_URL=https://auth.example.com",
				"WXGATE_HUB_KEY=" + keyOf("01234567890123456789012345678901"),
			},
			hub,
		},
		{[]string{"WXGATE_HUB_URL=https://auth.example.com", random}, ""},
		{
			[]string{"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY=Ga8B6mdz4YW00T7IwgX7GYEKBiAIKyLYRe4r4tqgn10="},
			"WXGATE_HUB_KEY: hub key is a cookie key too",
		},
		{[]string{"WXGATE_ADMIN_TOKEN=aaaaaaaaaaaaaaaa"}, admin},
		{[]string{"WXGATE_ADMIN_TOKEN=secretsecretsecret"}, admin},
		{[]string{"WXGATE_ADMIN_TOKEN=1234567812345678"}, admin},
		{[]string{"WXGATE_ADMIN_TOKEN=9f86d081884c7d65"}, ""},

		{[]string{"WXGATE_PUBLIC_PATHS=/{a}/"}, most},
		{[]string{"WXGATE_PUBLIC_PATHS=GET /{a},GET /{a}/{b...}"}, most},
		{[]string{"WXGATE_PUBLIC_PATHS=POST /"}, most},
		{[]string{"WXGATE_PUBLIC_PATHS=/static/,HEAD /,OPTIONS /"}, most},
		{[]string{"WXGATE_PUBLIC_PATHS=DELETE /{x...}"}, most},
		{[]string{"WXGATE_PUBLIC_PATHS=OPTIONS /,/{$},/static/,/{lang}/news/,POST /hook/"}, ""},
		{[]string{"WXGATE_API_PATHS=/"}, ""},
		{[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/"}, relay},
		{[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=POST /"}, relay},
		{[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/{x...}"}, relay},
		{[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/{a}/{b...}"}, relay},
		{[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=GET /cgi-bin/token"}, token},
		{[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/user/,POST /cgi-bin/stable_token"}, token},
		{[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/"}, ""},

		{[]string{"WXGATE_TRUSTED_PROXIES=0.0.0.0/0"}, wide},
		{[]string{"WXGATE_TRUSTED_PROXIES=10.0.0.0/8,::/0"}, wide},
		{[]string{"WXGATE_TRUSTED_PROXIES=0.0.0.0/1,128.0.0.0/1"}, wide},
		{[]string{"WXGATE_TRUSTED_PROXIES=10.0.0.0/7"}, wide},
		{[]string{"WXGATE_TRUSTED_PROXIES=47.0.0.0/8"}, wide},
		{[]string{"WXGATE_TRUSTED_PROXIES=2000::/3"}, wide},
		{
			[]string{
				"WXGATE_TRUSTED_PROXIES=10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,127.0.0.0/8," +
					"fc00::/7,fe80::/10,104.16.0.0/13,2400:cb00::/32",
			},
			"",
		},
		{
			[]string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM="},
			"WXGATE_TRUSTED_PROXIES: no trusted proxy in forward-auth mode",
		},
		{
			[]string{"WXGATE_MODE=forward-auth", "WXGATE_TRUSTED_PROXIES=10.0.0.1"},
			"WXGATE_UPSTREAM: upstream ignored in forward-auth mode",
		},
		{
			[]string{
				"WXGATE_DENY_OPENIDS_FILE=" + list,
				"WXGATE_OUTSIDE_WECHAT=qrconnect",
				"WXGATE_QR_APP_ID=wx9",
				"WXGATE_QR_APP_SECRET=s",
			},
			"WXGATE_DENY_OPENIDS_FILE: deny list may miss scan logins",
		},

		{[]string{"WXGATE_PUBLIC_URL=http://h5.example.com"}, public},
		{[]string{"WXGATE_PUBLIC_URL=http://203.0.113.7:8080"}, public},
		{[]string{"WXGATE_PUBLIC_URL=http://[2001:db8::1]"}, public},
		{[]string{"WXGATE_PUBLIC_URL=http://127.0.0.1:8080"}, ""},
		{[]string{"WXGATE_PUBLIC_URL=http://localhost:8080"}, ""},
		{[]string{"WXGATE_PUBLIC_URL=http://192.168.1.7"}, ""},
		{[]string{"WXGATE_PUBLIC_URL=http://[fd00::1]"}, ""},
		{[]string{"WXGATE_PUBLIC_URL=http://h5.test"}, ""},
		{[]string{"WXGATE_PUBLIC_URL=http://laptop.local:8080"}, ""},
		{[]string{"WXGATE_PUBLIC_URL=http://h5"}, ""},
		{[]string{"WXGATE_UPSTREAM=http://app.example.com"}, site},
		{[]string{"WXGATE_UPSTREAM=/=http://web,/api/=h2c://203.0.113.7:80"}, site},
		{
			[]string{
				"WXGATE_UPSTREAM=/=http://web.default.svc.cluster.local,/a/=https://app.example.com,/b/=http://10.0.0.1," +
					"/c/=unix:///run/web.sock,/d/=h2c://web.default.svc,/e/=http://api.backend:8080",
			},
			"",
		},
		{
			[]string{"WXGATE_UPSTREAM=https://h5.example.com"},
			"WXGATE_UPSTREAM: upstream has the host of the public URL",
		},
		{[]string{"WXGATE_WECHAT_API_URL=http://emulator:8081"}, api},
		{[]string{"WXGATE_WECHAT_API_URL=http://wechat-proxy.example.com"}, api},
		{[]string{"WXGATE_WECHAT_API_URL=http://10.0.0.1:8081"}, api},
		{[]string{"WXGATE_WECHAT_OPEN_URL=http://wechat-proxy.example.com"}, open},
		{[]string{"WXGATE_WECHAT_API_URL=http://127.0.0.1:8081", "WXGATE_WECHAT_OPEN_URL=http://[::1]:8081"}, ""},
		{[]string{"WXGATE_WECHAT_API_URL=http://localhost:8081", "WXGATE_WECHAT_OPEN_URL=https://emulator"}, ""},
		{[]string{"WXGATE_HUB_URL=http://auth.example.com", random}, "WXGATE_HUB_URL: hub over plain http"},
		{
			[]string{"WXGATE_HUB_SITES=https://shop1.cn,http://shop2.cn", random},
			"WXGATE_HUB_SITES: site of the hub over plain http",
		},
		{[]string{"WXGATE_REDIS_URL=redis://:p@redis.example.com"}, redis},
		{[]string{"WXGATE_REDIS_URL=redis://203.0.113.7:7000"}, redis},
		{[]string{"WXGATE_REDIS_URL=redis://[2001:db8::1]"}, redis},
		{[]string{"WXGATE_REDIS_URL=redis+cluster://redis-0,redis.example.com."}, redis},
		{[]string{"WXGATE_REDIS_URL=redis+sentinel://redis-0,203.0.113.7?master=m"}, redis},
		{[]string{"WXGATE_REDIS_URL=rediss://redis.example.com"}, ""},
		{[]string{"WXGATE_REDIS_URL=redis://redis.cache.svc.cluster.local."}, ""},
		{[]string{"WXGATE_REDIS_URL=redis+cluster://redis-0.redis,10.0.0.1,[fd00::1],localhost,127.0.0.1,redis"}, ""},
		{[]string{"WXGATE_FOLLOW_QR_URL=http://h5.example.com/qr.png"}, picture},
		{[]string{"WXGATE_FOLLOW_QR_URL=/qr.png"}, ""},
		{
			[]string{"WXGATE_RELAY_LISTEN=203.0.113.7:8081", "WXGATE_RELAY_PATHS=/cgi-bin/user/get"},
			"WXGATE_RELAY_LISTEN: relay on a public address",
		},
		{[]string{"WXGATE_ADMIN_LISTEN=[2001:db8::1]:9090"}, "WXGATE_ADMIN_LISTEN: admin listener on a public address"},
		{[]string{"WXGATE_ADMIN_LISTEN=10.0.0.1:9090"}, ""},

		{[]string{"WXGATE_SESSION_TTL=24s"}, "WXGATE_SESSION_TTL: sessions end within a minute"},
		{[]string{"WXGATE_REDIS_URL=redis://h", "WXGATE_REDIS_GRACE=5m1s"}, "WXGATE_REDIS_GRACE: grace of more than five minutes"},
		{[]string{"WXGATE_REDIS_URL=redis://h", "WXGATE_REDIS_GRACE=5m"}, ""},
		{[]string{"WXGATE_REDIS_GRACE=1h"}, ""},
		{[]string{"WXGATE_LOGIN_RATE=1/24h"}, few},
		{[]string{"WXGATE_LOGIN_RATE=5/1m"}, few},
		{[]string{"WXGATE_LOGIN_RATE=1/1s"}, ""},
		{[]string{"WXGATE_LOGIN_RATE=0"}, ""},
		{[]string{"WXGATE_MAX_BODY=10"}, "WXGATE_MAX_BODY: no body of 1 KiB or more is forwarded"},
		{[]string{"WXGATE_MAX_BODY=1KiB"}, ""},
		{[]string{"WXGATE_UPSTREAM_TIMEOUT=60ms"}, "WXGATE_UPSTREAM_TIMEOUT: timeout under a second"},
		{[]string{"WXGATE_WECHAT_TIMEOUT=5ms"}, "WXGATE_WECHAT_TIMEOUT: timeout under a second"},
	} {
		c, err := config.Load(quiet(tt.changes...))
		if err != nil {
			t.Errorf("Load with %q: %v", tt.changes, err)
			continue
		}
		if got := strings.Join(problems(c.Warnings()), "\n"); got != tt.want {
			t.Errorf("%q: got\n%s\nwant\n%s", tt.changes, got, tt.want)
		}
	}
}

// A value that several sites share is one warning; a site's own has the site's name.
func TestWarningsOfSites(t *testing.T) {
	t.Parallel()
	c, err := config.Load(shared(
		"WXGATE_TRUSTED_PROXIES=0.0.0.0/0", "WXGATE_SITES_0_SESSION_TTL=24s", "WXGATE_SITES_1_PUBLIC_PATHS=/{a}/",
	))
	if err != nil {
		t.Fatal(err)
	}
	got, want := problems(c.Warnings()), []string{
		"WXGATE_COOKIE_KEYS: cookie key is text or a pattern",
		"WXGATE_TRUSTED_PROXIES: trusted proxies cover much of the internet",
		"WXGATE_SITES_0_SESSION_TTL: sessions end within a minute",
		"WXGATE_SITES_1_PUBLIC_PATHS: public paths open nearly everything",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, w := range c.Warnings() {
		if w.Hint == "" || strings.Contains(w.String(), "planted") {
			t.Errorf("the warning %s has no hint, or holds a secret", w)
		}
	}
	const shown = `WXGATE_SITES_0_SESSION_TTL="24s": sessions end within a minute; hint: use a longer time`
	if got := c.Warnings()[2].String(); !strings.HasPrefix(got, shown) {
		t.Errorf("String() = %s, want %s", got, shown)
	}
}

func TestCallbackWarnings(t *testing.T) {
	t.Parallel()
	const (
		refuses = "WXGATE_PUBLIC_URL: WeChat refuses a callback "
		port    = refuses + "with a port (error 10003)"
		ip      = refuses + "at an IP address (error 10003)"
		name    = refuses + "at a host without a registered domain (error 10003)"
	)
	for _, tt := range []struct {
		url  string
		want []string
	}{
		{"https://h5.example.com", nil},
		{"http://h5.example.com", nil},
		{"https://h5.example.com:443", nil},
		{"http://h5.example.com:80", nil},
		{"https://xn--fiqs8s.example.com", nil},
		{"https://shop.github.io", nil},
		{"https://h5.example.com:8443", []string{port}},
		{"http://h5.example.com:443", []string{port}},
		{"https://203.0.113.7", []string{ip}},
		{"http://192.168.1.7:8080", []string{port, ip}},
		{"https://[2001:db8::1]", []string{ip}},
		{"https://[2001:db8::1]:8443", []string{port, ip}},
		{"http://localhost:8080", []string{port, name}},
		{"http://h5", []string{name}},
		{"https://h5.local", []string{name}},
		{"https://h5.internal", []string{name}},
		{"https://web.default.svc", []string{name}},
		{"https://com.cn", []string{name}},
		{"https://my_shop.example.com", []string{name}},
	} {
		c, err := config.Load(quiet("WXGATE_PUBLIC_URL=" + tt.url))
		if err != nil {
			t.Errorf("Load with %s: %v", tt.url, err)
			continue
		}
		if got := problems(c.CallbackWarnings()); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.url, got, tt.want)
		}
	}
	c, err := config.Load(quiet("WXGATE_PUBLIC_URL=https://shop1.cn:8443", "WXGATE_HUB_URL=https://auth.example.com",
		"WXGATE_HUB_KEY="+key()))
	if err != nil || len(c.CallbackWarnings()) > 0 {
		t.Errorf("behind a hub: %v, %v, want no warning", fmt.Sprint(problems(c.CallbackWarnings())), err)
	}
}

// A picture on this site has to be on a public path.
func TestFollowWarnings(t *testing.T) {
	t.Parallel()
	const (
		follow  = "WXGATE_REQUIRE_FOLLOW=true"
		missing = "WXGATE_REQUIRE_FOLLOW: follow page without a picture"
		hidden  = "WXGATE_FOLLOW_QR_URL: picture on no public path"
	)
	for _, tt := range []struct{ picture, public, want string }{
		{"", "", missing},
		{"/static/qr.png", "", hidden},
		{"/static/qr.png", "/assets/", hidden},
		{"/static/qr.png", "POST /static/", hidden},
		{"/static/qr.png", "/static/", ""},
		{"/static/qr.png?v=2", "GET /static/", ""},
		{"/static/%2e%2e/qr.png", "/static/", hidden},
		{"/_wx/qr.png", "/static/", hidden},
		{"https://h5.example.com/static/qr.png", "", hidden},
		{"https://H5.example.com:443/static/qr.png", "", hidden},
		{"https://h5.example.com/static/qr.png", "/static/", ""},
		{"https://cdn.example.com/qr.png", "", ""},
	} {
		c, err := config.Load(quiet(follow, "WXGATE_FOLLOW_QR_URL="+tt.picture, "WXGATE_PUBLIC_PATHS="+tt.public))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		if tt.want != "" {
			want = []string{tt.want}
		}
		if got := problems(c.Warnings()); !slices.Equal(got, want) {
			t.Errorf("picture %q, public %q: %q, want %q", tt.picture, tt.public, got, want)
		}
	}
}

func TestAccountWarnings(t *testing.T) {
	t.Parallel()
	const id, secret = "WXGATE_APP_ID: AppID of an unusual form", "WXGATE_APP_SECRET: AppSecret of an unusual form"
	const rightID, rightSecret = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
	for _, tt := range []struct {
		id, secret string
		want       []string
	}{
		{rightID, rightSecret, nil},
		{"wx0123456789abcde", rightSecret, []string{id}},
		{"wx0123456789abcdefg", rightSecret, []string{id}},
		{"0123456789abcdef01", rightSecret, []string{id}},
		{rightID, "planted", []string{secret}},
		{rightID, rightSecret + "0", []string{secret}},
		{"wx1", "planted", []string{id, secret}},
	} {
		c, err := config.Load(quiet("WXGATE_APP_ID="+tt.id, "WXGATE_APP_SECRET="+tt.secret))
		if err != nil {
			t.Fatal(err)
		}
		if got := problems(c.AccountWarnings()); !slices.Equal(got, tt.want) {
			t.Errorf("%s, %s: %q, want %q", tt.id, tt.secret, got, tt.want)
		}
		if text := fmt.Sprint(c.AccountWarnings()); strings.Contains(text, tt.secret) {
			t.Errorf("a warning shows the AppSecret: %s", text)
		}
	}
}
