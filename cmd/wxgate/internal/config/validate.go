package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// validate looks at what one value's own type cannot tell: values that are
// plain strings, files, and values that must fit each other.
func (l *loader) validate(c *Config) {
	l.check("WXGATE_APP_ID", printable(c.AppID))
	l.check("WXGATE_APP_SECRET", printable(c.AppSecret.Reveal()))
	l.check("WXGATE_QR_APP_ID", printable(c.QRAppID))
	l.check("WXGATE_QR_APP_SECRET", printable(c.QRAppSecret.Reveal()))
	l.check("WXGATE_ADMIN_TOKEN", printable(c.AdminToken.Reveal()))
	l.check("WXGATE_PREFIX", prefix(c.Prefix))
	l.check("WXGATE_COOKIE_NAME", cookieName(c.CookieName))
	l.check("WXGATE_SESSION_TTL", positive(c.SessionTTL))
	l.check("WXGATE_SESSION_MAX_TTL", positive(c.SessionMaxTTL))
	l.check("WXGATE_FOLLOW_RECHECK", positive(c.FollowRecheck))
	l.check("WXGATE_UPSTREAM_TIMEOUT", positive(c.UpstreamTimeout))
	l.check("WXGATE_WECHAT_TIMEOUT", positive(c.WeChatTimeout))
	l.check("WXGATE_SHUTDOWN_TIMEOUT", positive(c.ShutdownTimeout))
	if l.sound("WXGATE_SESSION_TTL", "WXGATE_SESSION_MAX_TTL") && c.SessionTTL > c.SessionMaxTTL {
		l.fault("WXGATE_SESSION_TTL", fmt.Sprintf("%v is longer than WXGATE_SESSION_MAX_TTL, %v; shorten the one or lengthen the other", c.SessionTTL, c.SessionMaxTTL))
	}
	l.listeners(c)
	l.relay(c)
	l.scanLogin(c)
	l.check("WXGATE_ALLOW_OPENIDS_FILE", wrap("open the list", readable(c.AllowOpenIDsFile, false)))
	l.check("WXGATE_DENY_OPENIDS_FILE", wrap("open the list", readable(c.DenyOpenIDsFile, false)))
	l.check("WXGATE_PAGES_DIR", wrap("open the folder", readable(c.PagesDir, true)))
	l.cookieDomain(c)
	l.certificate(c)
	l.upstreamCAs(c)
}

// check notes the error, if any, as a fault of the variable.
func (l *loader) check(name string, err error) {
	if err != nil {
		l.fault(name, err.Error())
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

// cookieName wants an RFC 6265 cookie-name. Browsers read the prefixes of
// cookie names in any case.
func cookieName(s string) error {
	lower := strings.ToLower(s)
	if strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-") {
		return errors.New("expected a name without __Host- or __Secure-; wxgate puts __Host- before it where it may")
	}
	if printable(s) != nil || strings.ContainsAny(s, `()<>@,;:\"/[]?={}`) {
		return errors.New("expected a cookie name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~")
	}
	return nil
}

// listeners wants addresses that can be listened on side by side.
func (l *loader) listeners(c *Config) {
	l.check("WXGATE_LISTEN", listenAddress(c.Listen))
	if c.AdminListen != "" {
		l.check("WXGATE_ADMIN_LISTEN", listenAddress(c.AdminListen))
		l.beside("WXGATE_ADMIN_LISTEN", c.AdminListen, "WXGATE_LISTEN", c.Listen, ", or empty for none")
	} else if c.AdminToken != "" {
		l.fault("WXGATE_ADMIN_TOKEN", "set, but WXGATE_ADMIN_LISTEN is empty; the admin API needs that address")
	}
	if c.RelayListen != "" {
		l.check("WXGATE_RELAY_LISTEN", listenAddress(c.RelayListen))
		l.beside("WXGATE_RELAY_LISTEN", c.RelayListen, "WXGATE_LISTEN", c.Listen, "")
		if c.AdminListen != "" {
			l.beside("WXGATE_RELAY_LISTEN", c.RelayListen, "WXGATE_ADMIN_LISTEN", c.AdminListen, "")
		}
	}
}

// beside wants an address that leaves room for another variable's.
func (l *loader) beside(name, address, otherName, other, orElse string) {
	if l.sound(name, otherName) && sameListener(address, other) {
		l.fault(name, fmt.Sprintf("%s would take the address of %s, %s; expected another port%s", address, otherName, other, orElse))
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

// scanLogin wants the website application whole, and there where it is used.
func (l *loader) scanLogin(c *Config) {
	const id, secret = "WXGATE_QR_APP_ID", "WXGATE_QR_APP_SECRET"
	reason := ""
	switch {
	case c.OutsideWeChat == "qrconnect":
		reason = "WXGATE_OUTSIDE_WECHAT=qrconnect"
	case c.QRAppID != "":
		reason = id
	case c.QRAppSecret != "":
		reason = secret
	default:
		return
	}
	if l.sound(id) && c.QRAppID == "" {
		l.fault(id, "not set, but "+reason+" needs it: the AppID of your website application at open.weixin.qq.com, which is not the official account's")
	}
	if l.sound(secret) && c.QRAppSecret == "" {
		l.fault(secret, "not set, but "+reason+" needs it: the AppSecret of your website application at open.weixin.qq.com; "+secret+"_FILE may name a file that holds it")
	}
	if l.sound(id, "WXGATE_APP_ID") && c.QRAppID == c.AppID {
		l.fault(id, "the official account's AppID, which WeChat refuses for scan login; expected that of a website application at open.weixin.qq.com")
	}
}

// readable wants a file or a folder that can be opened; without a path there is
// nothing to want.
func readable(path string, folder bool) error {
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return pathless(err)
	}
	defer file.Close()
	switch info, err := file.Stat(); {
	case err != nil:
		return pathless(err)
	case folder && !info.IsDir():
		return errors.New("not a folder")
	case !folder && info.IsDir():
		return errors.New("is a directory")
	}
	return nil
}

func listenAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if _, addrErr := netip.ParseAddr(host); err != nil || !isPort(port) || host != "" && addrErr != nil && !isHostname(strings.ToLower(host)) {
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

// cookieDomain wants a domain that browsers accept from the public URL.
func (l *loader) cookieDomain(c *Config) {
	if c.CookieDomain == "" {
		return
	}
	c.CookieDomain = strings.ToLower(strings.TrimPrefix(c.CookieDomain, "."))
	if _, err := netip.ParseAddr(c.CookieDomain); err == nil || !isHostname(c.CookieDomain) {
		l.fault("WXGATE_COOKIE_DOMAIN", "expected a domain such as example.com, without scheme and port")
		return
	}
	host := c.PublicURL.hostname()
	if l.sound("WXGATE_PUBLIC_URL") && host != c.CookieDomain && !strings.HasSuffix(host, "."+c.CookieDomain) {
		l.fault("WXGATE_COOKIE_DOMAIN", fmt.Sprintf("expected the host of WXGATE_PUBLIC_URL, %s, or a domain above it: browsers refuse any other", host))
	}
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

// upstreamCAs reads the certificates that https:// upstreams are checked by.
func (l *loader) upstreamCAs(c *Config) {
	if c.UpstreamCAFile == "" {
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

// wrap says what was tried; nil stays nil.
func wrap(tried string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", tried, err)
	}
	return nil
}
