package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
)

// require checks that the variables without which a site does not start are set.
func (l *loader) require(c *Config, known []variable) {
	for _, v := range known {
		_, given := l.sources[v.name]
		noUpstream := v.name == "UPSTREAM" && (c.Mode != "proxy" || !l.sound("MODE"))
		if !v.required || given || noUpstream {
			continue
		}
		elsewhere := "" // where the value could also be set
		switch {
		case l.prefix == namePrefix:
		case v.name == "PUBLIC_URL":
			elsewhere = ", and neither is " + l.fullName(hostsVariable)
		default:
			elsewhere = ", and neither is " + namePrefix + v.name + " for all sites"
		}
		problem := "not set" + elsewhere + ": " + comments()[v.field].missing
		if v.secret {
			problem += orFile(l.fullName(v.name))
		}
		l.ownFault(v.name, problem)
	}
}

// orFile says that the value of a variable may come from a file.
func orFile(name string) string {
	return "; " + name + "_FILE may name a file with the value"
}

// checkSite checks the values of one site against each other.
func (l *loader) checkSite(c *Config) {
	const ttl, most = "SESSION_TTL", "SESSION_MAX_TTL"
	if l.sound(ttl, most) && c.SessionTTL > c.SessionMaxTTL {
		l.fault(ttl, fmt.Sprintf("%v is longer than %s, %v; shorten the one or lengthen the other",
			c.SessionTTL, l.name(most, ttl), c.SessionMaxTTL), most)
	}
	l.scanLogin(c)
	l.followOfScanLogin(c)
	l.loop(c)
	l.lists(c)
	l.cookieDomainFits(c)
	l.hub(c)
	l.needsRedis(c)
}

// scanLogin checks that the website application is complete, if it is used.
func (l *loader) scanLogin(c *Config) {
	const id, secret = "QR_APP_ID", "QR_APP_SECRET"
	var reason, value string // the variable that needs the application
	switch {
	case c.OutsideWeChat == "qrconnect":
		reason, value = "OUTSIDE_WECHAT", "=qrconnect"
	case c.QRAppID != "":
		reason = id
	case c.QRAppSecret != "":
		reason = secret
	default:
		return
	}
	missing := "not set, but " + l.name(reason) + value + " needs it: "
	if l.sound(id) && c.QRAppID == "" {
		l.fault(id, missing+"the AppID of your website application at open.weixin.qq.com, "+
			"which is not the official account's", reason)
	}
	if l.sound(secret) && c.QRAppSecret == "" {
		l.fault(secret, missing+"the AppSecret of your website application at open.weixin.qq.com"+
			orFile(l.name(secret, reason)), reason)
	}
	if l.sound(id, "APP_ID") && c.QRAppID == c.AppID {
		l.fault(id, "the official account's AppID, which WeChat refuses for scan login; "+
			"expected that of a website application at open.weixin.qq.com")
	}
}

// followOfScanLogin checks that WeChat can tell who follows, if only followers get in.
func (l *loader) followOfScanLogin(c *Config) {
	const follow, outside = "REQUIRE_FOLLOW", "OUTSIDE_WECHAT"
	if c.RequireFollow && c.OutsideWeChat == "qrconnect" && l.sound(follow, outside) {
		l.fault(follow, "WeChat does not tell which visitors of a scan login follow the account; "+
			"set another value than qrconnect in "+l.name(outside))
	}
}

// cookieDomainFits checks that browsers accept the cookie domain from the public
// URL.
func (l *loader) cookieDomainFits(c *Config) {
	const domain, public = "COOKIE_DOMAIN", "PUBLIC_URL"
	host := c.PublicURL.Hostname()
	fits := host == c.CookieDomain || strings.HasSuffix(host, "."+c.CookieDomain)
	switch {
	case c.CookieDomain == "" || !l.sound(domain, public):
	case !fits:
		l.fault(domain, fmt.Sprintf("expected the host of %s, %s, or a domain above it: browsers refuse any other",
			l.name(public), host))
	case host != c.CookieDomain && origin.IsPublicSuffix(c.CookieDomain):
		l.fault(domain, "browsers refuse a cookie for all sites under "+c.CookieDomain)
	}
}

// loop checks that no upstream is an address that wxgate itself listens on.
func (l *loader) loop(c *Config) {
	const upstream = "UPSTREAM"
	if c.Mode != "proxy" || !l.sound("MODE") {
		return
	}
	var found []string
	for _, own := range c.listeners() {
		for _, u := range c.Upstream {
			if own.address != "" && l.sound(upstream, own.name) && reaches(u.URL, own.address) {
				_, address := DialAddress(u.URL)
				text := fmt.Sprintf("%s is wxgate's own address, %s", address, l.name(own.name))
				if !slices.Contains(found, text) {
					found = append(found, text)
				}
			}
		}
	}
	if len(found) > 0 {
		l.fault(upstream, strings.Join(found, "; ")+"; expected that of your site")
	}
}

// lists checks that two different files say who gets in and who does not.
func (l *loader) lists(c *Config) {
	const allow, deny = "ALLOW_OPENIDS_FILE", "DENY_OPENIDS_FILE"
	if l.sound(allow, deny) && c.DenyOpenIDsFile != "" && c.DenyOpenIDsFile == c.AllowOpenIDsFile {
		l.fault(deny, "the file of "+l.name(allow)+", so that nobody gets in; expected another file", allow)
	}
}
