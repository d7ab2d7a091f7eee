package helm_test

import "strings"

// A format is what wxgate accepts as a value of `config`, and what it refuses. The
// texts are YAML.
type format struct {
	needs     string // values without which the value has no use
	good, bad []string
}

// A host is 253 characters long at most, and a label of it 63.
var (
	longestLabel = strings.Repeat("a", 63)
	longestHost  = strings.Repeat(longestLabel+".", 3) + strings.Repeat("a", 61)
)

// formats are those of the values of `config`, by name.
var formats = map[string]format{
	"appId": {
		good: []string{"wx0123456789abcdef", "WX1", "a.b-c_d"},
		bad: []string{"gh_0123456789ab", "wx 123", "'\"wx1\"'", "wx1@a", "微信", "<appid>", "wx1/2", "'wx1,wx2'",
			"${APP_ID}"},
	},
	"publicUrl": {
		good: []string{
			"https://h5.example.com", "https://h5.example.com/", "HTTPS://H5.example.com",
			"http://h5.example.com:8080",
			"https://h5.example.com:443", "http://10.0.0.1", "http://[::1]:80", "https://xn--55qx5d.cn",
			"http://my_app",
			"https://" + longestHost,
		},
		bad: []string{
			"h5.example.com", "https://h5.example.com/shop", "https://h5.example.com//", "https://",
			"ftp://h5.example.com",
			"https://h5.example.com?a=1", "'https://h5.example.com#a'", "https://u:planted@h5.example.com",
			"https://h5.example.com:0", "https://h5.example.com:080", "https://h5.example.com:65536",
			"'https://h5.example.com:'",
			"https://h5.example.com.", "https://*.example.com", "https://-a.example.com", "https://微信.cn",
			"https://1.2.3",
			"http://10.0.0.256", "http://::1", "http://[::g]", "http://[10.0.0.1]", "http://[fe80::1%25eth0]",
			"https://" + longestHost + "a", "https://" + longestLabel + "a.cn", "'\"https://h5.example.com\"'",
			"https:/h5.example.com",
			"https://a..b", "https://h5.example.com,https://b.cn", "' https://h5.example.com'",
		},
	},
	"upstream": {
		good: []string{
			"http://web", "http://web/", "https://web:8443", "h2c://web:80", "unix:///run/web.sock", "HTTP://Web",
			"' http://web '", "http://[fd00::1]:80", "'/=http://web,/api/=http://api'",
			"'/ = http://web , /api=h2c://api'",
			"[{path: /, url: 'http://web'}, {path: /api, url: 'unix:///run/a@b.sock'}]", "'/=unix:///run/web=1.sock'",
			"unix:///run/..web/.a", "[{path: /, url: 'http://web/'}]",
		},
		bad: []string{
			"web:80", "web", "http://web/app", "http://web?a", "tcp://web:80", "http://", "http://u:planted@web:80",
			"unix://run/web.sock", "unix:///run/../web.sock", "unix:///", "'unix:///run/a b'", "unix:///run//a",
			"unix:///run/a/",
			"unix:///run/a%20b", "http://web:http", "http://web:0", "http://web,http://api",
			"'/=http://web,/=http://api'",
			"'/api/=http://api'", "'/=http://web,api=http://api'", "'/=http://web,/a b/=http://api'",
			"'/=http://web,/a/../=http://api'",
			"'/=http://web,'", "'/=http://web,/api/'", "[{path: /, url: web}]",
			"[{path: /, url: 'http://web'}, {path: api, url: 'http://api'}]",
			"[{path: /, url: 'http://web'}, {path: '/a b', url: 'http://api'}]",
			"[{path: /, url: 'http://u:planted@web'}]", "'unix:///run/a,b.sock'", "'$(UPSTREAM)'", "http://web_/a",
		},
	},
	"prefix": {
		good: []string{"/_wx", "/a/b", "/.a", "/..a", "/a.b~c-d"},
		bad: []string{
			"_wx", "/", "/...", "/a/..../b", "/_wx/", "/a//b", "/a/../b", "/..", "/.", "/a/.", "'/a b'", "/a%2f",
			"/微信", "'/a`b'", "/a?b", "'/a,/b'", "//a",
		},
	},
	"scope": {good: []string{"snsapi_base", "snsapi_userinfo"}, bad: []string{"snsapi_login", "SNSAPI_BASE",
		"base"}},
	"sessionTtl":    {good: append([]string{"720h"}, positive.good...), bad: positive.bad},
	"sessionMaxTtl": {needs: "config: {sessionTtl: 1ns}", good: positive.good, bad: positive.bad},
	"sessionStore":  {needs: redisKey, good: []string{"cookie", "redis"}, bad: []string{"memory", "Redis"}},
	"redisGrace":    duration,
	"cookieName": {
		good: []string{"wxgate", "a", "shop-1_x", "'!#$%&'", "a|b~c", "login", "my_loginx", "'`'", "x__Host-"},
		bad: []string{
			"'a b'", "a=b", "a;b", "'a,b'", "__Host-a", "__host-a", "__Secure-a", "a_login", "a_login_b", "_login",
			"'\"a\"'",
			"\"'a'\"", "'`a`'", "a/b", "微信", "a@b", "'{a}'", "'(a)'", "\"''\"",
		},
	},
	"cookieDomain": {
		good: []string{"example.com", ".example.com", "Example.com", "h5.example.com"},
		bad: []string{
			"example.com:8443", "https://example.com", "'*.example.com'", "..example.com", "example.com.",
			"10.0.0.1", ".",
			"example..com", "'example.com,example.org'", "-a.com", "'example .com'", "'[::1]'", "example.org",
			"a.h5.example.com",
		},
	},
	"publicPaths": {
		good: append([]string{
			"[OPTIONS /]", "[POST /]", "['/{a}/']", "['/{a}', '/{a}/{b...}']", "['/{$}']", "['HEAD /{x...}']",
		}, patterns.good...),
		bad: append([]string{
			"[/]", "[GET /]", "['/{x...}']", "['GET  /{x...}']", "['/{$}', '/{a}', '/{a}/{b...}']",
			"['/{$}', '/{a}', '/{a}/']",
			"[/static/, '/{all...}']", "['/{$}', 'GET /{a}', '/{a}/{b}', '/{a}/{$}', '/{a}/{b}/{c...}']",
		}, patterns.bad...),
	},
	"apiPaths":      {good: append([]string{"[/]"}, patterns.good...), bad: patterns.bad},
	"outsideWechat": {good: []string{"redirect", "page", "deny"}, bad: []string{"block", "Page", "403"}},
	"qrAppId": {needs: "config: {qrAppId: wx1}\n" + qrSecret, good: []string{"wxbbbbbbbbbbbbbbbb"},
		bad: []string{"gh_0123456789ab", "'wx 1'", "wx1,wx2"}},
	"keepFragment":    boolean,
	"snapshotUsers":   {good: []string{"allow", "deny"}, bad: []string{"Allow", "refuse"}},
	"requireFollow":   boolean,
	"jssdk":           boolean,
	"passAccessToken": {needs: "config: {sessionStore: redis}\n" + redisKey, good: boolean.good, bad: boolean.bad},
	"accessLog":       boolean,
	"followQrUrl": {
		good: []string{
			"/static/qr.png", "/", "/qr.png?v=1&w=%zz", "https://h5.example.com/qr.png",
			"HTTP://cdn.example.com:8080/a%20b",
			"http://10.0.0.1", "https://cdn.example.com?a", "'/a#'", "https://cdn.example.com:/a", "/a:b@c", "'/{a}'",
			"https://cdn.example.com/a@b",
		},
		bad: []string{
			"foo", "qr.png", "//cdn.example.com/qr.png", "https://", "https:///qr.png",
			"ftp://cdn.example.com/qr.png", "'/a b'",
			"'/a#b'", "/a%zz", "'/a\"b'", "'/a\\b'", "/二维码.png", "https://u:planted@cdn.example.com/a",
			"https://[::1]/a",
			"https://cdn.example.com:a/b", "data:image/png", "'/a,/b'", "'/a;b'", "'<qr>'", "https://a_.b.1/a",
			"https://cdn.example.com.",
			"https://cdn%2eexample.com/",
		},
	},
	"followRecheck": positive,
	"tokenMode":     {needs: redisKey, good: []string{"stable", "legacy"}, bad: []string{"Stable", "none"}},
	"relayPaths": {needs: "config: {relayPaths: [/x]}\n" + relayPeers, good: append([]string{"[/]"},
		patterns.good...), bad: patterns.bad},
	"relayHosts": {
		needs: "config: {relayPaths: [/cgi-bin/menu/get]}\n" + relayPeers, good: hosts.good, bad: hosts.bad,
	},
	"verifyFiles": {
		good: []string{"[abc123, DEF456]", "[" + strings.Repeat("a", 64) + "]", "[' abc123 ']", "[abc123, abc123]"},
		bad: []string{"[MP_verify_abc123.txt]", "[a-b]", "[" + strings.Repeat("a", 65) + "]", "['a b']",
			"[abc123, '']", "[微信]"},
	},
	"trustedProxies": {
		good: []string{
			"[10.244.0.0/16]", "[10.0.0.1, 'fd00::/8', '::1']", "[10.1.2.3/8]", "[0.0.0.0/0]", "['::/0']",
			"[10.0.0.1/32]",
			"['fd00::1/128']", "['::ffff:10.0.0.1']", "[' 10.0.0.0/8 ']", "['64:ff9b::10.0.0.1/96']",
			"['1:2:3:4:5:6:7::']",
			"['1:2:3:4:5:6:10.0.0.1']", "['FD00::A/64']", "['::1:ffff:1:1/96']", "[10.0.0.0/8, 10.0.0.0/8]",
		},
		bad: []string{
			"[10.244.0.0/99]", "[10.1.1.300]", "[10.0.0.0/33]", "['fd00::/129']", "[10.0.0]", "[010.0.0.1]",
			"[10.0.0.0/08]",
			"[10.0.0.0/]", "[10.0.0.0/-1]", "[ingress-nginx]", "['fe80::1%eth0']", "['::ffff:10.0.0.0/104']",
			"['1:2:3:4:5:6:7:8::']",
			"['1::2::3']", "['1:2:3']", "['12345::']", "['[::1]']", "[10.0.0.1:80]", "['*']", "[10.0.0.0/8, '']",
			"[10.0.0.0/8/8]",
			"['1:2:3:4:5:6:7:10.0.0.1']", "['0:0:0:0:0:ffff:a00:0/104']", "['0::ffff:1:1/100']",
			"['10.0.0.0 - 10.0.0.9']",
			"[10.0.0.*]", "[10.0.0.0/255.0.0.0]", "['10.0.0.1::']", "['0:0:0:0:0:FFFF::/96']", "['::10.0.0.1:1']",
			"[':::']",
		},
	},
	"returnHosts": hosts,
	"loginRate": {
		good: []string{"600/1m", "10/1s", "'0'", "0", "1/1h30m", "2147483647/1ns", "0600/1m", "5/.5s", "1/+1m"},
		bad: []string{
			"'600'", "600", "600/1min", "600/", "/1m", "600/m", "0/1m", "600/0s", "-1/1m", "600/-1m", "1.5/1m",
			"2147483648/1m",
			"600/1d", "'600 / 1m'", "600/1m/1m", "'600 per minute'", "'00'", "600/60", "600/0.1ns", "+6/1m",
			"10/9999999h",
		},
	},
	"maxBody": {
		good: []string{"10MiB", "'0'", "0", "4096", "'4096'", "512KiB", "2GiB", "007KiB", "10737418240"},
		bad: []string{
			"10Gi", "10Mi", "10MB", "10M", "10m", "10B", "big", "-1", "1.5MiB", "'10 MiB'", "MiB", "10mib",
			"8589934592GiB",
			"99999999999999999999999", "1TiB", "'0x10'", "'+1'", "'1_000'",
		},
	},
	"upstreamTimeout": positive,
	"stallTimeout":    duration,
	"wechatTimeout":   positive,
	"wechatApiUrl":    baseURLs,
	"wechatOpenUrl":   baseURLs,
	"logLevel": {good: []string{"debug", "info", "warn", "error"}, bad: []string{"verbose", "INFO", "trace",
		"warning"}},
	"logFormat":       {good: []string{"json", "console"}, bad: []string{"text", "JSON"}},
	"accessLogSkip":   {good: append([]string{"[/]"}, patterns.good...), bad: patterns.bad},
	"drainDelay":      duration,
	"shutdownTimeout": positive,
	"hubUrl": {
		needs: "config: {hubUrl: 'https://hub.example.com'}\n" + hubKey,
		good:  []string{"https://auth.example.com", "https://auth.example.com/", "http://auth:8080"},
		bad: []string{
			"auth.example.com", "https://auth.example.com/hub", "https://u:planted@auth.example.com",
			"https://auth.example.com?a",
			"https://h5.example.com", "https://H5.example.com:443/", "wss://auth.example.com",
		},
	},
	"hubSites": {
		needs: "config: {hubSites: ['https://c.example.com']}\n" + hubKey,
		good: []string{"['https://a.example.com', 'https://b.example.com/', 'http://b.example.com']",
			"[' https://a.cn ']"},
		bad: []string{
			"[a.example.com]", "['https://a.example.com/shop']", "['https://a.cn', 'https://A.cn:443/']",
			"['https://a.cn', '']",
			"['https://h5.example.com']", "['https://u:planted@a.cn']", "['https://*.example.com']",
			"['https://h5.example.com:443']",
		},
	},
}

const qrSecret = "secrets: {qrAppSecret: {key: k}}\n"
