package config_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// faults loads an environment that Load must refuse and returns the faults, a line
// each.
func faults(t *testing.T, environ []string) []string {
	t.Helper()
	c, err := config.Load(environ)
	all, ok := errors.AsType[*config.Faults](err)
	if !ok {
		t.Fatalf("Load(%q) = %v, %v, want *Faults", environ, c, err)
	}
	if c != nil {
		t.Errorf("Load returns a configuration together with the error %v", err)
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

func TestLoadFaults(t *testing.T) {
	t.Parallel()
	empty, garbage, missing := write(t, " \n"), write(t, "garbage"), filepath.Join(t.TempDir(), "missing")
	large := write(t, strings.Repeat("a", 1<<20+1))
	certA, keyA := pair(t)
	certB, keyB := pair(t)
	joined := write(t, read(t, certB)+read(t, certA))
	encrypted := write(t, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n")
	folder := t.TempDir()
	scanLogin := slices.Clip([]string{
		"WXGATE_OUTSIDE_WECHAT=qrconnect", "WXGATE_QR_APP_ID=wx9", "WXGATE_QR_APP_SECRET=planted",
	})
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
		{[]string{"WXGATE_APP_ID=gh_0123456789ab"}, `WXGATE_APP_ID="gh_0123456789ab": the account's original id (原始 ID); expected its AppID, which begins with wx`},
		{[]string{"WXGATE_QR_APP_ID=gh_0123456789ab", "WXGATE_QR_APP_SECRET=s"}, `WXGATE_QR_APP_ID="gh_0123456789ab": the account's original id (原始 ID); expected its AppID, which begins with wx`},
		{[]string{"WXGATE_APP_ID=微信"}, `WXGATE_APP_ID="微信": expected printable ASCII without spaces or line breaks`},
		{[]string{"WXGATE_APP_SECRET=planted secret"}, `WXGATE_APP_SECRET: expected printable ASCII without spaces or line breaks`},
		{[]string{"WXGATE_APP_SECRET_FILE=" + garbage}, `WXGATE_APP_SECRET: set as WXGATE_APP_SECRET_FILE too; keep one of the two`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + empty}, `WXGATE_APP_SECRET_FILE: the file is empty`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + large}, fmt.Sprintf(`WXGATE_APP_SECRET_FILE=%q: expected the path of a readable file: larger than 1 MiB`, large)},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + appSecret}, `WXGATE_APP_SECRET_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + folder}, fmt.Sprintf(`WXGATE_APP_SECRET_FILE=%q: expected the path of a readable file: is a directory`, folder)},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=" + missing}, fmt.Sprintf(`WXGATE_APP_SECRET_FILE=%q: expected the path of a readable file: no such file or directory`, missing)},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=testdata"}, `WXGATE_COOKIE_KEYS_FILE="testdata": expected the path of a readable file: is a directory`},
		{[]string{"WXGATE_ADMIN_TOKEN_FILE=.."}, `WXGATE_ADMIN_TOKEN_FILE="..": expected the path of a readable file: is a directory`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=/run/secrets/cookiekeys"}, `WXGATE_COOKIE_KEYS_FILE="/run/secrets/cookiekeys": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_ADMIN_TOKEN_FILE=secrets/admin-token-of-mine"}, `WXGATE_ADMIN_TOKEN_FILE="secrets/admin-token-of-mine": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=secrets/cookie-keys"}, `WXGATE_COOKIE_KEYS_FILE="secrets/cookie-keys": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=deploy/secrets/wxgate/cookiekeys0"}, `WXGATE_COOKIE_KEYS_FILE="deploy/secrets/wxgate/cookiekeys0": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=../wxgate/Secrets/CookieKeys/Newest0"}, `WXGATE_COOKIE_KEYS_FILE="../wxgate/Secrets/CookieKeys/Newest0": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=cookie-keys"}, `WXGATE_COOKIE_KEYS_FILE="cookie-keys": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=app_secret"}, `WXGATE_APP_SECRET_FILE="app_secret": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=wxgate-app-secret-2026.txt"}, `WXGATE_APP_SECRET_FILE="wxgate-app-secret-2026.txt": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_REDIS_URL_FILE=secrets/redis-url"}, `WXGATE_REDIS_URL_FILE="secrets/redis-url": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_ADMIN_TOKEN_FILE=planted-admin-token-of-mine"}, `WXGATE_ADMIN_TOKEN_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_ADMIN_TOKEN_FILE=planted.token0"}, `WXGATE_ADMIN_TOKEN_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_APP_SECRET=", "WXGATE_APP_SECRET_FILE=planted0123456789abcdef012345678"}, `WXGATE_APP_SECRET_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=planted/AbCdEfGhIjKlMnOpQrStUvWxYz/planted0123"}, `WXGATE_COOKIE_KEYS_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_ADMIN_TOKEN_FILE=testdata/admin-token"}, `WXGATE_ADMIN_TOKEN_FILE="testdata/admin-token": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_ADMIN_TOKEN_FILE=./secrets/admin-token"}, `WXGATE_ADMIN_TOKEN_FILE="./secrets/admin-token": expected the path of a readable file: no such file or directory`},
		{[]string{"WXGATE_HUB_KEY_FILE=" + key(), "WXGATE_HUB_URL=https://auth.example.com"}, `WXGATE_HUB_KEY_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=/planted0123456789abcdef/planted0123456789ABCDEF"}, `WXGATE_COOKIE_KEYS_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=planted/0123456789abcdef+planted0123456789A="}, `WXGATE_COOKIE_KEYS_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_REDIS_URL_FILE=redis://:planted@h/0"}, `WXGATE_REDIS_URL_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_COOKIE_KEYS=planted!"}, `WXGATE_COOKIE_KEYS: item 1 of the list: expected base64; make a key with: wxgate keygen`},
		{[]string{"WXGATE_COOKIE_KEYS=", "WXGATE_COOKIE_KEYS_FILE=" + write(t, "planted=")}, `WXGATE_COOKIE_KEYS_FILE: item 1 of the list: a key of 5 bytes; at least 32 are needed; make one with: wxgate keygen`},

		{[]string{"WXGATE_UPSTREAM=web:80"}, `WXGATE_UPSTREAM="web:80": expected a URL that begins with http:// or https:// or h2c:// or unix://`},
		{[]string{"WXGATE_UPSTREAM=http://u:planted@web"}, `WXGATE_UPSTREAM: expected a URL without user name and password`},
		{[]string{"WXGATE_UPSTREAM=/=http://u:planted,x@web"}, `WXGATE_UPSTREAM: item 1 of the list: expected a port from 1 to 65535 behind the host; item 2 of the list: expected path=URL, such as /api/=http://api:8080`},
		{[]string{"WXGATE_MODE=forward", "WXGATE_UPSTREAM="}, `WXGATE_MODE="forward": expected proxy or forward-auth`},
		{[]string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM=web:80"}, `WXGATE_UPSTREAM="web:80": expected a URL that begins with http:// or https:// or h2c:// or unix://`},
		{[]string{"WXGATE_SCOPE=userinfo"}, `WXGATE_SCOPE="userinfo": expected snsapi_base or snsapi_userinfo`},
		{[]string{"WXGATE_SESSION_STORE=Redis"}, `WXGATE_SESSION_STORE="Redis": expected cookie or redis`},
		{[]string{"WXGATE_SESSION_STORE=redis"}, `WXGATE_REDIS_URL: not set, but WXGATE_SESSION_STORE=redis needs it: the address of your Redis, such as redis://redis:6379/0; WXGATE_REDIS_URL_FILE may name a file with the value`},
		{[]string{"WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL=redis://planted@h"}, `WXGATE_REDIS_URL: no password before the @; expected user:password@, or :password@ for a password without a user, or nothing before the hosts`},
		{[]string{"WXGATE_REDIS_URL_FILE=" + write(t, "http://:planted@h")}, `WXGATE_REDIS_URL_FILE: expected redis:// in place of http://; Redis does not speak HTTP`},
		{[]string{"WXGATE_REDIS_URL_FILE=planted"}, `WXGATE_REDIS_URL_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{[]string{"WXGATE_REDIS_URL=redis://h", "WXGATE_REDIS_URL_FILE=" + garbage}, `WXGATE_REDIS_URL: set as WXGATE_REDIS_URL_FILE too; keep one of the two`},
		{[]string{"WXGATE_REDIS_URL=\"redis://h\""}, `WXGATE_REDIS_URL: in quotes, which would be part of the value; remove them`},
		{[]string{"WXGATE_REDIS_CA_FILE=" + certA}, fmt.Sprintf(`WXGATE_REDIS_CA_FILE=%q: set, but WXGATE_REDIS_URL is not; it has no use`, certA)},
		{[]string{"WXGATE_REDIS_CA_FILE=" + certA, "WXGATE_REDIS_URL=redis+cluster://h"}, fmt.Sprintf(`WXGATE_REDIS_CA_FILE=%q: set, but WXGATE_REDIS_URL begins with redis, which is Redis without TLS; write rediss there, or remove this file`, certA)},
		{[]string{"WXGATE_REDIS_CA_FILE=" + certA, "WXGATE_REDIS_URL_FILE=" + write(t, "redis://h")}, fmt.Sprintf(`WXGATE_REDIS_CA_FILE=%q: set, but WXGATE_REDIS_URL_FILE begins with redis, which is Redis without TLS; write rediss there, or remove this file`, certA)},
		{[]string{"WXGATE_REDIS_CA_FILE=" + keyA, "WXGATE_REDIS_URL=rediss://h"}, fmt.Sprintf(`WXGATE_REDIS_CA_FILE=%q: expected a file with at least one PEM certificate`, keyA)},
		{[]string{"WXGATE_REDIS_CA_FILE=" + missing, "WXGATE_REDIS_URL=rediss://h"}, fmt.Sprintf(`WXGATE_REDIS_CA_FILE=%q: read the certificates: no such file or directory`, missing)},
		{[]string{"WXGATE_REDIS_CA_FILE=-----BEGIN CERTIFICATE-----planted", "WXGATE_REDIS_URL=rediss://h"}, `WXGATE_REDIS_CA_FILE: read the certificates: no such file or directory`},
		{[]string{"WXGATE_REDIS_GRACE=-1s"}, `WXGATE_REDIS_GRACE="-1s": expected a duration that is not negative`},
		{[]string{"WXGATE_REDIS_GRACE=10"}, `WXGATE_REDIS_GRACE="10": ` + duration},
		{[]string{"WXGATE_PASS_ACCESS_TOKEN=yes"}, `WXGATE_PASS_ACCESS_TOKEN="yes": expected true or false`},
		{[]string{"WXGATE_PASS_ACCESS_TOKEN=true"}, `WXGATE_PASS_ACCESS_TOKEN="true": needs WXGATE_SESSION_STORE=redis: cookies do not hold access tokens; set that too, or leave this out`},
		{[]string{"WXGATE_PASS_ACCESS_TOKEN=1", "WXGATE_REDIS_URL=redis://h", "WXGATE_SESSION_STORE=cookie"}, `WXGATE_PASS_ACCESS_TOKEN="1": needs WXGATE_SESSION_STORE=redis: cookies do not hold access tokens; set that too, or leave this out`},
		{[]string{"WXGATE_REDIS_ADDR=planted"}, `WXGATE_REDIS_ADDR: unknown; the nearest known name is WXGATE_REDIS_URL`},
		{[]string{"WXGATE_OUTSIDE_WECHAT=scan"}, `WXGATE_OUTSIDE_WECHAT="scan": expected redirect or page or qrconnect or deny`},
		{[]string{"WXGATE_SNAPSHOT_USERS=Allow"}, `WXGATE_SNAPSHOT_USERS="Allow": expected allow or deny`},
		{[]string{"WXGATE_LOG_LEVEL=panic"}, `WXGATE_LOG_LEVEL="panic": expected debug or info or warn or error`},
		{[]string{"WXGATE_LOG_FORMAT=text"}, `WXGATE_LOG_FORMAT="text": expected json or console`},
		{[]string{"WXGATE_ACCESS_LOG=on"}, `WXGATE_ACCESS_LOG="on": expected true or false`},
		{[]string{"WXGATE_SESSION_TTL=24"}, `WXGATE_SESSION_TTL="24": ` + duration},
		{[]string{"WXGATE_DRAIN_DELAY=-1s"}, `WXGATE_DRAIN_DELAY="-1s": expected a duration that is not negative`},
		{[]string{"WXGATE_STALL_TIMEOUT=-1s"}, `WXGATE_STALL_TIMEOUT="-1s": expected a duration that is not negative`},
		{[]string{"WXGATE_STALL_TIMEOUT=60"}, `WXGATE_STALL_TIMEOUT="60": ` + duration},
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
		{append(scanLogin, "WXGATE_REQUIRE_FOLLOW=true"), `WXGATE_REQUIRE_FOLLOW="true": WeChat does not tell which visitors of a scan login follow the account; set another value than qrconnect in WXGATE_OUTSIDE_WECHAT`},
		{append(scanLogin, "WXGATE_OUTSIDE_WECHAT=", "WXGATE_PUBLIC_URL=", "WXGATE_SITES_3_HOSTS=a.example.com", "WXGATE_SITES_3_OUTSIDE_WECHAT=qrconnect", "WXGATE_SITES_3_REQUIRE_FOLLOW=1"), `WXGATE_SITES_3_REQUIRE_FOLLOW="1": WeChat does not tell which visitors of a scan login follow the account; set another value than qrconnect in WXGATE_SITES_3_OUTSIDE_WECHAT`},
		{append(scanLogin, "WXGATE_PUBLIC_URL=", "WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_0_REQUIRE_FOLLOW=1"), `WXGATE_SITES_0_REQUIRE_FOLLOW="1": WeChat does not tell which visitors of a scan login follow the account; set another value than qrconnect in WXGATE_OUTSIDE_WECHAT`},
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
		{[]string{"WXGATE_RELAY_PATHS=/cgi-bin/"}, `WXGATE_RELAY_LISTEN: not set, but WXGATE_RELAY_PATHS is; the relay needs an address of its own, such as 127.0.0.1:8082`},
		{[]string{"WXGATE_RELAY_HOSTS=relay.example.com"}, `WXGATE_RELAY_HOSTS="relay.example.com": set, but WXGATE_RELAY_LISTEN is not; without that address there is no relay`},
		{[]string{"WXGATE_RELAY_HOSTS=https://relay.example.com", "WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/"}, `WXGATE_RELAY_HOSTS="https://relay.example.com": item 1 of the list: expected a host alone, such as h5.example.com, without http:// or https://`},
		{[]string{"WXGATE_RELAY_HOSTS=ok.example.com, *.example.com", "WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/"}, `WXGATE_RELAY_HOSTS="ok.example.com, *.example.com": item 2 of the list: expected a host such as h5.example.com or h5.example.com:8080, in ASCII (xn--… for other scripts), no wildcard`},
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
		{[]string{"WXGATE_ADMIN_LISTEN=", "WXGATE_ADMIN_TOKEN=planted-admin-token"}, `WXGATE_ADMIN_TOKEN: set, but WXGATE_ADMIN_LISTEN is empty; the admin API needs that address`},
		{[]string{"WXGATE_ADMIN_TOKEN=planted token"}, `WXGATE_ADMIN_TOKEN: expected printable ASCII without spaces or line breaks`},

		{[]string{"WXGATE_TLS_CERT_FILE=" + certA}, `WXGATE_TLS_KEY_FILE: not set, but WXGATE_TLS_CERT_FILE is; HTTPS needs both`},
		{[]string{"WXGATE_TLS_KEY_FILE=" + keyA}, `WXGATE_TLS_CERT_FILE: not set, but WXGATE_TLS_KEY_FILE is; HTTPS needs both`},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=" + keyB}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE`, certA)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + garbage, "WXGATE_TLS_KEY_FILE=" + keyA}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE; the file holds no PEM certificate`, garbage)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + keyA, "WXGATE_TLS_KEY_FILE=" + certA}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE; the two files are swapped`, keyA)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + keyA, "WXGATE_TLS_KEY_FILE=" + keyA}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE; the file holds a key and no certificate`, keyA)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=" + certA}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE; the key file holds a certificate and no key`, certA)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=" + garbage}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE; the key file holds no PEM key`, certA)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=" + encrypted}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE; the key is encrypted: decrypt it, as nobody types its password when wxgate starts`, certA)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + joined, "WXGATE_TLS_KEY_FILE=" + keyA}, fmt.Sprintf(`WXGATE_TLS_CERT_FILE=%q: expected a PEM certificate that belongs to the PEM key in WXGATE_TLS_KEY_FILE; certificate 2 of the file does: put it first, then its issuers`, joined)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=" + missing}, fmt.Sprintf(`WXGATE_TLS_KEY_FILE=%q: read the key: no such file or directory`, missing)},
		{[]string{"WXGATE_TLS_CERT_FILE=" + certA, "WXGATE_TLS_KEY_FILE=-----BEGIN PRIVATE KEY-----planted"}, `WXGATE_TLS_KEY_FILE: read the key: no such file or directory; the value is not shown, because it looks like the secret itself`},
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

