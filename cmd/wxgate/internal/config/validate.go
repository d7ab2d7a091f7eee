package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/session"
)

// validateValues looks at what one value's own type cannot tell: values that
// are plain strings, and files.
func (l *loader) validateValues(c *Config) {
	l.check("WXGATE_APP_ID", printable(c.AppID))
	l.check("WXGATE_APP_SECRET", printable(c.AppSecret.Reveal()))
	l.check("WXGATE_QR_APP_ID", printable(c.QRAppID))
	l.check("WXGATE_QR_APP_SECRET", printable(c.QRAppSecret.Reveal()))
	l.check("WXGATE_ADMIN_TOKEN", printable(c.AdminToken.Reveal()))
	l.check("WXGATE_PREFIX", prefix(c.Prefix))
	l.check("WXGATE_COOKIE_NAME", session.CheckCookieName(c.CookieName))
	l.check("WXGATE_SESSION_TTL", positive(c.SessionTTL))
	l.check("WXGATE_SESSION_MAX_TTL", positive(c.SessionMaxTTL))
	l.check("WXGATE_FOLLOW_RECHECK", positive(c.FollowRecheck))
	l.check("WXGATE_UPSTREAM_TIMEOUT", positive(c.UpstreamTimeout))
	l.check("WXGATE_WECHAT_TIMEOUT", positive(c.WeChatTimeout))
	l.check("WXGATE_SHUTDOWN_TIMEOUT", positive(c.ShutdownTimeout))
	if c.CookieDomain != "" {
		c.CookieDomain = strings.ToLower(strings.TrimPrefix(c.CookieDomain, "."))
		l.check("WXGATE_COOKIE_DOMAIN", cookieDomain(c.CookieDomain))
	}
	l.file("WXGATE_ALLOW_OPENIDS_FILE", "open the list", c.AllowOpenIDsFile, false)
	l.file("WXGATE_DENY_OPENIDS_FILE", "open the list", c.DenyOpenIDsFile, false)
	l.file("WXGATE_PAGES_DIR", "open the folder", c.PagesDir, true)
	l.file("WXGATE_ASSERTION_KEYS_FILE", "open the keys", c.AssertionKeysFile, false)
	l.upstreamCAs(c)
}

// validateProcess looks at how the values of the whole process fit each other.
func (l *loader) validateProcess(c *Config) {
	l.listeners(c)
	l.relay(c)
	l.certificate(c)
}

// validateSite looks at how the values of one site fit each other.
func (l *loader) validateSite(c *Config) {
	const ttl, most = "WXGATE_SESSION_TTL", "WXGATE_SESSION_MAX_TTL"
	if l.sound(ttl, most) && c.SessionTTL > c.SessionMaxTTL {
		l.fault(ttl, fmt.Sprintf("%v is longer than %s, %v; shorten the one or lengthen the other", c.SessionTTL, l.name(most, ttl), c.SessionMaxTTL), most)
	}
	l.scanLogin(c)
	l.cookieDomainFits(c)
	l.hub(c)
}

// require wants the variables without which a site does not start.
func (l *loader) require(c *Config, known []variable) {
	for _, v := range known {
		_, given := l.sources[v.name]
		switch {
		case v.required == "" || given:
		case v.name == "WXGATE_UPSTREAM" && (c.Mode != "proxy" || !l.sound("WXGATE_MODE")):
			// Forward auth has no upstream.
		case l.prefix == unnumberedPrefix:
			l.fault(v.name, "not set: "+v.required)
		case v.name == "WXGATE_PUBLIC_URL":
			l.faultHere(v.name, "not set ("+l.spell(hostsVariable)+" would do too): "+v.required)
		default:
			l.faultHere(v.name, "not set ("+v.name+", for all sites, would do too): "+v.required)
		}
	}
}

// check notes the error, if any, as a fault of the variable.
func (l *loader) check(name string, err error) {
	if err != nil {
		l.fault(name, err.Error())
	}
}

// file wants a file or a folder that can be opened. One that a site shares was
// opened before.
func (l *loader) file(name, tried, path string, folder bool) {
	if l.gives(name) {
		l.check(name, wrap(tried, readable(path, folder)))
	}
}

// sound reports whether none of the variables has a fault yet.
func (l *loader) sound(names ...string) bool {
	for _, name := range names {
		if _, ok := l.faults[name]; ok {
			return false
		}
	}
	return true
}

