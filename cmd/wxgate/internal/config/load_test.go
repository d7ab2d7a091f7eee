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

// key returns a cookie key in base64, whose bytes are easy to find in a message.
func key() string {
	return base64.StdEncoding.EncodeToString([]byte("planted-key-planted-key-planted-key-"))
}

// environ returns a valid environment followed by changes; "NAME=" unsets a
// variable.
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

// read returns the text of a file.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// write writes text to a new file and returns its path.
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
		{"RedisURL", c.RedisURL.IsZero(), true},
		{"RedisCAFile", c.RedisCAFile, ""},
		{"RedisCAs", c.RedisCAs == nil, true},
		{"RedisGrace", c.RedisGrace, 10 * time.Second},
		{"PassAccessToken", c.PassAccessToken, false},
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
		{"StallTimeout", c.StallTimeout, time.Minute},
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
		{"Redis store", []string{"WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL=redis://:planted@redis/1"}, func(c *config.Config) any { return c.SessionStore + " " + c.RedisURL.String() + c.RedisURL.Password }, "redis redis://[redacted]@redis:6379/1planted"},
		{"Redis beside the cookie store", []string{"WXGATE_REDIS_URL=redis+cluster://h1,h2"}, func(c *config.Config) any { return c.SessionStore + " " + c.RedisURL.String() }, "cookie redis+cluster://h1:6379,h2:6379"},
		{"address of Redis from a file", []string{"WXGATE_REDIS_URL_FILE=" + write(t, "redis+sentinel://h1/0?master=m\n")}, func(c *config.Config) any { return c.RedisURL.Master }, "m"},
		{"no grace", []string{"WXGATE_REDIS_URL=redis://h", "WXGATE_REDIS_GRACE=0"}, func(c *config.Config) any { return c.RedisGrace }, time.Duration(0)},
		{"access token", []string{"WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL=redis://h", "WXGATE_PASS_ACCESS_TOKEN=true"}, func(c *config.Config) any { return c.PassAccessToken }, true},
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
		{"relay's hosts", []string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/", "WXGATE_RELAY_HOSTS= Relay.Example.com , [::1]:8081 "}, func(c *config.Config) any { return strings.Join(c.RelayHosts, " ") }, "relay.example.com [::1]:8081"},
		{"relay", []string{"WXGATE_RELAY_LISTEN=10.0.0.1:8081", "WXGATE_RELAY_PATHS=POST /cgi-bin/message/template/send, GET /cgi-bin/tags/get"}, func(c *config.Config) any { return c.RelayListen + " " + c.RelayPaths[1] }, "10.0.0.1:8081 GET /cgi-bin/tags/get"},
		{"forward auth has no upstream", []string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM="}, func(c *config.Config) any { return c.Mode + c.Upstream.String() }, "forward-auth"},
		{"forward auth with an upstream", []string{"WXGATE_MODE=forward-auth"}, func(c *config.Config) any { return c.Upstream.String() }, "http://web:80"},
		{"ext_authz", []string{"WXGATE_EXTAUTHZ_LISTEN=127.0.0.1:9000"}, func(c *config.Config) any { return c.ExtAuthzListen }, "127.0.0.1:9000"},
		{"assertion keys", []string{"WXGATE_ASSERTION_KEYS_FILE=" + list}, func(c *config.Config) any { return c.AssertionKeysFile }, list},
		{"hub", []string{"WXGATE_HUB_SITES=https://shop1.cn, http://shop2.cn:81/", "WXGATE_HUB_KEY=" + key()}, func(c *config.Config) any { return c.HubSites[1].String() + " " + string(c.HubKey) }, "http://shop2.cn:81 planted-key-planted-key-planted-key-"},
		{"site of a hub", []string{"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY_FILE=" + write(t, key()+"\n")}, func(c *config.Config) any { return c.HubURL.String() + " " + string(c.HubKey) }, "https://auth.example.com planted-key-planted-key-planted-key-"},
		{"hub of the same host by another scheme", []string{"WXGATE_HUB_URL=http://h5.example.com", "WXGATE_HUB_KEY=" + key()}, func(c *config.Config) any { return c.HubURL.String() }, "http://h5.example.com"},
		{"admin token", []string{"WXGATE_ADMIN_TOKEN=t0ken-t0ken-t0ke"}, func(c *config.Config) any { return c.AdminToken.Reveal() }, "t0ken-t0ken-t0ke"},
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
		{"no stall limit", []string{"WXGATE_STALL_TIMEOUT=0"}, func(c *config.Config) any { return c.StallTimeout }, time.Duration(0)},
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

// A command that only calls WeChat must run where the other variables are missing
// or wrong.
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

func TestLoadOfNothing(t *testing.T) {
	// Not parallel: Setenv. An empty environment must not mean the process's.
	t.Setenv("WXGATE_APP_ID", "wx-of-the-process")
	if got := len(faults(t, nil)); got != 5 {
		t.Errorf("Load(nil) reports %d faults, want one for each of the 5 required variables", got)
	}
}

func TestConfigShowsNoSecret(t *testing.T) {
	t.Parallel()
	c, err := config.Load(environ("WXGATE_QR_APP_ID=wx9", "WXGATE_QR_APP_SECRET=planted-qr", "WXGATE_ADMIN_TOKEN=planted-admin-token",
		"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY="+key(),
		"WXGATE_REDIS_URL=redis+sentinel://planted:planted@h1/0?master=m&sentinel_username=planted&sentinel_password=planted"))
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
		if strings.Count(s, "[redacted]") != 8 { // three of them in the address of Redis
			t.Errorf("redacted %d times, want eight times: %s", strings.Count(s, "[redacted]"), s)
		}
	}
	if want := `"Upstream":"http://web:80"`; !strings.Contains(shown[0], want) {
		t.Errorf("JSON without %s: %s", want, shown[0])
	}
}

func TestLoadCertificates(t *testing.T) {
	t.Parallel()
	cert, key := pair(t)
	c, err := config.Load(environ(
		"WXGATE_TLS_CERT_FILE="+cert, "WXGATE_TLS_KEY_FILE="+key, "WXGATE_UPSTREAM_CA_FILE="+cert,
		"WXGATE_REDIS_URL=rediss+cluster://h1,h2", "WXGATE_REDIS_CA_FILE="+cert,
	))
	if err != nil {
		t.Fatal(err)
	}
	if c.RedisCAs == nil || c.RedisCAs.Equal(x509.NewCertPool()) {
		t.Error("RedisCAs is empty")
	}
	if c.UpstreamCAs == nil || c.UpstreamCAs.Equal(x509.NewCertPool()) {
		t.Error("UpstreamCAs is empty")
	}
}

// pair writes a new certificate and its key and returns the two paths.
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