func TestLoadReportsAllFaults(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"WXGATE_ZZZ=1",
		"WXGATE_AAA=planted",
		"WXGATE_DRAIN_DELAY=soon",
		"WXGATE_MAX_BODY=10MB",
		"WXGATE_SESSION_TTL=48h", "WXGATE_SESSION_MAX_TTL=24h",
		"WXGATE_COOKIE_KEYS=planted!",
		"WXGATE_PUBLIC_URL=h5.example.com",
		"WXGATE_COOKIE_DOMAIN=example.com", // not checked without a valid public URL
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

// A later fault of a value names the setting that gave it.
func TestConfigFault(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c, err := config.Load(shared("WXGATE_PAGES_DIR="+folder, "WXGATE_SITES_1_COOKIE_NAME=b"))
	if err != nil {
		t.Fatal(err)
	}
	own := c.Sites[1].Config
	for _, tt := range []struct {
		c              *config.Config
		variable, want string
	}{
		{c, "WXGATE_PAGES_DIR", fmt.Sprintf("WXGATE_PAGES_DIR=%q: odd", folder)},
		{own, "WXGATE_PAGES_DIR", fmt.Sprintf("WXGATE_PAGES_DIR=%q: odd", folder)},
		{own, "WXGATE_COOKIE_NAME", `WXGATE_SITES_1_COOKIE_NAME="b": odd`},
		{own, "WXGATE_APP_SECRET", "WXGATE_SITES_1_APP_SECRET: odd"},
		{own, "WXGATE_PUBLIC_URL", `WXGATE_SITES_1_HOSTS="b.example.com": odd`},
		{own, "WXGATE_SCOPE", "WXGATE_SCOPE: odd"},
	} {
		if got := tt.c.Fault(tt.variable, "odd").String(); got != tt.want {
			t.Errorf("Fault(%s) = %s, want %s", tt.variable, got, tt.want)
		}
	}
}

// Every list names all of its faulty items.
func TestLoadListFaults(t *testing.T) {
	t.Parallel()
	const relayed = "WXGATE_RELAY_LISTEN=127.0.0.1:8082"
	star := "a * matches nothing but itself; /static/ covers everything below it, {name} one segment"
	token := "expected only the part between MP_verify_ and .txt in the file's name: at most 64 letters and digits"
	for _, tt := range []struct{ name, value, first, third, with string }{
		{"WXGATE_PUBLIC_PATHS", "/a*,/b,/c*", star, star, ""},
		{"WXGATE_API_PATHS", "/a*,/b,/c*", star, star, ""},
		{"WXGATE_ACCESS_LOG_SKIP", "/a*,/b,/c*", star, star, ""},
		{"WXGATE_RELAY_PATHS", "/a*,/b,/c*", star, star, relayed},
		{"WXGATE_RELAY_HOSTS", "a:b,c,", "expected a port from 1 to 65535 behind the host", "", relayed},
		{"WXGATE_RETURN_HOSTS", "a:b,c,", "expected a port from 1 to 65535 behind the host", "", ""},
		{"WXGATE_VERIFY_FILES", "a.txt,b,c.txt", token, token, ""},
		{"WXGATE_TRUSTED_PROXIES", "web,10.0.0.1,", "expected a CIDR or an address, such as 10.0.0.0/8 or 192.0.2.1", "", ""},
		{"WXGATE_UPSTREAM", "x,/=http://b,/a", "expected path=URL, such as /api/=http://api:8080", "expected path=URL, such as /api/=http://api:8080", ""},
		{"WXGATE_HUB_SITES", "a.cn,https://b.cn,", "expected a URL that begins with http:// or https://", "", "WXGATE_HUB_KEY=" + key()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			third := "item 3 of the list: " + tt.third
			if tt.third == "" {
				third = "item 3 of the list is empty"
			}
			want := fmt.Sprintf("%s=%q: item 1 of the list: %s; %s", tt.name, tt.value, tt.first, third)
			changes := []string{tt.name + "=" + tt.value}
			if tt.with == relayed && tt.name != "WXGATE_RELAY_PATHS" {
				changes = append(changes, "WXGATE_RELAY_PATHS=/cgi-bin/")
			}
			if tt.with != "" {
				changes = append(changes, tt.with)
			}
			if got := faults(t, environ(changes...)); !slices.Equal(got, []string{want}) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
			}
		})
	}
	const secret = "WXGATE_COOKIE_KEYS: item 1 of the list: expected base64; make a key with: wxgate keygen; " +
		"item 3 of the list is empty; items 2 and 4 of the list are the same key"
	if got := faults(t, environ("WXGATE_COOKIE_KEYS=planted!,"+key()+",,"+key())); !slices.Equal(got, []string{secret}) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), secret)
	}
}
