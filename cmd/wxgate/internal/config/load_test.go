package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/wechat"
)

const appSecret = "planted-secret-0123456789"

// key is a cookie key in base64, and its bytes are easy to find in a message.
func key() string {
	return base64.StdEncoding.EncodeToString([]byte("planted-key-planted-key-planted-key-"))
}

// environ is a sound environment with changes after it; "NAME=" unsets.
func environ(changes ...string) []string {
	return append([]string{
		"PATH=/bin",
		"WXGATE_APP_ID=wx0123456789abcdef",
		"WXGATE_APP_SECRET=" + appSecret,
		"WXGATE_UPSTREAM=http://web:80",
		"WXGATE_PUBLIC_URL=https://h5.example.com",
		"WXGATE_COOKIE_KEYS=" + key(),
	}, changes...)
}

// faults loads what must be refused and gives the faults, a line each.
func faults(t *testing.T, environ []string) []string {
	t.Helper()
	c, err := config.Load(environ)
	all, ok := errors.AsType[*config.Faults](err)
	if !ok {
		t.Fatalf("Load(%q) = %v, %v, want *Faults", environ, c, err)
	}
	if c != nil {
		t.Errorf("Load gives a configuration beside the error %v", err)
	}
	for _, secret := range []string{appSecret, key(), "planted"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error holds the secret %q: %v", secret, err)
		}
	}
	var lines []string
	for _, f := range all.List {
		lines = append(lines, f.String())
	}
	return lines
}

