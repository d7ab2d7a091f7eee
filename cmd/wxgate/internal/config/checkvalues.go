package config

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/session"
)

// checkValues checks what the type of a single value does not: texts without a
// type of their own, and files.
func (l *loader) checkValues(c *Config) {
	l.check("APP_ID", appID(c.AppID))
	l.check("APP_SECRET", appSecret(c.AppSecret.Reveal()))
	l.check("QR_APP_ID", appID(c.QRAppID))
	l.check("QR_APP_SECRET", appSecret(c.QRAppSecret.Reveal()))
	l.check("ADMIN_TOKEN", printable(c.AdminToken.Reveal()))
	if c.AdminToken != "" {
		l.check("ADMIN_TOKEN", admin.CheckToken(c.AdminToken))
	}
	l.publicPaths(c)
	l.check("WECHAT_API_URL", encrypted(c.WeChatAPIURL))
	l.check("WECHAT_OPEN_URL", encrypted(c.WeChatOpenURL))
	l.check("PREFIX", gateway.CheckPrefix(c.Prefix))
	l.check("COOKIE_NAME", session.CheckCookieName(c.CookieName))
	l.check("SESSION_TTL", positive(c.SessionTTL))
	l.check("SESSION_MAX_TTL", positive(c.SessionMaxTTL))
	l.check("FOLLOW_RECHECK", positive(c.FollowRecheck))
	l.check("UPSTREAM_TIMEOUT", positive(c.UpstreamTimeout))
	l.check("WECHAT_TIMEOUT", positive(c.WeChatTimeout))
	l.check("SHUTDOWN_TIMEOUT", positive(c.ShutdownTimeout))
	if c.CookieDomain != "" {
		c.CookieDomain = strings.ToLower(strings.TrimPrefix(c.CookieDomain, "."))
		l.check("COOKIE_DOMAIN", cookieDomain(c.CookieDomain))
	}
	l.file("ALLOW_OPENIDS_FILE", "open the list", c.AllowOpenIDsFile, false)
	l.file("DENY_OPENIDS_FILE", "open the list", c.DenyOpenIDsFile, false)
	l.file("PAGES_DIR", "open the folder", c.PagesDir, true)
	l.file("ASSERTION_KEYS_FILE", "open the keys", c.AssertionKeysFile, false)
	l.upstreamCAs(c)
}

// file checks that a file or a folder can be opened, but not again for each site
// that shares it.
func (l *loader) file(name, tried, path string, folder bool) {
	if l.gives(name) {
		l.check(name, ofKeys(path, wrap(tried, readable(path, folder))))
	}
}

// upstreamCAs reads the certificates that https:// upstreams are checked with,
// but not again for each site that shares the file.
func (l *loader) upstreamCAs(c *Config) {
	const name = "UPSTREAM_CA_FILE"
	if !l.gives(name) {
		return
	}
	var err error
	c.UpstreamCAs, err = readCAs(c.UpstreamCAFile)
	l.check(name, err)
}

// appID checks an AppID. WeChat's consist of letters and digits.
func appID(s string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	if err := printable(s); err != nil {
		return err
	}
	if strings.HasPrefix(s, "gh_") {
		return errors.New("the account's original id (原始 ID); expected its AppID, which begins with wx")
	}
	if strings.Trim(s, letters) != "" {
		return errors.New("expected an AppID of letters and digits, such as wx0123456789abcdef")
	}
	return nil
}

func appSecret(s string) error {
	if strings.ContainsAny(s, "\"'`") {
		return errors.New("expected an AppSecret without quotes")
	}
	return printable(s)
}

// encrypted checks that WeChat's own hosts are called by https.
func encrypted(address BaseURL) error {
	u, err := url.Parse(string(address))
	if err == nil && u.Scheme == "http" && strings.HasSuffix(u.Hostname(), ".qq.com") {
		return errors.New("WeChat by plain http; expected https://")
	}
	return nil
}

func printable(s string) error {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return errors.New("expected printable ASCII without spaces or line breaks")
		}
	}
	return nil
}

func positive(d time.Duration) error {
	if d == 0 {
		return errors.New("expected a duration above zero")
	}
	return nil
}

func cookieDomain(s string) error {
	if _, err := netip.ParseAddr(s); err == nil || !origin.IsHostname(s) {
		return errors.New("expected a domain such as example.com, without scheme and port")
	}
	return nil
}