func printable(s string) error {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return errors.New("expected printable ASCII without blanks or line breaks")
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

func prefix(s string) error {
	if !plainPath(s) || strings.HasSuffix(s, "/") {
		return errors.New("expected a clean path of letters, digits and . _ ~ - / without a slash at its end, such as /_wx")
	}
	return nil
}

// listeners wants addresses that can be listened on side by side.
func (l *loader) listeners(c *Config) {
	type listener struct{ name, address, orElse string }
	var before []listener
	for _, a := range []listener{
		{"WXGATE_LISTEN", c.Listen, ""},
		{"WXGATE_ADMIN_LISTEN", c.AdminListen, ", or empty for none"},
		{"WXGATE_RELAY_LISTEN", c.RelayListen, ""},
		{"WXGATE_EXTAUTHZ_LISTEN", c.ExtAuthzListen, ""},
	} {
		if a.address == "" {
			continue
		}
		l.check(a.name, listenAddress(a.address))
		for _, b := range before {
			if l.sound(a.name, b.name) && sameListener(a.address, b.address) {
				l.fault(a.name, fmt.Sprintf("%s would take the address of %s, %s; expected another port%s", a.address, b.name, b.address, a.orElse))
			}
		}
		before = append(before, a)
	}
	if c.AdminListen == "" && c.AdminToken != "" {
		l.fault("WXGATE_ADMIN_TOKEN", "set, but WXGATE_ADMIN_LISTEN is empty; the admin API needs that address")
	}
}

// relay wants the relay's address and its paths, or neither.
func (l *loader) relay(c *Config) {
	const listen, paths = "WXGATE_RELAY_LISTEN", "WXGATE_RELAY_PATHS"
	switch {
	case !l.sound(listen, paths):
	case c.RelayListen != "" && len(c.RelayPaths) == 0:
		l.fault(paths, "not set, but "+listen+" is; name what the relay is to forward, such as POST /cgi-bin/message/template/send")
	case c.RelayListen == "" && len(c.RelayPaths) > 0:
		l.fault(listen, "not set, but "+paths+" is; the relay needs an address of its own, such as 127.0.0.1:8081")
	}
}

// relayAccount wants the one account that the relay serves, which is nobody's
// when there are several sites.
func (l *loader) relayAccount(c *Config) {
	if c.RelayListen == "" {
		return
	}
	for _, name := range []string{"WXGATE_APP_ID", "WXGATE_APP_SECRET"} {
		if _, given := l.sources[name]; !given {
			l.fault(name, "not set, but WXGATE_RELAY_LISTEN is: beside several sites, the relay serves the account of WXGATE_APP_ID and WXGATE_APP_SECRET")
		}
	}
}

// scanLogin wants the website application whole, and there where it is used.
func (l *loader) scanLogin(c *Config) {
	const id, secret = "WXGATE_QR_APP_ID", "WXGATE_QR_APP_SECRET"
	var reason, words string // the variable that needs them, and what to say of it
	switch {
	case c.OutsideWeChat == "qrconnect":
		reason, words = "WXGATE_OUTSIDE_WECHAT", "=qrconnect"
	case c.QRAppID != "":
		reason = id
	case c.QRAppSecret != "":
		reason = secret
	default:
		return
	}
	words = "not set, but " + l.name(reason) + words + " needs it: "
	if l.sound(id) && c.QRAppID == "" {
		l.fault(id, words+"the AppID of your website application at open.weixin.qq.com, which is not the official account's", reason)
	}
	if l.sound(secret) && c.QRAppSecret == "" {
		l.fault(secret, words+"the AppSecret of your website application at open.weixin.qq.com; "+l.name(secret, reason)+"_FILE may name a file that holds it", reason)
	}
	if l.sound(id, "WXGATE_APP_ID") && c.QRAppID == c.AppID {
		l.fault(id, "the official account's AppID, which WeChat refuses for scan login; expected that of a website application at open.weixin.qq.com")
	}
}

func listenAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if _, addrErr := netip.ParseAddr(host); err != nil || !origin.IsPort(port) || host != "" && addrErr != nil && !origin.IsHostname(strings.ToLower(host)) {
		return errors.New("expected host:port, such as :8080 or 127.0.0.1:8080")
	}
	return nil
}

// sameListener reports whether two listen addresses are in each other's way.
// An address without a host, or with an unspecified one, is on all of them.
func sameListener(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	everywhere := func(host string) bool {
		addr, err := netip.ParseAddr(host)
		return host == "" || err == nil && addr.IsUnspecified()
	}
	return portA == portB && portA != "0" && (strings.EqualFold(hostA, hostB) || everywhere(hostA) || everywhere(hostB))
}

func cookieDomain(s string) error {
	if _, err := netip.ParseAddr(s); err == nil || !origin.IsHostname(s) {
		return errors.New("expected a domain such as example.com, without scheme and port")
	}
	return nil
}

// cookieDomainFits wants a domain that browsers accept from the public URL.
func (l *loader) cookieDomainFits(c *Config) {
	const domain, public = "WXGATE_COOKIE_DOMAIN", "WXGATE_PUBLIC_URL"
	host := c.PublicURL.Hostname()
	if c.CookieDomain == "" || !l.sound(domain, public) || host == c.CookieDomain || strings.HasSuffix(host, "."+c.CookieDomain) {
		return
	}
	l.fault(domain, fmt.Sprintf("expected the host of %s, %s, or a domain above it: browsers refuse any other", l.name(public), host))
}

// certificate wants a pair that HTTPS can be served with. What is in the files
// stays out of the message.
func (l *loader) certificate(c *Config) {
	const cert, key = "WXGATE_TLS_CERT_FILE", "WXGATE_TLS_KEY_FILE"
	switch {
	case c.TLSCertFile == "" && c.TLSKeyFile == "":
		return
	case c.TLSCertFile == "":
		l.fault(cert, "not set, but "+key+" is; HTTPS needs both")
		return
	case c.TLSKeyFile == "":
		l.fault(key, "not set, but "+cert+" is; HTTPS needs both")
		return
	}
	certPEM, err := readFile(c.TLSCertFile)
	l.check(cert, wrap("read the certificate", err))
	keyPEM, err := readFile(c.TLSKeyFile)
	l.check(key, wrap("read the key", err))
	if !l.sound(cert, key) {
		return
	}
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		l.fault(cert, "expected a PEM certificate that belongs to the PEM key in "+key)
	}
}

// upstreamCAs reads the certificates that https:// upstreams are checked by,
// once for all the sites that share the file.
func (l *loader) upstreamCAs(c *Config) {
	if !l.gives("WXGATE_UPSTREAM_CA_FILE") {
		return
	}
	text, err := readFile(c.UpstreamCAFile)
	if err != nil {
		l.check("WXGATE_UPSTREAM_CA_FILE", wrap("read the certificates", err))
		return
	}
	c.UpstreamCAs = x509.NewCertPool()
	if !c.UpstreamCAs.AppendCertsFromPEM(text) {
		l.fault("WXGATE_UPSTREAM_CA_FILE", "expected a file with at least one PEM certificate")
	}
}
