package config_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// A value that nobody can have meant is a fault.
func TestValuesNotMeant(t *testing.T) {
	t.Parallel()
	const (
		everything = `: opens every path, so that nobody has to sign in; the home page alone is /{$}`
		star       = "a * matches nothing but itself; /static/ covers everything below it, {name} one segment"
		weak       = "a key of few different bytes or of a short pattern, which others can guess; " +
			"make one with: wxgate keygen"
		clear = ": WeChat by plain http; expected https://"
		own   = ": 127.0.0.1:8080 is wxgate's own address, WXGATE_LISTEN; expected that of your site"
	)
	zeros, list := base64.StdEncoding.EncodeToString(make([]byte, 32)), write(t, "")
	for _, tt := range []struct {
		changes []string
		want    string
	}{
		{[]string{"WXGATE_PUBLIC_PATHS=/"}, `WXGATE_PUBLIC_PATHS="/"` + everything},
		{[]string{"WXGATE_PUBLIC_PATHS=/static/,GET /"}, `WXGATE_PUBLIC_PATHS="/static/,GET /": item 2 of the list` + everything},
		{[]string{"WXGATE_PUBLIC_PATHS=/{x...}"}, `WXGATE_PUBLIC_PATHS="/{x...}"` + everything},
		{
			[]string{"WXGATE_PUBLIC_PATHS=/{$},/{a},/{a}/{b...}"},
			`WXGATE_PUBLIC_PATHS="/{$},/{a},/{a}/{b...}"` + everything,
		},
		{[]string{"WXGATE_PUBLIC_PATHS=/static/*"}, `WXGATE_PUBLIC_PATHS="/static/*": item 1 of the list: ` + star},
		{
			[]string{"WXGATE_PUBLIC_PATHS=/,/static/*,/a,{x"},
			`WXGATE_PUBLIC_PATHS="/,/static/*,/a,{x": item 1 of the list` + everything + "; item 2 of the list: " + star +
				"; item 4 of the list: expected a path that begins with /, with or without a method before it, " +
				"such as /static/ or GET /news/{id}; hosts are not matched",
		},
		{
			[]string{"WXGATE_PUBLIC_PATHS=/static/*,/{a},/{a}/{b...},/{$}"},
			`WXGATE_PUBLIC_PATHS="/static/*,/{a},/{a}/{b...},/{$}": item 1 of the list: ` + star,
		},
		{[]string{"WXGATE_API_PATHS=/a,/api/*"}, `WXGATE_API_PATHS="/a,/api/*": item 2 of the list: ` + star},
		{
			[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=POST /cgi-bin/*"},
			`WXGATE_RELAY_PATHS="POST /cgi-bin/*": item 1 of the list: ` + star,
		},

		{[]string{"WXGATE_COOKIE_KEYS=" + zeros}, "WXGATE_COOKIE_KEYS: item 1 of the list: " + weak},
		{[]string{"WXGATE_COOKIE_KEYS=" + key() + "," + zeros}, "WXGATE_COOKIE_KEYS: item 2 of the list: " + weak},
		{
			[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=" + write(t, zeros)},
			"WXGATE_COOKIE_KEYS_FILE: item 1 of the list: " + weak,
		},
		{
			[]string{"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY=" + zeros},
			"WXGATE_HUB_KEY: " + weak,
		},

		{[]string{"WXGATE_ADMIN_TOKEN=t"}, "WXGATE_ADMIN_TOKEN: expected at least 16 characters"},
		{[]string{"WXGATE_ADMIN_TOKEN=planted-15-char"}, "WXGATE_ADMIN_TOKEN: expected at least 16 characters"},
		{
			[]string{"WXGATE_ADMIN_TOKEN_FILE=" + write(t, "planted\n")},
			"WXGATE_ADMIN_TOKEN_FILE: expected at least 16 characters",
		},

		{
			[]string{"WXGATE_PUBLIC_URL=https://h5.example.com.cn", "WXGATE_COOKIE_DOMAIN=.com.cn"},
			`WXGATE_COOKIE_DOMAIN=".com.cn": browsers refuse a cookie for all sites under com.cn`,
		},
		{
			[]string{"WXGATE_COOKIE_DOMAIN=com"},
			`WXGATE_COOKIE_DOMAIN="com": browsers refuse a cookie for all sites under com`,
		},
		{
			[]string{"WXGATE_PUBLIC_URL=https://shop.github.io", "WXGATE_COOKIE_DOMAIN=GitHub.io"},
			`WXGATE_COOKIE_DOMAIN="GitHub.io": browsers refuse a cookie for all sites under github.io`,
		},

		{
			[]string{"WXGATE_WECHAT_API_URL=http://api.weixin.qq.com"},
			`WXGATE_WECHAT_API_URL="http://api.weixin.qq.com"` + clear,
		},
		{
			[]string{"WXGATE_WECHAT_API_URL=http://SH.api.weixin.qq.com/"},
			`WXGATE_WECHAT_API_URL="http://SH.api.weixin.qq.com/"` + clear,
		},
		{
			[]string{"WXGATE_WECHAT_OPEN_URL=http://open.weixin.qq.com"},
			`WXGATE_WECHAT_OPEN_URL="http://open.weixin.qq.com"` + clear,
		},
		{[]string{"WXGATE_UPSTREAM=http://127.0.0.1:8080"}, `WXGATE_UPSTREAM="http://127.0.0.1:8080"` + own},
		{
			[]string{"WXGATE_UPSTREAM=/=http://web,/api/=h2c://LOCALHOST:8080"},
			`WXGATE_UPSTREAM="/=http://web,/api/=h2c://LOCALHOST:8080"` +
				strings.ReplaceAll(own, "127.0.0.1", "localhost"),
		},
		{
			[]string{"WXGATE_UPSTREAM=/=http://127.0.0.1:8080,/a/=http://127.0.0.1:9090,/b/=http://127.0.0.1:8080"},
			`WXGATE_UPSTREAM="/=http://127.0.0.1:8080,/a/=http://127.0.0.1:9090,/b/=http://127.0.0.1:8080": ` +
				`127.0.0.1:8080 is wxgate's own address, WXGATE_LISTEN; ` +
				`127.0.0.1:9090 is wxgate's own address, WXGATE_ADMIN_LISTEN; expected that of your site`,
		},
		{
			[]string{"WXGATE_PREFIX=/..."},
			`WXGATE_PREFIX="/...": expected a clean path of letters, digits and . _ ~ - / without a slash at its end, such as /_wx`,
		},
		{
			[]string{"WXGATE_LISTEN=10.0.0.1:80", "WXGATE_UPSTREAM=http://10.0.0.1"},
			`WXGATE_UPSTREAM="http://10.0.0.1"` + strings.ReplaceAll(own, "127.0.0.1:8080", "10.0.0.1:80"),
		},
		{
			[]string{"WXGATE_UPSTREAM=http://[::1]:9090"},
			`WXGATE_UPSTREAM="http://[::1]:9090": [::1]:9090 is wxgate's own address, WXGATE_ADMIN_LISTEN; ` +
				`expected that of your site`,
		},
		{
			[]string{"WXGATE_ALLOW_OPENIDS_FILE=" + list, "WXGATE_DENY_OPENIDS_FILE=" + list},
			fmt.Sprintf(`WXGATE_DENY_OPENIDS_FILE=%q: the file of WXGATE_ALLOW_OPENIDS_FILE, `+
				`so that nobody gets in; expected another file`, list),
		},
	} {
		if got := faults(t, environ(tt.changes...)); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%q: got\n%s\nwant\n%s", tt.changes, strings.Join(got, "\n"), tt.want)
		}
	}
}

// Values that look like those, but may be meant, are no faults.
func TestValuesMeant(t *testing.T) {
	t.Parallel()
	for _, changes := range [][]string{
		{"WXGATE_PUBLIC_PATHS=/static/,OPTIONS /"},
		{"WXGATE_PUBLIC_PATHS=/{$},/favicon.ico"},
		{"WXGATE_PUBLIC_PATHS=/a/,/a/,GET /a/,/{x}/b,/a/{y}"},
		{"WXGATE_API_PATHS=/,/api/"},
		{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/,POST /"},
		{"WXGATE_PUBLIC_URL=http://localhost:8080", "WXGATE_COOKIE_DOMAIN=localhost"},
		{"WXGATE_PUBLIC_URL=https://h5.shop.com.cn", "WXGATE_COOKIE_DOMAIN=shop.com.cn"},
		{"WXGATE_WECHAT_API_URL=http://127.0.0.1:8081", "WXGATE_WECHAT_OPEN_URL=http://emulator:8081"},
		{"WXGATE_WECHAT_API_URL=http://wxqq.com"},
		{"WXGATE_UPSTREAM=http://web:8080"},
		{"WXGATE_UPSTREAM=http://127.0.0.2:8080", "WXGATE_LISTEN=127.0.0.1:8080"},
		{"WXGATE_UPSTREAM=http://[::1]:8080", "WXGATE_LISTEN=0.0.0.0:8080"},
		{"WXGATE_UPSTREAM=http://127.0.0.1:8080", "WXGATE_LISTEN=10.0.0.1:8080"},
		{"WXGATE_UPSTREAM=http://127.0.0.1:8080", "WXGATE_MODE=forward-auth"},
		{"WXGATE_UPSTREAM=http://127.0.0.1:9090", "WXGATE_ADMIN_LISTEN="},
		{"WXGATE_COOKIE_NAME=a'b'"},
		{`WXGATE_ADMIN_TOKEN="planted-token-of-'many'-characters`},
	} {
		if _, err := config.Load(environ(changes...)); err != nil {
			t.Errorf("Load with %q: %v", changes, err)
		}
	}
}

// Each site is checked, under its own names.
func TestSiteValuesNotMeant(t *testing.T) {
	t.Parallel()
	got := faults(t, shared(
		"WXGATE_PUBLIC_PATHS=/{$}", "WXGATE_SITES_1_PUBLIC_PATHS=/", "WXGATE_SITES_0_UPSTREAM=http://127.0.0.1:8080",
		`WXGATE_SITES_0_APP_ID="wxa"`, "WXGATE_SITES_0_COOKIE_DOMAIN=com", `WXGATE_SITES_1_HOSTS='b.example.com'`,
	))
	want := []string{
		`WXGATE_SITES_0_APP_ID="\"wxa\"": in quotes, which would be part of the value; remove them`,
		`WXGATE_SITES_0_UPSTREAM="http://127.0.0.1:8080": 127.0.0.1:8080 is wxgate's own address, WXGATE_LISTEN; ` +
			`expected that of your site`,
		`WXGATE_SITES_0_COOKIE_DOMAIN="com": browsers refuse a cookie for all sites under com`,
		`WXGATE_SITES_1_HOSTS="'b.example.com'": in quotes, which would be part of the value; remove them`,
		`WXGATE_SITES_1_PUBLIC_PATHS="/": opens every path, so that nobody has to sign in; the home page alone is /{$}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Some env files hand quotes on, or names that something else should have replaced.
func TestWrappedValues(t *testing.T) {
	t.Parallel()
	const quotes = "in quotes, which would be part of the value; remove them"
	const placeholder = "a placeholder that nothing has replaced; expected the value itself"
	bare := map[string]string{
		"APP_ID": "wx0123456789abcdef", "APP_SECRET": "planted", "UPSTREAM": "http://web:80", "MODE": "proxy",
		"PUBLIC_URL": "https://h5.example.com", "COOKIE_KEYS": key(), "LISTEN": ":8080", "ADMIN_LISTEN": "",
		"SESSION_TTL": "24h", "COOKIE_NAME": "a", "PUBLIC_PATHS": "/static/", "JSSDK": "true", "MAX_BODY": "10MiB",
		"DENY_OPENIDS_FILE": "/tmp", "TRUSTED_PROXIES": "10.0.0.0/8", "ADMIN_TOKEN": "planted-admin-token",
		"WECHAT_API_URL": "http://127.0.0.1:1", "LOG_LEVEL": "info", "LOGIN_RATE": "600/1m",
	}
	for name, value := range bare {
		for _, wrapping := range [][3]string{
			{`"`, `"`, quotes}, {`'`, `'`, quotes}, {"`", "`", quotes}, {"“", "”", quotes}, {"‘", "’", quotes},
			{"${", "}", placeholder}, {"$(", ")", placeholder}, {"{{", "}}", placeholder}, {"<", ">", placeholder},
		} {
			wrapped := wrapping[0] + value + wrapping[1]
			want := "WXGATE_" + name + fmt.Sprintf("=%q: ", wrapped) + wrapping[2]
			if strings.Contains("APP_SECRET COOKIE_KEYS ADMIN_TOKEN", name) {
				want = "WXGATE_" + name + ": " + wrapping[2]
			}
			if got := faults(t, environ("WXGATE_"+name+"="+wrapped)); !slices.Equal(got, []string{want}) {
				t.Errorf("%s=%s: got\n%s\nwant\n%s", name, wrapped, strings.Join(got, "\n"), want)
			}
		}
	}
	for _, tt := range []struct {
		changes []string
		want    string
	}{
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + write(t, "\"planted\"\n")}, "_FILE: " + quotes},
		{[]string{"WXGATE_APP_SECRET=", `WXGATE_APP_SECRET_FILE="/planted"`}, "_FILE: " + quotes},
		{[]string{"WXGATE_APP_SECRET=", `WXGATE_APP_SECRET_FILE=$(planted)`}, "_FILE: " + placeholder},
		{[]string{`WXGATE_APP_SECRET="planted`}, ": expected an AppSecret without quotes"},
		{[]string{`WXGATE_APP_SECRET=planted'`}, ": expected an AppSecret without quotes"},
	} {
		if got := faults(t, environ(tt.changes...)); !slices.Equal(got, []string{"WXGATE_APP_SECRET" + tt.want}) {
			t.Errorf("%q: got %q, want %s", tt.changes, got, tt.want)
		}
	}
	const appID = ": expected an AppID of letters and digits, such as wx0123456789abcdef"
	for _, value := range []string{`"wx1`, `wx1"`, "wx1,", "wx1;", "appid=wx1", "${ID}x", "“wx1”x"} {
		want := fmt.Sprintf("WXGATE_APP_ID=%q", value) + appID
		if strings.HasPrefix(value, "“") {
			want = fmt.Sprintf("WXGATE_APP_ID=%q: expected printable ASCII without spaces or line breaks", value)
		}
		if got := faults(t, environ("WXGATE_APP_ID="+value)); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}
