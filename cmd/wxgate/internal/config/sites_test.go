package config_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/wechat"
)

// shared returns the environment of two sites with shared variables, followed by
// changes.
func shared(changes ...string) []string {
	return append([]string{
		"WXGATE_UPSTREAM=http://web:80",
		"WXGATE_COOKIE_KEYS=" + key(),
		"WXGATE_SITES_0_HOSTS=a.example.com",
		"WXGATE_SITES_0_APP_ID=wxa",
		"WXGATE_SITES_0_APP_SECRET=" + appSecret + "-a",
		"WXGATE_SITES_1_HOSTS=b.example.com",
		"WXGATE_SITES_1_APP_ID=wxb",
		"WXGATE_SITES_1_APP_SECRET=" + appSecret + "-b",
	}, changes...)
}

func TestLoadSites(t *testing.T) {
	t.Parallel()
	c, err := config.Load(shared(
		"WXGATE_SITES_10_PUBLIC_URL=http://C.example.com:8080", "WXGATE_SITES_10_APP_ID=wxc", "WXGATE_SITES_10_APP_SECRET=s",
		"WXGATE_SITES_9_HOSTS=D.Example.COM.:8443, e.example.com,d.example.com", "WXGATE_SITES_9_PUBLIC_URL=https://f.example.com:8443",
		"WXGATE_SITES_9_APP_ID=wxd", "WXGATE_SITES_9_APP_SECRET=s", "WXGATE_SITES_11_APP_ID=",
		"WXGATE_SITES_00000000000000000000_SERVICE_HOST=10.0.0.1", "WXGATE_SITES_7_SERVICE_HOST=10.0.0.1", "WXGATE_SITES_7_PORT=tcp://10.0.0.1:80",
		"WXGATE_LISTEN=:80",
	))
	if err != nil {
		t.Fatal(err)
	}
	type site struct{ Name, Hosts, PublicURL, AppID, Upstream, Listen string }
	var got []site
	for _, s := range c.Sites {
		got = append(got, site{s.Name, strings.Join(s.Hosts, " "), s.Config.PublicURL.String(), s.Config.AppID, s.Config.Upstream.String(), s.Config.Listen})
		if len(s.Config.Sites) != 0 {
			t.Errorf("%s has sites of its own: %v", s.Name, s.Config.Sites)
		}
	}
	want := []site{
		{"WXGATE_SITES_0", "a.example.com", "https://a.example.com", "wxa", "http://web:80", ":80"},
		{"WXGATE_SITES_1", "b.example.com", "https://b.example.com", "wxb", "http://web:80", ":80"},
		{"WXGATE_SITES_9", "d.example.com e.example.com f.example.com", "https://f.example.com:8443", "wxd", "http://web:80", ":80"},
		{"WXGATE_SITES_10", "c.example.com", "http://c.example.com:8080", "wxc", "http://web:80", ":80"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load(…).Sites (-want +got):\n%s", diff)
	}
}

// A site takes what it leaves out from the unnumbered variable, and nothing else.
func TestSiteInherits(t *testing.T) {
	t.Parallel()
	cert, _ := pair(t)
	other, _ := pair(t)
	first := func(c *config.Config) *config.Config { return c.Sites[0].Config }
	second := func(c *config.Config) *config.Config { return c.Sites[1].Config }
	for _, tt := range []struct {
		name    string
		changes []string
		got     func(*config.Config) any
		want    any
	}{
		{"a site's own value", []string{"WXGATE_SCOPE=snsapi_base", "WXGATE_SITES_0_SCOPE=snsapi_userinfo"}, func(c *config.Config) any { return first(c).Scope + " " + second(c).Scope }, wechat.Scope("snsapi_userinfo snsapi_base")},
		{"inherited false, not the default", []string{"WXGATE_ACCESS_LOG=false", "WXGATE_DRAIN_DELAY=0s"}, func(c *config.Config) any { return first(c).AccessLog || first(c).DrainDelay != 0 }, false},
		{"inherited value, not the default", []string{"WXGATE_SESSION_TTL=2h"}, func(c *config.Config) any { return first(c).SessionTTL }, 2 * time.Hour},
		{"the default", nil, func(c *config.Config) any { return second(c).SessionTTL }, 24 * time.Hour},
		{"empty is left out", []string{"WXGATE_JSSDK=true", "WXGATE_SITES_0_JSSDK="}, func(c *config.Config) any { return first(c).JSSDK }, true},
		{"back to false", []string{"WXGATE_JSSDK=true", "WXGATE_SITES_0_JSSDK=false"}, func(c *config.Config) any { return !first(c).JSSDK && second(c).JSSDK && c.JSSDK }, true},
		{"lists do not mix", []string{"WXGATE_PUBLIC_PATHS=/a/,/b/", "WXGATE_SITES_0_PUBLIC_PATHS=/c/"}, func(c *config.Config) any {
			return fmt.Sprint(first(c).PublicPaths, second(c).PublicPaths, c.PublicPaths)
		}, "[/c/] [/a/ /b/] [/a/ /b/]"},
		{"upstreams do not mix", []string{"WXGATE_UPSTREAM=/=http://a,/b/=http://b", "WXGATE_SITES_0_UPSTREAM=http://c"}, func(c *config.Config) any { return first(c).Upstream.String() + " " + second(c).Upstream.String() }, "http://c /=http://a,/b/=http://b"},
		{"a file displaces an inherited secret", []string{"WXGATE_SITES_0_COOKIE_KEYS_FILE=" + write(t, "MTIz"+key())}, func(c *config.Config) any {
			return string(first(c).CookieKeys[0][:3]) + string(second(c).CookieKeys[0][:7])
		}, "123planted"},
		{"a secret displaces an inherited file", []string{"WXGATE_QR_APP_ID=wx9", "WXGATE_QR_APP_SECRET_FILE=" + write(t, "of-file"), "WXGATE_SITES_0_QR_APP_SECRET=own"}, func(c *config.Config) any { return first(c).QRAppSecret.Reveal() + second(c).QRAppSecret.Reveal() }, "ownof-file"},
		{"a secret of white space is left out", []string{"WXGATE_ADMIN_TOKEN=t0ken-t0ken-t0ke", "WXGATE_SITES_0_COOKIE_KEYS=\n"}, func(c *config.Config) any { return string(first(c).CookieKeys[0][:7]) + first(c).AdminToken.Reveal() }, "plantedt0ken-t0ken-t0ke"},
		{"public URL of the unnumbered variable", []string{"WXGATE_PUBLIC_URL=https://h5.example.com", "WXGATE_SITES_1_PUBLIC_URL=https://b.example.com"}, func(c *config.Config) any {
			return first(c).PublicURL.String() + " " + strings.Join(c.Sites[0].Hosts, " ")
		}, "https://h5.example.com a.example.com h5.example.com"},
		{"no required unnumbered variable", []string{"WXGATE_UPSTREAM=", "WXGATE_SITES_0_UPSTREAM=http://a", "WXGATE_SITES_1_UPSTREAM=http://b", "WXGATE_COOKIE_KEYS=", "WXGATE_SITES_0_COOKIE_KEYS=" + key(), "WXGATE_SITES_1_COOKIE_KEYS=" + key()}, func(c *config.Config) any { return c.Upstream.String() + c.PublicURL.String() }, ""},
		{"a session store of its own", []string{"WXGATE_REDIS_URL=redis://h", "WXGATE_SITES_0_SESSION_STORE=redis", "WXGATE_SITES_0_PASS_ACCESS_TOKEN=true"}, func(c *config.Config) any {
			return fmt.Sprint(first(c).SessionStore, second(c).SessionStore, first(c).PassAccessToken, second(c).RedisURL)
		}, "rediscookietrue redis://h:6379/0"},
		{"forward auth for one site", []string{"WXGATE_UPSTREAM=", "WXGATE_SITES_0_MODE=forward-auth", "WXGATE_SITES_1_UPSTREAM=http://b"}, func(c *config.Config) any { return first(c).Mode + " " + second(c).Mode }, "forward-auth proxy"},
		{"an IPv6 host makes the public URL", []string{"WXGATE_SITES_0_HOSTS=[0::1]:80"}, func(c *config.Config) any { return first(c).PublicURL.String() + " " + c.Sites[0].Hosts[0] }, "https://[::1] ::1"},
		{"a CA of its own", []string{"WXGATE_UPSTREAM_CA_FILE=" + cert, "WXGATE_SITES_0_UPSTREAM_CA_FILE=" + other}, func(c *config.Config) any {
			return second(c).UpstreamCAs.Equal(c.UpstreamCAs) && !first(c).UpstreamCAs.Equal(c.UpstreamCAs)
		}, true},
		{"cookies of one name on two domains", []string{"WXGATE_SITES_0_COOKIE_DOMAIN=a.example.com", "WXGATE_SITES_1_COOKIE_DOMAIN=b.example.com"}, func(c *config.Config) any { return first(c).CookieDomain }, "a.example.com"},
		{"cookies of two names on one domain", []string{"WXGATE_COOKIE_DOMAIN=example.com", "WXGATE_SITES_0_COOKIE_NAME=a"}, func(c *config.Config) any { return first(c).CookieDomain + second(c).CookieDomain }, "example.comexample.com"},
		{"a cookie domain that sites alone can be checked by", []string{"WXGATE_COOKIE_DOMAIN=.EXAMPLE.com", "WXGATE_SITES_0_COOKIE_NAME=a"}, func(c *config.Config) any { return c.CookieDomain }, "example.com"},
		{"a site that is the others' hub", []string{"WXGATE_HUB_KEY=" + key(), "WXGATE_SITES_0_HUB_SITES=https://b.example.com", "WXGATE_SITES_1_HUB_URL=https://a.example.com"}, func(c *config.Config) any { return second(c).HubURL == first(c).PublicURL }, true},
		{"a hub's key that one site does not use", []string{"WXGATE_HUB_KEY=" + key(), "WXGATE_SITES_1_HUB_URL=https://c.example.com"}, func(c *config.Config) any { return first(c).HubURL.IsZero() }, true},
		{"the process's own account and relay", []string{"WXGATE_APP_ID=wx1", "WXGATE_APP_SECRET=s", "WXGATE_TOKEN_MODE=legacy", "WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/"}, func(c *config.Config) any {
			return c.AppID + c.AppSecret.Reveal() + c.TokenMode + c.RelayListen + string(c.WeChatAPIURL)
		}, "wx1slegacy:8081https://api.weixin.qq.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(shared(tt.changes...))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(c); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLoadSitesFaults(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	const required = ", and neither is WXGATE_APP_ID for all sites: the AppID of your official account, shown among its settings at mp.weixin.qq.com"
	const host = "expected a host such as h5.example.com or h5.example.com:8080, in ASCII (xn--… for other scripts), no wildcard"
	const relay = ": not set, but WXGATE_RELAY_LISTEN is: with several sites, the relay serves the account of WXGATE_APP_ID and WXGATE_APP_SECRET"
	for _, tt := range []struct {
		name    string
		changes []string
		want    []string
	}{
		{"a missing one", []string{"WXGATE_SITES_0_APP_ID="}, []string{"WXGATE_SITES_0_APP_ID: not set" + required}},
		{"a missing secret", []string{"WXGATE_SITES_0_APP_SECRET="}, []string{"WXGATE_SITES_0_APP_SECRET: not set, and neither is WXGATE_APP_SECRET for all sites: the AppSecret of your official account, made at mp.weixin.qq.com beside the AppID; WXGATE_SITES_0_APP_SECRET_FILE may name a file with the value"}},
		{"missing in both", []string{"WXGATE_SITES_0_APP_ID=", "WXGATE_SITES_1_APP_ID="}, []string{"WXGATE_SITES_0_APP_ID: not set" + required, "WXGATE_SITES_1_APP_ID: not set" + required}},
		{"neither hosts nor public URL", []string{"WXGATE_SITES_0_HOSTS="}, []string{"WXGATE_SITES_0_PUBLIC_URL: not set, and neither is WXGATE_SITES_0_HOSTS: the origin that visitors use, such as https://h5.example.com"}},
		{"a site's faulty value", []string{"WXGATE_SCOPE=snsapi_base", "WXGATE_SITES_1_SCOPE=userinfo"}, []string{`WXGATE_SITES_1_SCOPE="userinfo": expected snsapi_base or snsapi_userinfo`}},
		{"a faulty value in the place of another", []string{"WXGATE_SCOPE=base", "WXGATE_SITES_1_SCOPE=userinfo"}, []string{`WXGATE_SCOPE="base": expected snsapi_base or snsapi_userinfo`, `WXGATE_SITES_1_SCOPE="userinfo": expected snsapi_base or snsapi_userinfo`}},
		{"a site's unparsable value", []string{"WXGATE_SITES_1_SESSION_TTL=1"}, []string{`WXGATE_SITES_1_SESSION_TTL="1": expected a duration with its unit, such as 90s, 5m or 24h`}},
		{"a site's secret", []string{"WXGATE_SITES_1_APP_SECRET=planted secret"}, []string{`WXGATE_SITES_1_APP_SECRET: expected printable ASCII without spaces or line breaks`}},
		{"a site's secret twice", []string{"WXGATE_SITES_1_APP_SECRET_FILE=planted"}, []string{`WXGATE_SITES_1_APP_SECRET: set as WXGATE_SITES_1_APP_SECRET_FILE too; keep one of the two`}},
		{"a site's secret's file", []string{"WXGATE_SITES_1_COOKIE_KEYS_FILE=" + missing}, []string{fmt.Sprintf(`WXGATE_SITES_1_COOKIE_KEYS_FILE=%q: expected the path of a readable file: no such file or directory`, missing)}},
		{"a site's file", []string{"WXGATE_SITES_1_ALLOW_OPENIDS_FILE=" + missing}, []string{fmt.Sprintf(`WXGATE_SITES_1_ALLOW_OPENIDS_FILE=%q: open the list: no such file or directory`, missing)}},
		{"an inherited faulty value, once", []string{"WXGATE_SCOPE=userinfo", "WXGATE_COOKIE_KEYS=planted", "WXGATE_SESSION_TTL=1"}, []string{
			`WXGATE_COOKIE_KEYS: item 1 of the list: a key of 5 bytes; at least 32 are needed; make one with: wxgate keygen`,
			`WXGATE_SCOPE="userinfo": expected snsapi_base or snsapi_userinfo`,
			`WXGATE_SESSION_TTL="1": expected a duration with its unit, such as 90s, 5m or 24h`,
		}},
		{"an inherited contradiction, once", []string{"WXGATE_SESSION_MAX_TTL=1h"}, []string{`WXGATE_SESSION_TTL: 24h0m0s is longer than WXGATE_SESSION_MAX_TTL, 1h0m0s; shorten the one or lengthen the other`}},
		{"a contradiction with a default", []string{"WXGATE_SITES_1_SESSION_MAX_TTL=1h"}, []string{`WXGATE_SITES_1_SESSION_TTL: 24h0m0s is longer than WXGATE_SITES_1_SESSION_MAX_TTL, 1h0m0s; shorten the one or lengthen the other`}},
		{"a contradiction of a default", []string{"WXGATE_SITES_1_SESSION_TTL=1000h"}, []string{`WXGATE_SITES_1_SESSION_TTL="1000h": 1000h0m0s is longer than WXGATE_SITES_1_SESSION_MAX_TTL, 720h0m0s; shorten the one or lengthen the other`}},
		{"a contradiction with an inherited value", []string{"WXGATE_SESSION_TTL=12h", "WXGATE_SITES_1_SESSION_MAX_TTL=1h"}, []string{`WXGATE_SESSION_TTL="12h": 12h0m0s is longer than WXGATE_SITES_1_SESSION_MAX_TTL, 1h0m0s; shorten the one or lengthen the other`}},
		{"half a website application", []string{"WXGATE_SITES_0_QR_APP_ID=wx9"}, []string{`WXGATE_SITES_0_QR_APP_SECRET: not set, but WXGATE_SITES_0_QR_APP_ID needs it: the AppSecret of your website application at open.weixin.qq.com; WXGATE_SITES_0_QR_APP_SECRET_FILE may name a file with the value`}},
		{"no key for a hub", []string{"WXGATE_SITES_0_HUB_URL=https://auth.example.com"}, []string{`WXGATE_SITES_0_HUB_KEY: not set, but WXGATE_SITES_0_HUB_URL needs it: the key that a hub and its sites share; make one with: wxgate keygen; WXGATE_SITES_0_HUB_KEY_FILE may name a file with the value`}},
		{"no hub for a key", []string{"WXGATE_SITES_0_HUB_KEY=" + key()}, []string{`WXGATE_SITES_0_HUB_KEY: set, but neither WXGATE_SITES_0_HUB_URL nor WXGATE_SITES_0_HUB_SITES is; it has no use`}},
		{"its own hub", []string{"WXGATE_HUB_URL=https://b.example.com", "WXGATE_HUB_KEY=" + key()}, []string{`WXGATE_HUB_URL="https://b.example.com": the site's own WXGATE_SITES_1_HOSTS, which would redirect visitors in a circle; expected the origin of another wxgate`}},
		{"a cookie domain that is not all sites'", []string{"WXGATE_COOKIE_DOMAIN=a.example.com"}, []string{`WXGATE_COOKIE_DOMAIN="a.example.com": expected the host of WXGATE_SITES_1_HOSTS, b.example.com, or a domain above it: browsers refuse any other`}},

		{"no Redis for one site", []string{"WXGATE_SITES_1_SESSION_STORE=redis"}, []string{`WXGATE_REDIS_URL: not set, but WXGATE_SITES_1_SESSION_STORE=redis needs it: the address of your Redis, such as redis://redis:6379/0; WXGATE_REDIS_URL_FILE may name a file with the value`}},
		{"no Redis for both, once", []string{"WXGATE_SESSION_STORE=redis"}, []string{`WXGATE_REDIS_URL: not set, but WXGATE_SESSION_STORE=redis needs it: the address of your Redis, such as redis://redis:6379/0; WXGATE_REDIS_URL_FILE may name a file with the value`}},
		{"access tokens in cookies", []string{"WXGATE_SITES_1_PASS_ACCESS_TOKEN=true"}, []string{`WXGATE_SITES_1_PASS_ACCESS_TOKEN="true": needs WXGATE_SITES_1_SESSION_STORE=redis: cookies do not hold access tokens; set that too, or leave this out`}},
		{"access tokens in the cookies of one site", []string{"WXGATE_REDIS_URL=redis://h", "WXGATE_SESSION_STORE=redis", "WXGATE_PASS_ACCESS_TOKEN=true", "WXGATE_SITES_1_SESSION_STORE=cookie"}, []string{`WXGATE_PASS_ACCESS_TOKEN="true": needs WXGATE_SITES_1_SESSION_STORE=redis: cookies do not hold access tokens; set that too, or leave this out`}},
		{"a faulty address, once", []string{"WXGATE_REDIS_URL=redis://planted@h", "WXGATE_SESSION_STORE=redis", "WXGATE_PASS_ACCESS_TOKEN=true"}, []string{`WXGATE_REDIS_URL: no password before the @; expected user:password@, or :password@ for a password without a user, or nothing before the hosts`}},

		{"no host", []string{"WXGATE_SITES_0_HOSTS=*.example.com"}, []string{`WXGATE_SITES_0_HOSTS="*.example.com": item 1 of the list: ` + host}},
		{"no host beside a public URL", []string{"WXGATE_SITES_0_HOSTS=a..b", "WXGATE_SITES_0_PUBLIC_URL=https://a.example.com"}, []string{`WXGATE_SITES_0_HOSTS="a..b": item 1 of the list: ` + host}},
		{"two dots at the end", []string{"WXGATE_SITES_0_HOSTS=a.example.com.."}, []string{`WXGATE_SITES_0_HOSTS="a.example.com..": item 1 of the list: ` + host}},
		{"a host twice", []string{"WXGATE_SITES_1_HOSTS=b.example.com,A.example.com:81"}, []string{`WXGATE_SITES_1_HOSTS="b.example.com,A.example.com:81": the host a.example.com is also that of WXGATE_SITES_0_HOSTS; the host of a request must identify its site`}},
		{"several hosts twice", []string{"WXGATE_SITES_0_HOSTS=a.example.com,c.example.com", "WXGATE_SITES_1_HOSTS=c.example.com,b.example.com,a.example.com"}, []string{`WXGATE_SITES_1_HOSTS="c.example.com,b.example.com,a.example.com": the host c.example.com is also that of WXGATE_SITES_0_HOSTS; the host a.example.com is also that of WXGATE_SITES_0_HOSTS; the host of a request must identify its site`}},
		{"a public URL's host twice", []string{"WXGATE_SITES_1_PUBLIC_URL=https://a.example.com:81"}, []string{`WXGATE_SITES_1_PUBLIC_URL="https://a.example.com:81": the host a.example.com is also that of WXGATE_SITES_0_HOSTS; the host of a request must identify its site`}},
		{"one public URL for both", []string{"WXGATE_PUBLIC_URL=https://h5.example.com"}, []string{`WXGATE_SITES_1_PUBLIC_URL: not set, and the host h5.example.com of WXGATE_PUBLIC_URL is also that of WXGATE_SITES_0 (WXGATE_PUBLIC_URL); the host of a request must identify its site`}},
		{"one cookie domain each", []string{"WXGATE_SITES_0_COOKIE_DOMAIN=example.com", "WXGATE_SITES_1_COOKIE_DOMAIN=.example.com"}, []string{`WXGATE_SITES_1_COOKIE_NAME: the cookie wxgate of the domain example.com (WXGATE_SITES_1_COOKIE_DOMAIN) is also that of WXGATE_SITES_0_COOKIE_DOMAIN, so each site would overwrite the other's; expected a name of its own`}},
		{"one cookie domain for both", []string{"WXGATE_COOKIE_DOMAIN=example.com", "WXGATE_SITES_1_COOKIE_NAME=wxgate"}, []string{`WXGATE_SITES_1_COOKIE_NAME="wxgate": the cookie wxgate of the domain example.com (WXGATE_COOKIE_DOMAIN) is also that of WXGATE_SITES_0 (WXGATE_COOKIE_DOMAIN), so each site would overwrite the other's; expected a name of its own`}},
		{"a relay of no account", []string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/"}, []string{"WXGATE_APP_ID" + relay, "WXGATE_APP_SECRET" + relay}},
		{"a relay of half an account", []string{"WXGATE_RELAY_LISTEN=:8081", "WXGATE_RELAY_PATHS=/cgi-bin/", "WXGATE_APP_ID=wx1"}, []string{"WXGATE_APP_SECRET" + relay}},

		{"of the whole process", []string{"WXGATE_SITES_0_LISTEN=:80", "WXGATE_SITES_1_ADMIN_TOKEN_FILE=planted", "WXGATE_SITES_1_REDIS_CA_FILE=planted", "WXGATE_SITES_1_REDIS_GRACE=1s", "WXGATE_SITES_1_REDIS_URL_FILE=planted"}, []string{`WXGATE_SITES_0_LISTEN: applies to the whole process; set WXGATE_LISTEN`, `WXGATE_SITES_1_ADMIN_TOKEN_FILE: applies to the whole process; set WXGATE_ADMIN_TOKEN_FILE`, `WXGATE_SITES_1_REDIS_CA_FILE: applies to the whole process; set WXGATE_REDIS_CA_FILE`, `WXGATE_SITES_1_REDIS_GRACE: applies to the whole process; set WXGATE_REDIS_GRACE`, `WXGATE_SITES_1_REDIS_URL_FILE: applies to the whole process; set WXGATE_REDIS_URL_FILE`}},
		{"two listeners in each other's way", []string{"WXGATE_LISTEN=:9090"}, []string{`WXGATE_ADMIN_LISTEN: :9090 overlaps the address of WXGATE_LISTEN, :9090; expected another port, or empty for none`}},
		{"misspelt", []string{"WXGATE_SITES_0_UPSTREM=planted"}, []string{`WXGATE_SITES_0_UPSTREM: unknown; the nearest known name is WXGATE_SITES_0_UPSTREAM`}},
		{"misspelt secret", []string{"WXGATE_SITES_12_APP_SECERT_FILE=planted"}, []string{`WXGATE_SITES_12_APP_SECERT_FILE: unknown; the nearest known name is WXGATE_SITES_12_APP_SECRET_FILE`}},
		{"misspelt of the process", []string{"WXGATE_SITES_0_ACCES_LOG=1"}, []string{`WXGATE_SITES_0_ACCES_LOG: unknown; the nearest known name is WXGATE_ACCESS_LOG`}},
		{"misspelt hosts", []string{"WXGATE_SITES_0_HOST=c"}, []string{`WXGATE_SITES_0_HOST: unknown; the nearest known name is WXGATE_SITES_0_HOSTS`}},
		{"hosts without a number", []string{"WXGATE_HOSTS=c"}, []string{`WXGATE_HOSTS: unknown; the nearest known name is WXGATE_SITES_0_HOSTS`}},
		{"no number", []string{"WXGATE_SITES_x_APP_ID=1"}, []string{`WXGATE_SITES_x_APP_ID: unknown; the nearest known name is WXGATE_SITES_0_APP_ID`}},
		{"leading zero", []string{"WXGATE_SITES_01_APP_ID=1"}, []string{`WXGATE_SITES_01_APP_ID: unknown; the nearest known name is WXGATE_SITES_1_APP_ID`}},
		{"not in the plural", []string{"WXGATE_SITE_2_APP_ID=1"}, []string{`WXGATE_SITE_2_APP_ID: unknown; the nearest known name is WXGATE_SITES_2_APP_ID`}},
		{"nothing behind the number", []string{"WXGATE_SITES_3=a"}, []string{`WXGATE_SITES_3: unknown; the nearest known name is WXGATE_SITES_3_MODE`}},
		{"a file of hosts", []string{"WXGATE_SITES_0_HOSTS_FILE=a"}, []string{`WXGATE_SITES_0_HOSTS_FILE: unknown; the nearest known name is WXGATE_SITES_0_HOSTS`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := faults(t, shared(tt.changes...)); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// A number alone makes no site: the unnumbered variables stay required.
func TestNoSite(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"WXGATE_SITES_0_APP_ID=", "WXGATE_SITES_0_SERVICE_HOST=10.0.0.1"} {
		if got := faults(t, []string{entry}); len(got) != 5 || strings.Contains(strings.Join(got, ""), "SITES") {
			t.Errorf("Load with %s reports %q, want the 5 required variables, unnumbered", entry, got)
		}
	}
}

func TestSitesShowNoSecret(t *testing.T) {
	t.Parallel()
	c, err := config.Load(shared("WXGATE_HUB_KEY="+key(), "WXGATE_SITES_0_HUB_URL=https://c.example.com", "WXGATE_ADMIN_TOKEN=planted-admin-token"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{string(text), fmt.Sprintf("%+v %#v", c, c), fmt.Sprintf("%+v %#v", *c.Sites[0].Config, c.Sites[0].Config)} {
		if strings.Contains(shown, "planted") || strings.Contains(shown, key()) || strings.Contains(shown, "706c616e746564") {
			t.Errorf("shows a secret: %s", shown)
		}
	}
}

// FuzzNumberedName: a name belongs to a site if it holds a number without leading
// zeros, and then the site has that name.
func FuzzNumberedName(f *testing.F) {
	for _, seed := range []string{"0", "10", "01", "x", "", "-1", "+1", "٣", "18446744073709551616", "0_APP"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, number string) {
		if strings.ContainsAny(number, "=_") {
			return // another name: WXGATE_SITES_1_RETURN_HOSTS
		}
		c, err := config.Load(environ("WXGATE_SITES_" + number + "_HOSTS=a.example.com"))
		sound := number == "0" || number != "" && number[0] != '0' && strings.Trim(number, "0123456789") == ""
		if sound != (err == nil) {
			t.Fatalf("Load with WXGATE_SITES_%s_HOSTS: %v, want a site: %t", number, err, sound)
		}
		if sound && (len(c.Sites) != 1 || c.Sites[0].Name != "WXGATE_SITES_"+number) {
			t.Errorf("Load with WXGATE_SITES_%s_HOSTS: %v, want that one site", number, c.Sites)
		}
	})
}

// FuzzSiteHosts: accepted hosts are in the form in which the hosts of requests
// are looked up, and the first is the host of the public URL.
func FuzzSiteHosts(f *testing.F) {
	for _, seed := range []string{"a.example.com", "A.Example.COM.", "a:8443,b.", "[::1]:80", "127.0.0.1", "a.:1", "::1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		c, err := config.Load(shared("WXGATE_SITES_0_HOSTS=" + in))
		if err != nil || in == "" {
			return
		}
		hosts := c.Sites[0].Hosts
		for i, host := range hosts {
			if host == "" || strings.ToLower(host) != host || strings.HasSuffix(host, ".") || strings.ContainsAny(host, " []/@?#%,") || slices.Index(hosts, host) != i {
				t.Errorf("Load with the hosts %q gives %q", in, hosts)
			}
		}
		if public := c.Sites[0].Config.PublicURL.Host; strings.Trim(public, "[]") != hosts[0] {
			t.Errorf("Load with the hosts %q: public URL's host %q, want %q", in, public, hosts[0])
		}
	})
}

func BenchmarkLoadThousandSites(b *testing.B) {
	environ := []string{"WXGATE_COOKIE_KEYS=" + key(), "WXGATE_PUBLIC_PATHS=/static/,/favicon.ico,GET /news/{id}"}
	for i := range 1000 {
		site := fmt.Sprintf("WXGATE_SITES_%d_", i)
		environ = append(environ,
			site+fmt.Sprintf("HOSTS=shop%d.example.com,www.shop%d.example.com", i, i),
			site+fmt.Sprintf("APP_ID=wx%016d", i),
			site+"APP_SECRET="+appSecret,
			site+fmt.Sprintf("UPSTREAM=http://shop%d:8080", i),
			site+"API_PATHS=/api/")
	}
	for b.Loop() {
		if c, err := config.Load(environ); err != nil || len(c.Sites) != 1000 {
			b.Fatal(err)
		}
	}
}