// write puts text into a new file and gives its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load(environ())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"AppID", c.AppID, "wx0123456789abcdef"},
		{"AppSecret", c.AppSecret.Reveal(), appSecret},
		{"Upstream", c.Upstream.String(), "http://web:80"},
		{"Mode", c.Mode, "proxy"},
		{"PublicURL", c.PublicURL, origin.Origin{Scheme: "https", Host: "h5.example.com"}},
		{"CookieKeys", len(c.CookieKeys), 1},
		{"Listen", c.Listen, ":8080"},
		{"AdminListen", c.AdminListen, ":9090"},
		{"Prefix", c.Prefix, "/_wx"},
		{"Scope", c.Scope, wechat.ScopeBase},
		{"SessionTTL", c.SessionTTL, 24 * time.Hour},
		{"SessionMaxTTL", c.SessionMaxTTL, 720 * time.Hour},
		{"SessionStore", c.SessionStore, "cookie"},
		{"CookieName", c.CookieName, "wxgate"},
		{"CookieDomain", c.CookieDomain, ""},
		{"PublicPaths", len(c.PublicPaths), 0},
		{"APIPaths", len(c.APIPaths), 0},
		{"OutsideWeChat", c.OutsideWeChat, "redirect"},
		{"SnapshotUsers", c.SnapshotUsers, "allow"},
		{"QRAppID", c.QRAppID, ""},
		{"KeepFragment", c.KeepFragment, false},
		{"RequireFollow", c.RequireFollow, false},
		{"FollowQRURL", c.FollowQRURL, config.PictureURL("")},
		{"FollowRecheck", c.FollowRecheck, 10 * time.Minute},
		{"AllowOpenIDsFile", c.AllowOpenIDsFile, ""},
		{"DenyOpenIDsFile", c.DenyOpenIDsFile, ""},
		{"JSSDK", c.JSSDK, false},
		{"TokenMode", c.TokenMode, "stable"},
		{"RelayListen", c.RelayListen, ""},
		{"RelayPaths", len(c.RelayPaths), 0},
		{"PagesDir", c.PagesDir, ""},
		{"AdminToken", c.AdminToken.Reveal(), ""},
		{"VerifyFiles", len(c.VerifyFiles), 0},
		{"AssertionKeysFile", c.AssertionKeysFile, ""},
		{"TrustedProxies", len(c.TrustedProxies), 0},
		{"ReturnHosts", len(c.ReturnHosts), 0},
		{"LoginRate", c.LoginRate, gateway.Rate{Count: 600, Per: time.Minute}},
		{"MaxBody", c.MaxBody, config.ByteSize(0)},
		{"UpstreamTimeout", c.UpstreamTimeout, time.Minute},
		{"UpstreamCAFile", c.UpstreamCAFile, ""},
		{"UpstreamCAs", c.UpstreamCAs == nil, true},
		{"WeChatTimeout", c.WeChatTimeout, 5 * time.Second},
		{"WeChatAPIURL", c.WeChatAPIURL, config.BaseURL("https://api.weixin.qq.com")},
		{"WeChatOpenURL", c.WeChatOpenURL, config.BaseURL("https://open.weixin.qq.com")},
		{"TLSCertFile", c.TLSCertFile, ""},
		{"TLSKeyFile", c.TLSKeyFile, ""},
		{"LogLevel", c.LogLevel, zerolog.InfoLevel},
		{"LogFormat", c.LogFormat, "json"},
		{"AccessLog", c.AccessLog, true},
		{"DrainDelay", c.DrainDelay, 5 * time.Second},
		{"ShutdownTimeout", c.ShutdownTimeout, 30 * time.Second},
		{"ExtAuthzListen", c.ExtAuthzListen, ""},
		{"HubURL", c.HubURL.IsZero(), true},
		{"HubSites", len(c.HubSites), 0},
		{"HubKey", len(c.HubKey), 0},
		{"Sites", len(c.Sites), 0},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestLoadValues(t *testing.T) {
	t.Parallel()
	folder, list := t.TempDir(), write(t, "openid\n")
	for _, tt := range []struct {
		name    string
		changes []string
		got     func(*config.Config) any
		want    any
	}{
		{"website application", []string{"WXGATE_OUTSIDE_WECHAT=qrconnect", "WXGATE_QR_APP_ID=wx9", "WXGATE_QR_APP_SECRET_FILE=" + write(t, "qr\n")}, func(c *config.Config) any { return c.QRAppSecret.Reveal() + "/" + c.QRAppID }, "qr/wx9"},
		{"website application kept ready", []string{"WXGATE_QR_APP_ID=wx9", "WXGATE_QR_APP_SECRET=qr"}, func(c *config.Config) any { return c.OutsideWeChat }, "redirect"},
		{"fragment", []string{"WXGATE_KEEP_FRAGMENT=true"}, func(c *config.Config) any { return c.KeepFragment }, true},
		{"followers only", []string{"WXGATE_REQUIRE_FOLLOW=1", "WXGATE_FOLLOW_RECHECK=1h"}, func(c *config.Config) any { return c.RequireFollow && c.FollowRecheck == time.Hour }, true},
		{"picture elsewhere", []string{"WXGATE_FOLLOW_QR_URL=https://cdn.example.com/qr.png?v=2"}, func(c *config.Config) any { return c.FollowQRURL }, config.PictureURL("https://cdn.example.com/qr.png?v=2")},
		{"picture of the site", []string{"WXGATE_FOLLOW_QR_URL=/static/qr.png"}, func(c *config.Config) any { return c.FollowQRURL }, config.PictureURL("/static/qr.png")},
		{"allowed openids, no secret's file", []string{"WXGATE_ALLOW_OPENIDS_FILE=" + list}, func(c *config.Config) any { return c.AllowOpenIDsFile }, list},
		{"denied openids", []string{"WXGATE_DENY_OPENIDS_FILE=" + list}, func(c *config.Config) any { return c.DenyOpenIDsFile }, list},
		{"own pages", []string{"WXGATE_PAGES_DIR=" + folder}, func(c *config.Config) any { return c.PagesDir }, folder},
		{"jssdk", []string{"WXGATE_JSSDK=true", "WXGATE_TOKEN_MODE=legacy"}, func(c *config.Config) any { return c.JSSDK && c.TokenMode == "legacy" }, true},
		{"relay", []string{"WXGATE_RELAY_LISTEN=10.0.0.1:8081", "WXGATE_RELAY_PATHS=POST /cgi-bin/message/template/send, GET /cgi-bin/tags/get"}, func(c *config.Config) any { return c.RelayListen + " " + c.RelayPaths[1] }, "10.0.0.1:8081 GET /cgi-bin/tags/get"},
		{"forward auth has no upstream", []string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM="}, func(c *config.Config) any { return c.Mode + c.Upstream.String() }, "forward-auth"},
		{"forward auth with an upstream", []string{"WXGATE_MODE=forward-auth"}, func(c *config.Config) any { return c.Upstream.String() }, "http://web:80"},
		{"ext_authz", []string{"WXGATE_EXTAUTHZ_LISTEN=127.0.0.1:9000"}, func(c *config.Config) any { return c.ExtAuthzListen }, "127.0.0.1:9000"},
		{"assertion keys", []string{"WXGATE_ASSERTION_KEYS_FILE=" + list}, func(c *config.Config) any { return c.AssertionKeysFile }, list},
		{"hub", []string{"WXGATE_HUB_SITES=https://shop1.cn, http://shop2.cn:81/", "WXGATE_HUB_KEY=" + key()}, func(c *config.Config) any { return c.HubSites[1].String() + " " + string(c.HubKey) }, "http://shop2.cn:81 planted-key-planted-key-planted-key-"},
		{"site of a hub", []string{"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY_FILE=" + write(t, key()+"\n")}, func(c *config.Config) any { return c.HubURL.String() + " " + string(c.HubKey) }, "https://auth.example.com planted-key-planted-key-planted-key-"},
		{"hub of the same host by another scheme", []string{"WXGATE_HUB_URL=http://h5.example.com", "WXGATE_HUB_KEY=" + key()}, func(c *config.Config) any { return c.HubURL.String() }, "http://h5.example.com"},
		{"admin token", []string{"WXGATE_ADMIN_TOKEN=t0ken"}, func(c *config.Config) any { return c.AdminToken.Reveal() }, "t0ken"},
		{"the last of a name", []string{"WXGATE_APP_ID=wx1", "WXGATE_APP_ID=wx2"}, func(c *config.Config) any { return c.AppID }, "wx2"},
		{"empty is unset", []string{"WXGATE_PREFIX=", "WXGATE_LOGIN_RATE="}, func(c *config.Config) any { return c.Prefix }, "/_wx"},
		{"empty admin address is none", []string{"WXGATE_ADMIN_LISTEN="}, func(c *config.Config) any { return c.AdminListen }, ""},
		{"secret from a file", []string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + write(t, " from-file \r\n")}, func(c *config.Config) any { return c.AppSecret.Reveal() }, "from-file"},
		{"keys from a file", []string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=" + write(t, key()+"\n")}, func(c *config.Config) any { return string(c.CookieKeys[0]) }, "planted-key-planted-key-planted-key-"},
		{"empty _FILE is unset", []string{"WXGATE_APP_SECRET_FILE="}, func(c *config.Config) any { return c.AppSecret.Reveal() }, appSecret},
		{"line break behind a secret", []string{"WXGATE_APP_SECRET=s\n"}, func(c *config.Config) any { return c.AppSecret.Reveal() }, "s"},
		{"no $ expansion", []string{"WXGATE_APP_SECRET=a${PATH}"}, func(c *config.Config) any { return c.AppSecret.Reveal() }, "a${PATH}"},
		{"cookie domain with a dot", []string{"WXGATE_COOKIE_DOMAIN=.Example.com"}, func(c *config.Config) any { return c.CookieDomain }, "example.com"},
		{"cookie domain is the host", []string{"WXGATE_COOKIE_DOMAIN=h5.example.com"}, func(c *config.Config) any { return c.CookieDomain }, "h5.example.com"},
		{"no drain delay", []string{"WXGATE_DRAIN_DELAY=0s"}, func(c *config.Config) any { return c.DrainDelay }, time.Duration(0)},
		{"two listeners on any port", []string{"WXGATE_LISTEN=127.0.0.1:0", "WXGATE_ADMIN_LISTEN=127.0.0.1:0"}, func(c *config.Config) any { return c.Listen }, "127.0.0.1:0"},
		{"same port on two addresses", []string{"WXGATE_LISTEN=127.0.0.1:80", "WXGATE_ADMIN_LISTEN=127.0.0.2:80"}, func(c *config.Config) any { return c.AdminListen }, "127.0.0.2:80"},
		{"plain http", []string{"WXGATE_PUBLIC_URL=http://shop.test"}, func(c *config.Config) any { return c.PublicURL.String() }, "http://shop.test"},
		{"log level", []string{"WXGATE_LOG_LEVEL=debug"}, func(c *config.Config) any { return c.LogLevel }, zerolog.DebugLevel},
		{"no access log", []string{"WXGATE_ACCESS_LOG=false"}, func(c *config.Config) any { return c.AccessLog }, false},
		{"other programs' variables", []string{"HTTP_PROXY=x", "wxgate_app=x", "WXGATER_X=1", "nonsense"}, func(c *config.Config) any { return c.Mode }, "proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(environ(tt.changes...))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(c); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLoadFaults(t *testing.T) {
	t.Parallel()
	empty, garbage, missing := write(t, " \n"), write(t, "garbage"), filepath.Join(t.TempDir(), "missing")
	large := write(t, strings.Repeat("a", 1<<20+1))
	certA, keyA := pair(t)
	_, keyB := pair(t)
	folder := t.TempDir()
	const picture = "expected an address such as https://h5.example.com/qr.png, or a path of the site such as /static/qr.png"
	const duration = "expected a duration with its unit, such as 90s, 5m or 24h"
	for _, tt := range []struct {
		changes []string
		want    string
	}{
		{[]string{"WXGATE_APP_ID="}, "WXGATE_APP_ID: not set: the AppID of your official account, shown among its settings at mp.weixin.qq.com"},
		{[]string{"WXGATE_APP_SECRET=\n"}, "WXGATE_APP_SECRET: not set: the AppSecret of your official account, made at mp.weixin.qq.com beside the AppID; WXGATE_APP_SECRET_FILE may name a file with the value"},
		{[]string{"WXGATE_UPSTREAM="}, "WXGATE_UPSTREAM: not set: the address of your site, such as http://127.0.0.1:3000; or set WXGATE_MODE=forward-auth where nothing is to be forwarded"},
		{[]string{"WXGATE_PUBLIC_URL="}, "WXGATE_PUBLIC_URL: not set: the origin that visitors use, such as https://h5.example.com"},
		{[]string{"WXGATE_COOKIE_KEYS="}, "WXGATE_COOKIE_KEYS: not set: the keys that encrypt and sign the cookies; make one with: wxgate keygen; WXGATE_COOKIE_KEYS_FILE may name a file with the value"},

		{[]string{"WXGATE_APP_ID=wx 1"}, `WXGATE_APP_ID="wx 1": expected printable ASCII without spaces or line breaks`},
		{[]string{"WXGATE_APP_ID=微信"}, `WXGATE_APP_ID="微信": expected printable ASCII without spaces or line breaks`},
		{[]string{"WXGATE_APP_SECRET=planted secret"}, `WXGATE_APP_SECRET: expected printable ASCII without spaces or line breaks`},
		{[]string{"WXGATE_APP_SECRET_FILE=" + garbage}, `WXGATE_APP_SECRET: set as WXGATE_APP_SECRET_FILE too; keep one of the two`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + empty}, `WXGATE_APP_SECRET_FILE: the file is empty`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + large}, `WXGATE_APP_SECRET_FILE: expected the path of a readable file: larger than 1 MiB`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + appSecret}, `WXGATE_APP_SECRET_FILE: expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + t.TempDir()}, `WXGATE_APP_SECRET_FILE: expected the path of a readable file: is a directory`},
		{[]string{"WXGATE_COOKIE_KEYS=planted!"}, `WXGATE_COOKIE_KEYS: item 1 of the list: expected base64; make a key with: wxgate keygen`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=" + write(t, "planted=")}, `WXGATE_COOKIE_KEYS_FILE: item 1 of the list: a key of 5 bytes; at least 32 are needed; make one with: wxgate keygen`},

		{[]string{"WXGATE_UPSTREAM=web:80"}, `WXGATE_UPSTREAM="web:80": expected a URL that begins with http:// or https:// or h2c:// or unix://`},
		{[]string{"WXGATE_UPSTREAM=http://u:planted@web"}, `WXGATE_UPSTREAM: expected a URL without user name and password`},
		{[]string{"WXGATE_UPSTREAM=/=http://u:planted,x@web"}, `WXGATE_UPSTREAM: item 1 of the list: expected a port from 1 to 65535 behind the host`},
		{[]string{"WXGATE_MODE=forward", "WXGATE_UPSTREAM="}, `WXGATE_MODE="forward": expected proxy or forward-auth`},
		{[]string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM=web:80"}, `WXGATE_UPSTREAM="web:80": expected a URL that begins with http:// or https:// or h2c:// or unix://`},
		{[]string{"WXGATE_SCOPE=userinfo"}, `WXGATE_SCOPE="userinfo": expected snsapi_base or snsapi_userinfo`},
		{[]string{"WXGATE_SESSION_STORE=redis"}, `WXGATE_SESSION_STORE="redis": expected cookie`},
		{[]string{"WXGATE_OUTSIDE_WECHAT=scan"}, `WXGATE_OUTSIDE_WECHAT="scan": expected redirect or page or qrconnect or deny`},
		{[]string{"WXGATE_SNAPSHOT_USERS=Allow"}, `WXGATE_SNAPSHOT_USERS="Allow": expected allow or deny`},
		{[]string{"WXGATE_LOG_LEVEL=panic"}, `WXGATE_LOG_LEVEL="panic": expected debug or info or warn or error`},
		{[]string{"WXGATE_LOG_FORMAT=text"}, `WXGATE_LOG_FORMAT="text": expected json or console`},
		{[]string{"WXGATE_ACCESS_LOG=on"}, `WXGATE_ACCESS_LOG="on": expected true or false`},
		{[]string{"WXGATE_SESSION_TTL=24"}, `WXGATE_SESSION_TTL="24": ` + duration},
		{[]string{"WXGATE_DRAIN_DELAY=-1s"}, `WXGATE_DRAIN_DELAY="-1s": ` + duration},
		{[]string{"WXGATE_SESSION_TTL=0s"}, `WXGATE_SESSION_TTL="0s": expected a duration above zero`},
		{[]string{"WXGATE_SESSION_MAX_TTL=0"}, `WXGATE_SESSION_MAX_TTL="0": expected a duration above zero`},
		{[]string{"WXGATE_UPSTREAM_TIMEOUT=0s"}, `WXGATE_UPSTREAM_TIMEOUT="0s": expected a duration above zero`},
		{[]string{"WXGATE_WECHAT_TIMEOUT=0s"}, `WXGATE_WECHAT_TIMEOUT="0s": expected a duration above zero`},
		{[]string{"WXGATE_SHUTDOWN_TIMEOUT=0s"}, `WXGATE_SHUTDOWN_TIMEOUT="0s": expected a duration above zero`},
		{[]string{"WXGATE_SESSION_MAX_TTL=1h"}, `WXGATE_SESSION_TTL: 24h0m0s is longer than WXGATE_SESSION_MAX_TTL, 1h0m0s; shorten the one or lengthen the other`},
		{[]string{"WXGATE_LISTEN=8080"}, `WXGATE_LISTEN="8080": expected host:port, such as :8080 or 127.0.0.1:8080`},
		{[]string{"WXGATE_LISTEN=:http"}, `WXGATE_LISTEN=":http": expected host:port, such as :8080 or 127.0.0.1:8080`},
		{[]string{"WXGATE_ADMIN_LISTEN=a b:1"}, `WXGATE_ADMIN_LISTEN="a b:1": expected host:port, such as :8080 or 127.0.0.1:8080`},
		{[]string{"WXGATE_LISTEN=:9090"}, `WXGATE_ADMIN_LISTEN: :9090 overlaps the address of WXGATE_LISTEN, :9090; expected another port, or empty for none`},
		{[]string{"WXGATE_ADMIN_LISTEN=127.0.0.1:8080"}, `WXGATE_ADMIN_LISTEN="127.0.0.1:8080": 127.0.0.1:8080 overlaps the address of WXGATE_LISTEN, :8080; expected another port, or empty for none`},
		{[]string{"WXGATE_LISTEN=[::]:1", "WXGATE_ADMIN_LISTEN=127.0.0.1:1"}, `WXGATE_ADMIN_LISTEN="127.0.0.1:1": 127.0.0.1:1 overlaps the address of WXGATE_LISTEN, [::]:1; expected another port, or empty for none`},
		{[]string{"WXGATE_PREFIX=/"}, `WXGATE_PREFIX="/": expected a clean path of letters, digits and . _ ~ - / without a slash at its end, such as /_wx`},
		{[]string{"WXGATE_PREFIX=/a/"}, `WXGATE_PREFIX="/a/": expected a clean path of letters, digits and . _ ~ - / without a slash at its end, such as /_wx`},
		{[]string{"WXGATE_PREFIX=_wx"}, `WXGATE_PREFIX="_wx": expected a clean path of letters, digits and . _ ~ - / without a slash at its end, such as /_wx`},
		{[]string{"WXGATE_PREFIX=/{a}"}, `WXGATE_PREFIX="/{a}": expected a clean path of letters, digits and . _ ~ - / without a slash at its end, such as /_wx`},
		{[]string{"WXGATE_COOKIE_NAME=a=b"}, "WXGATE_COOKIE_NAME=\"a=b\": expected a cookie name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~"},
		{[]string{"WXGATE_COOKIE_NAME=a b"}, "WXGATE_COOKIE_NAME=\"a b\": expected a cookie name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~"},
		{[]string{"WXGATE_COOKIE_NAME=a_login_b"}, `WXGATE_COOKIE_NAME="a_login_b": expected a name without _login, which tells a login's cookie from a session's`},
		{[]string{"WXGATE_COOKIE_NAME=a_login"}, `WXGATE_COOKIE_NAME="a_login": expected a name without _login, which tells a login's cookie from a session's`},
		{[]string{"WXGATE_COOKIE_NAME=__host-a"}, `WXGATE_COOKIE_NAME="__host-a": expected a name without __Host- or __Secure-; wxgate puts __Host- before it where it may`},
		{[]string{"WXGATE_COOKIE_NAME=__Secure-a"}, `WXGATE_COOKIE_NAME="__Secure-a": expected a name without __Host- or __Secure-; wxgate puts __Host- before it where it may`},
		{[]string{"WXGATE_COOKIE_DOMAIN=example.org"}, `WXGATE_COOKIE_DOMAIN="example.org": expected the host of WXGATE_PUBLIC_URL, h5.example.com, or a domain above it: browsers refuse any other`},
		{[]string{"WXGATE_COOKIE_DOMAIN=ample.com"}, `WXGATE_COOKIE_DOMAIN="ample.com": expected the host of WXGATE_PUBLIC_URL, h5.example.com, or a domain above it: browsers refuse any other`},
		{[]string{"WXGATE_COOKIE_DOMAIN=example.com:443"}, `WXGATE_COOKIE_DOMAIN="example.com:443": expected a domain such as example.com, without scheme and port`},
		{[]string{"WXGATE_COOKIE_DOMAIN=."}, `WXGATE_COOKIE_DOMAIN=".": expected a domain such as example.com, without scheme and port`},
		{[]string{"WXGATE_COOKIE_DOMAIN=127.0.0.1", "WXGATE_PUBLIC_URL=http://127.0.0.1"}, `WXGATE_COOKIE_DOMAIN="127.0.0.1": expected a domain such as example.com, without scheme and port`},

		{[]string{"WXGATE_OUTSIDE_WECHAT=qrconnect", "WXGATE_QR_APP_ID=wx9"}, `WXGATE_QR_APP_SECRET: not set, but WXGATE_OUTSIDE_WECHAT=qrconnect needs it: the AppSecret of your website application at open.weixin.qq.com; WXGATE_QR_APP_SECRET_FILE may name a file with the value`},
		{[]string{"WXGATE_OUTSIDE_WECHAT=qrconnect", "WXGATE_QR_APP_SECRET=planted"}, `WXGATE_QR_APP_ID: not set, but WXGATE_OUTSIDE_WECHAT=qrconnect needs it: the AppID of your website application at open.weixin.qq.com, which is not the official account's`},
		{[]string{"WXGATE_QR_APP_ID=wx9"}, `WXGATE_QR_APP_SECRET: not set, but WXGATE_QR_APP_ID needs it: the AppSecret of your website application at open.weixin.qq.com; WXGATE_QR_APP_SECRET_FILE may name a file with the value`},
		{[]string{"WXGATE_QR_APP_SECRET=planted"}, `WXGATE_QR_APP_ID: not set, but WXGATE_QR_APP_SECRET needs it: the AppID of your website application at open.weixin.qq.com, which is not the official account's`},
		{[]string{"WXGATE_QR_APP_ID=wx0123456789abcdef", "WXGATE_QR_APP_SECRET=planted"}, `WXGATE_QR_APP_ID="wx0123456789abcdef": the official account's AppID, which WeChat refuses for scan login; expected that of a website application at open.weixin.qq.com`},
		{[]string{"WXGATE_QR_APP_ID=wx9", "WXGATE_QR_APP_SECRET=planted secret"}, `WXGATE_QR_APP_SECRET: expected printable ASCII without spaces or line breaks`},
		{[]string{"WXGATE_KEEP_FRAGMENT=yes"}, `WXGATE_KEEP_FRAGMENT="yes": expected true or false`},
		{[]string{"WXGATE_REQUIRE_FOLLOW=yes"}, `WXGATE_REQUIRE_FOLLOW="yes": expected true or false`},
		{[]string{"WXGATE_FOLLOW_RECHECK=0s"}, `WXGATE_FOLLOW_RECHECK="0s": expected a duration above zero`},
		{[]string{"WXGATE_FOLLOW_QR_URL=https://u:planted@h5.example.com/qr.png"}, `WXGATE_FOLLOW_QR_URL: expected a URL without user name and password`},
		{[]string{"WXGATE_FOLLOW_QR_URL=//evil.example/qr.png"}, `WXGATE_FOLLOW_QR_URL="//evil.example/qr.png": ` + picture},
		{[]string{"WXGATE_FOLLOW_QR_URL=///evil.example/qr.png"}, `WXGATE_FOLLOW_QR_URL="///evil.example/qr.png": ` + picture},
		{[]string{"WXGATE_FOLLOW_QR_URL=qr.png"}, `WXGATE_FOLLOW_QR_URL="qr.png": ` + picture},
		{[]string{"WXGATE_FOLLOW_QR_URL=javascript:alert(1)"}, `WXGATE_FOLLOW_QR_URL="javascript:alert(1)": ` + picture},
		{[]string{"WXGATE_FOLLOW_QR_URL=https:///qr.png"}, `WXGATE_FOLLOW_QR_URL="https:///qr.png": ` + picture},
		{[]string{"WXGATE_FOLLOW_QR_URL=/qr.png; script-src *"}, `WXGATE_FOLLOW_QR_URL="/qr.png; script-src *": ` + picture},
		{[]string{"WXGATE_ALLOW_OPENIDS_FILE=" + missing}, fmt.Sprintf(`WXGATE_ALLOW_OPENIDS_FILE=%q: open the list: no such file or directory`, missing)},
		{[]string{"WXGATE_DENY_OPENIDS_FILE=" + folder}, fmt.Sprintf(`WXGATE_DENY_OPENIDS_FILE=%q: open the list: is a directory`, folder)},
		{[]string{"WXGATE_ALLOW_OPENIDS=o1,o2"}, `WXGATE_ALLOW_OPENIDS: unknown; the nearest known name is WXGATE_ALLOW_OPENIDS_FILE`},
		{[]string{"WXGATE_PAGES_DIR=" + garbage}, fmt.Sprintf(`WXGATE_PAGES_DIR=%q: open the folder: not a folder`, garbage)},
		{[]string{"WXGATE_PAGES_DIR=" + missing}, fmt.Sprintf(`WXGATE_PAGES_DIR=%q: open the folder: no such file or directory`, missing)},
		{[]string{"WXGATE_JSSDK=on"}, `WXGATE_JSSDK="on": expected true or false`},
		{[]string{"WXGATE_TOKEN_MODE=plain"}, `WXGATE_TOKEN_MODE="plain": expected stable or legacy`},
		{[]string{"WXGATE_RELAY_LISTEN=:8081"}, `WXGATE_RELAY_PATHS: not set, but WXGATE_RELAY_LISTEN is; name what the relay is to forward, such as POST /cgi-bin/message/template/send`},
		{[]string{"WXGATE_RELAY_PATHS=/cgi-bin/"}, `WXGATE_RELAY_LISTEN: not set, but WXGATE_RELAY_PATHS is; the relay needs an address of its own, such as 127.0.0.1:8081`},
		{[]string{"WXGATE_RELAY_LISTEN=:8080", "WXGATE_RELAY_PATHS=/cgi-bin/"}, `WXGATE_RELAY_LISTEN=":8080": :8080 overlaps the address of WXGATE_LISTEN, :8080; expected another port`},
		{[]string{"WXGATE_RELAY_LISTEN=127.0.0.1:9090", "WXGATE_RELAY_PATHS=/cgi-bin/"}, `WXGATE_RELAY_LISTEN="127.0.0.1:9090": 127.0.0.1:9090 overlaps the address of WXGATE_ADMIN_LISTEN, :9090; expected another port`},
		{[]string{"WXGATE_RELAY_LISTEN=8081", "WXGATE_RELAY_PATHS=/cgi-bin/"}, `WXGATE_RELAY_LISTEN="8081": expected host:port, such as :8080 or 127.0.0.1:8080`},
		{[]string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=cgi-bin/"}, `WXGATE_RELAY_PATHS="cgi-bin/": item 1 of the list: expected a path that begins with /, with or without a method before it, such as /static/ or GET /news/{id}; hosts are not matched`},
		{[]string{"WXGATE_EXTAUTHZ_LISTEN=9000"}, `WXGATE_EXTAUTHZ_LISTEN="9000": expected host:port, such as :8080 or 127.0.0.1:8080`},
		{[]string{"WXGATE_EXTAUTHZ_LISTEN=:8080"}, `WXGATE_EXTAUTHZ_LISTEN=":8080": :8080 overlaps the address of WXGATE_LISTEN, :8080; expected another port`},
		{[]string{"WXGATE_EXTAUTHZ_LISTEN=:9090"}, `WXGATE_EXTAUTHZ_LISTEN=":9090": :9090 overlaps the address of WXGATE_ADMIN_LISTEN, :9090; expected another port`},
		{[]string{"WXGATE_EXTAUTHZ_LISTEN=:8081", "WXGATE_RELAY_LISTEN=10.0.0.1:8081", "WXGATE_RELAY_PATHS=/cgi-bin/"}, `WXGATE_EXTAUTHZ_LISTEN=":8081": :8081 overlaps the address of WXGATE_RELAY_LISTEN, 10.0.0.1:8081; expected another port`},
		{[]string{"WXGATE_ASSERTION_KEYS_FILE=" + missing}, fmt.Sprintf(`WXGATE_ASSERTION_KEYS_FILE=%q: open the keys: no such file or directory`, missing)},
		{[]string{"WXGATE_ASSERTION_KEYS_FILE=" + folder}, fmt.Sprintf(`WXGATE_ASSERTION_KEYS_FILE=%q: open the keys: is a directory`, folder)},
		{[]string{"WXGATE_HUB_URL=https://auth.example.com"}, `WXGATE_HUB_KEY: not set, but WXGATE_HUB_URL needs it: the key that a hub and its sites share; make one with: wxgate keygen; WXGATE_HUB_KEY_FILE may name a file with the value`},
		{[]string{"WXGATE_HUB_SITES=https://shop1.cn"}, `WXGATE_HUB_KEY: not set, but WXGATE_HUB_SITES needs it: the key that a hub and its sites share; make one with: wxgate keygen; WXGATE_HUB_KEY_FILE may name a file with the value`},
		{[]string{"WXGATE_HUB_KEY=" + key()}, `WXGATE_HUB_KEY: set, but neither WXGATE_HUB_URL nor WXGATE_HUB_SITES is; it has no use`},
		{[]string{"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY=planted"}, `WXGATE_HUB_KEY: a key of 5 bytes; at least 32 are needed; make one with: wxgate keygen`},
		{[]string{"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY=" + key() + "," + key()}, `WXGATE_HUB_KEY: expected base64; make a key with: wxgate keygen`},
		{[]string{"WXGATE_HUB_URL=https://auth.example.com/", "WXGATE_HUB_SITES=https://shop1.cn", "WXGATE_HUB_KEY=" + key()}, `WXGATE_HUB_URL="https://auth.example.com/": set beside WXGATE_HUB_SITES: a hub cannot use another hub; keep one of the two`},
		{[]string{"WXGATE_HUB_URL=https://H5.example.com:443", "WXGATE_HUB_KEY=" + key()}, `WXGATE_HUB_URL="https://H5.example.com:443": the site's own WXGATE_PUBLIC_URL, which would redirect visitors in a circle; expected the origin of another wxgate`},
		{[]string{"WXGATE_HUB_URL=auth.example.com", "WXGATE_HUB_KEY=" + key()}, `WXGATE_HUB_URL="auth.example.com": expected a URL that begins with http:// or https://`},
		{[]string{"WXGATE_HUB_SITES=https://shop1.cn,https://h5.example.com", "WXGATE_HUB_KEY=" + key()}, `WXGATE_HUB_SITES="https://shop1.cn,https://h5.example.com": https://h5.example.com is the hub's own WXGATE_PUBLIC_URL, which signs in without a ticket; leave it out`},
		{[]string{"WXGATE_ADMIN_LISTEN=", "WXGATE_ADMIN_TOKEN=planted"}, `WXGATE_ADMIN_TOKEN: set, but WXGATE_ADMIN_LISTEN is empty; the admin API needs that address`},
		{[]string{"WXGATE_ADMIN_TOKEN=planted token"}, `WXGATE_ADMIN_TOKEN: expected printable ASCII without spaces or line breaks`},

		{[]string{"WXGATE_TLS_CERT_FILE=" + certA}, `WXGATE_TLS_KEY_FILE: not set, but WXGATE_TLS_CERT_FILE is; HTTPS needs both`},
		{[]string{"WXGATE_TLS_KEY_FILE=" + keyA}, `WXGATE_TLS_CERT_FILE: not set, but WXGATE_TLS_KEY_FILE is; HTTPS needs both`},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=" + keyB}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE`, certA)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + garbage, "WXGATE_TLS_KEY_FILE=" + keyA}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE`, garbage)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=" + missing}, fmt.Sprintf(`WXGATE_TLS_KEY_FILE=%q: read the key: no such file or directory`, missing)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=-----BEGIN PRIVATE KEY-----planted"}, `WXGATE_TLS_KEY_FILE: read the key: no such file or directory`},
		{[]string{"WXGATE_UPSTREAM_CA_FILE=" + missing}, fmt.Sprintf(`WXGATE_UPSTREAM_CA_FILE=%q: read the certificates: no such file or directory`, missing)},
		{[]string{"WXGATE_UPSTREAM_CA_FILE=" + keyA}, fmt.Sprintf(`WXGATE_UPSTREAM_CA_FILE=%q: expected a file with at least one PEM certificate`, keyA)},

		{[]string{"WXGATE_APP_SECERT=planted"}, `WXGATE_APP_SECERT: unknown; the nearest known name is WXGATE_APP_SECRET`},
		{[]string{"WXGATE_COOKIE_KEY_FILE=planted"}, `WXGATE_COOKIE_KEY_FILE: unknown; the nearest known name is WXGATE_COOKIE_KEYS_FILE`},
		{[]string{"WXGATE_APP_ID_FILE=/x"}, `WXGATE_APP_ID_FILE: unknown; the nearest known name is WXGATE_APP_ID`},
		{[]string{"WXGATE_ADMIN_LISTN="}, `WXGATE_ADMIN_LISTN: unknown; the nearest known name is WXGATE_ADMIN_LISTEN`},
		{[]string{"WXGATE_MODE\n=1"}, `"WXGATE_MODE\n": unknown; the nearest known name is WXGATE_MODE`},
		{[]string{"WXGATE_RETURN_HOSTS=" + strings.Repeat("a", 300)}, `WXGATE_RETURN_HOSTS="` + strings.Repeat("a", 200) + `"…: item 1 of the list: expected a host such as h5.example.com or h5.example.com:8080, in ASCII (xn--… for other scripts), no wildcard`},
	} {
		t.Run(strings.Join(tt.changes, " ")[:min(60, len(strings.Join(tt.changes, " ")))], func(t *testing.T) {
			t.Parallel()
			if got := faults(t, environ(tt.changes...)); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}

// A command that only calls WeChat must run where the rest of the gateway is
// not set up, or not soundly.
func TestLoadAccount(t *testing.T) {
	t.Parallel()
	c, err := config.LoadAccount([]string{
		"WXGATE_APP_ID=wx1", "WXGATE_APP_SECRET_FILE=" + write(t, appSecret),
		"WXGATE_TOKEN_MODE=legacy", "WXGATE_WECHAT_API_URL=http://127.0.0.1:1/", "WXGATE_WECHAT_TIMEOUT=7s",
		"WXGATE_LISTEN=nonsense", "WXGATE_ADMIN_LISTEN=", "WXGATE_ADMIN_TOKEN=t", "WXGATE_COOKIE_KEYS=short",
		"WXGATE_SITES_0_APP_ID=wx2", "WXGATE_SITES_0_APP_SECRET=planted secret", "WXGATE_SITES_1_MODE=nonsense", "WXGATE_HUB_KEY=short",
		"WXGATE_RELAY_PATHS=/cgi-bin/", "WXGATE_QR_APP_ID=wx9", "WXGATE_TLS_KEY_FILE=/nowhere", "WXGATE_ALLOW_OPENIDS_FILE=/nowhere",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.AppID != "wx1" || c.AppSecret.Reveal() != appSecret || c.TokenMode != "legacy" || c.WeChatAPIURL != "http://127.0.0.1:1" || c.WeChatTimeout != 7*time.Second {
		t.Errorf("LoadAccount = %+v", c)
	}
	for _, tt := range []struct {
		environ []string
		want    string
	}{
		{[]string{"WXGATE_APP_ID=wx1"}, "WXGATE_APP_SECRET: not set: "},
		{[]string{"WXGATE_APP_SECRET=planted"}, "WXGATE_APP_ID: not set: "},
		{environ("WXGATE_TOKEN_MODE=new"), `WXGATE_TOKEN_MODE="new": expected stable or legacy`},
		{environ("WXGATE_WECHAT_TIMEOUT=0s"), `WXGATE_WECHAT_TIMEOUT="0s": expected a duration above zero`},
		{environ("WXGATE_APP_IDD=wx1"), "WXGATE_APP_IDD: unknown; the nearest known name is WXGATE_APP_ID"},
	} {
		c, err := config.LoadAccount(tt.environ)
		all, ok := errors.AsType[*config.Faults](err)
		if !ok || c != nil || len(all.List) != 1 || !strings.HasPrefix(all.List[0].String(), tt.want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("LoadAccount(%q) = %v, %v, want the one fault %s", tt.environ, c, err, tt.want)
		}
	}
}

func TestLoadTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"WXGATE_ZZZ=1",
		"WXGATE_AAA=planted",
		"WXGATE_DRAIN_DELAY=soon",
		"WXGATE_MAX_BODY=10MB",
		"WXGATE_SESSION_TTL=48h", "WXGATE_SESSION_MAX_TTL=24h",
		"WXGATE_COOKIE_KEYS=planted!",
		"WXGATE_PUBLIC_URL=h5.example.com",
		"WXGATE_COOKIE_DOMAIN=example.com", // nothing to be told while the public URL is unknown
		"WXGATE_APP_SECRET=planted", "WXGATE_APP_SECRET_FILE=/planted",
		"WXGATE_LISTEN=8080",
	})
	const want = `11 faults in the configuration:
  WXGATE_APP_ID: not set: the AppID of your official account, shown among its settings at mp.weixin.qq.com
  WXGATE_APP_SECRET: set as WXGATE_APP_SECRET_FILE too; keep one of the two
  WXGATE_UPSTREAM: not set: the address of your site, such as http://127.0.0.1:3000; or set WXGATE_MODE=forward-auth where nothing is to be forwarded
  WXGATE_PUBLIC_URL="h5.example.com": expected a URL that begins with http:// or https://
  WXGATE_COOKIE_KEYS: item 1 of the list: expected base64; make a key with: wxgate keygen
  WXGATE_LISTEN="8080": expected host:port, such as :8080 or 127.0.0.1:8080
  WXGATE_SESSION_TTL="48h": 48h0m0s is longer than WXGATE_SESSION_MAX_TTL, 24h0m0s; shorten the one or lengthen the other
  WXGATE_MAX_BODY="10MB": expected a whole number of bytes, KiB, MiB or GiB, such as 4096, 512KiB or 10MiB
  WXGATE_DRAIN_DELAY="soon": expected a duration with its unit, such as 90s, 5m or 24h
  WXGATE_AAA: unknown; the nearest known name is WXGATE_MODE
  WXGATE_ZZZ: unknown; the nearest known name is WXGATE_MODE`
	if err == nil || err.Error() != want {
		t.Errorf("Load: %v\nwant %s", err, want)
	}
}

func TestLoadOfNothing(t *testing.T) {
	// Not parallel: Setenv. An empty environment must not mean the process's.
	t.Setenv("WXGATE_APP_ID", "wx-of-the-process")
	if got := len(faults(t, nil)); got != 5 {
		t.Errorf("Load(nil) tells %d faults, want one for each of the 5 required variables", got)
	}
}

func TestConfigShowsNoSecret(t *testing.T) {
	t.Parallel()
	c, err := config.Load(environ("WXGATE_QR_APP_ID=wx9", "WXGATE_QR_APP_SECRET=planted-qr", "WXGATE_ADMIN_TOKEN=planted-token",
		"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY="+key()))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{string(text)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, *c))
	}
	for _, s := range shown {
		for _, secret := range []string{"planted", key(), "706c616e746564", fmt.Sprint([]byte("planted"))[1:20]} {
			if strings.Contains(s, secret) {
				t.Errorf("shows the secret %q: %s", secret, s)
			}
		}
		if strings.Count(s, "[redacted]") != 5 {
			t.Errorf("redacted %d times, want five times: %s", strings.Count(s, "[redacted]"), s)
		}
	}
	if want := `"Upstream":"http://web:80"`; !strings.Contains(shown[0], want) {
		t.Errorf("JSON without %s: %s", want, shown[0])
	}
}

func TestLoadCertificates(t *testing.T) {
	t.Parallel()
	cert, key := pair(t)
	c, err := config.Load(environ("WXGATE_TLS_CERT_FILE="+cert, "WXGATE_TLS_KEY_FILE="+key, "WXGATE_UPSTREAM_CA_FILE="+cert))
	if err != nil {
		t.Fatal(err)
	}
	if c.UpstreamCAs == nil || c.UpstreamCAs.Equal(x509.NewCertPool()) {
		t.Error("UpstreamCAs is empty")
	}
}

// pair writes a new certificate and its key and gives the two paths.
func pair(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(name string, der []byte) string {
		return write(t, string(pem.EncodeToMemory(&pem.Block{Type: name, Bytes: der})))
	}
	return block("CERTIFICATE", cert), block("PRIVATE KEY", der)
}
