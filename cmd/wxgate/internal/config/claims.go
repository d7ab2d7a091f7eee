package config

import (
	"fmt"
	"slices"
	"strings"
)

// claims records what only one site may have, with the variable that set it.
type claims struct {
	hosts   map[string]string
	cookies map[cookie]string
}

// A cookie identifies a session cookie that several hosts share.
type cookie struct{ name, domain string }

func newClaims() claims {
	return claims{hosts: make(map[string]string), cookies: make(map[cookie]string)}
}

// claimHosts claims the site's hosts and that of its public URL, which it adds
// to them.
func (l *loader) claimHosts(taken claims, site *Site) {
	l.claimHost(taken, hostsVariable, site.Hosts...)
	host := site.Config.PublicURL.Hostname()
	if l.sound("PUBLIC_URL") && !slices.Contains(site.Hosts, host) {
		l.claimHost(taken, "PUBLIC_URL", host)
		site.Hosts = append(site.Hosts, host)
	}
}

// claimHost claims the hosts of a variable, and records a fault that names all that an
// earlier site has.
func (l *loader) claimHost(taken claims, name string, hosts ...string) {
	const rule = "the host of a request must identify its site"
	var others []string
	for _, host := range hosts {
		other, ok := taken.hosts[host]
		switch {
		case !ok:
			taken.hosts[host] = l.claimant(name)
		case l.gives(name):
			others = append(others, fmt.Sprintf("the host %s is also that of %s", host, other))
		default:
			l.ownFault(name, fmt.Sprintf("not set, and the host %s of %s is also that of %s; %s",
				host, l.name(name), other, rule))
		}
	}
	if len(others) > 0 {
		l.fault(name, strings.Join(others, "; ")+"; "+rule)
	}
}

// claimCookie records a fault if an earlier site sets a session cookie of the
// same name on the same domain.
func (l *loader) claimCookie(taken claims, c *Config) {
	const name, domain = "COOKIE_NAME", "COOKIE_DOMAIN"
	if c.CookieDomain == "" || !l.sound(name, domain) {
		return
	}
	key := cookie{c.CookieName, c.CookieDomain}
	other, ok := taken.cookies[key]
	if !ok {
		taken.cookies[key] = l.claimant(domain)
		return
	}
	l.ownFault(name, fmt.Sprintf("the cookie %s of the domain %s (%s) is also that of %s, "+
		"so each site would overwrite the other's; expected a name of its own",
		key.name, key.domain, l.name(domain), other))
}

// claimant returns the name of the variable that gave this site a value, with
// the site's name before it if the variable is not the site's own.
func (l *loader) claimant(name string) string {
	if l.gives(name) {
		return l.name(name)
	}
	return strings.TrimSuffix(l.prefix, "_") + " (" + l.name(name) + ")"
}
