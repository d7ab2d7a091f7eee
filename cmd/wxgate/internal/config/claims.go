package config

import (
	"fmt"
	"strings"
)

// claims tells what belongs to one site alone, and by which variable.
type claims struct {
	hosts   map[string]string
	cookies map[cookie]string
}

// A cookie is what tells a session cookie that several hosts share from others
// in the same browser.
type cookie struct{ name, domain string }

// claimHost wants a host that no site before this one has.
func (l *loader) claimHost(taken claims, host, name string) {
	other, ok := taken.hosts[host]
	switch {
	case !ok:
		taken.hosts[host] = l.claimant(name)
	case l.gives(name):
		l.fault(name, fmt.Sprintf("the host %s is that of %s too; a request's host has to tell its site", host, other))
	default:
		l.faultHere(name, fmt.Sprintf("not set, and the host %s of %s is that of %s too; a request's host has to tell its site", host, l.name(name), other))
	}
}

// claimCookie wants a session cookie that no site before this one sets on the
// same domain.
func (l *loader) claimCookie(taken claims, c *Config) {
	const name, domain = "WXGATE_COOKIE_NAME", "WXGATE_COOKIE_DOMAIN"
	if c.CookieDomain == "" || !l.sound(name, domain) {
		return
	}
	key := cookie{c.CookieName, c.CookieDomain}
	other, ok := taken.cookies[key]
	if !ok {
		taken.cookies[key] = l.claimant(domain)
		return
	}
	l.faultHere(name, fmt.Sprintf("the cookie %s of the domain %s (%s) is that of %s too, so that each site would overwrite the other's; expected a name of its own",
		key.name, key.domain, l.name(domain), other))
}

// claimant names the variable that gave this site a value; and the site, where
// that is not the site's own variable.
func (l *loader) claimant(name string) string {
	if l.gives(name) {
		return l.name(name)
	}
	return strings.TrimSuffix(l.prefix, "_") + " (" + l.name(name) + ")"
}
