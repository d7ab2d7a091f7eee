package gateway

import (
	"fmt"
	"net/http"
)

// addSites makes the guards of several sites.
func (g *Gateway) addSites(c Config, b *builder) error {
	pages, err := b.pagesOf(c.PagesDir)
	if err != nil {
		return err
	}
	g.nowhere = &guard{shared: g.shared, pages: pages}
	g.byHost = make(map[string]*guard)
	for i, site := range c.Sites {
		if len(site.Sites) > 0 {
			return fmt.Errorf("sites[%d]: a site has no Sites of its own", i)
		}
		guard, err := b.guard(site.Config)
		if err != nil {
			return fmt.Errorf("sites[%d]: %w", i, err)
		}
		for _, host := range append([]string{guard.publicURL.Host}, site.Hosts...) {
			host = canonicalHost(host)
			switch other := g.byHost[host]; other {
			case nil:
				g.byHost[host] = guard
			case guard:
			default:
				return fmt.Errorf("sites[%d]: host %s is that of %s too, expected it once", i, host, other.publicURL)
			}
			guard.aliases = guard.aliases || host != canonicalHost(guard.publicURL.Host)
		}
	}
	return g.withholdDomainCookies()
}

// withholdDomainCookies makes each guard keep from its upstreams what browsers
// send there of another site's cookies, those of a domain above its own.
func (g *Gateway) withholdDomainCookies() error {
	type domainCookie struct{ name, domain string }
	owners := make(map[domainCookie]*guard)
	for _, guard := range g.byHost { // more than once where it has several hosts
		if domain := guard.cookieDomain(); domain != "" {
			c := domainCookie{guard.cookies.CookieName(), domain}
			if other := owners[c]; other != nil && other != guard {
				return fmt.Errorf("sites %s and %s set the same cookie, %s of %s: give one of them another CookieName", guard.publicURL, other.publicURL, c.name, c.domain)
			}
			owners[c] = guard
		}
	}
	for host, guard := range g.byHost {
		for c, owner := range owners {
			if owner != guard && inDomain(host, c.domain) {
				guard.withheld[c.name] = true
			}
		}
	}
	return nil
}

// guardOf returns the guard of the site that r is for: by the Host header, or,
// where a trusted proxy asks about another request, by that one's.
func (g *Gateway) guardOf(r *http.Request) *guard {
	guard := g.guardAt(r.Host)
	if g.only == nil && g.isAuth(r.URL.Path) && g.trust.trusts(r) {
		asked := g.guardAt(originalHost(r))
		if guard != g.nowhere && asked != guard && (g.behindAuth(r.URL.Path) != "" || fromNginx(r.Header)) {
			// nginx and Envoy ask under the visitor's own host: the other one is
			// from a header of hers.
			return g.nowhere
		}
		return asked
	}
	return guard
}

// guardAt returns the guard of the site that has the host.
func (g *Gateway) guardAt(host string) *guard {
	if g.only != nil {
		return g.only
	}
	if guard, ok := g.byHost[canonicalHost(host)]; ok {
		return guard
	}
	return g.nowhere
}

// anotherSite reports whether a host is that of another site of this gateway.
func (g *guard) anotherSite(host string) bool {
	other := g.byHost[canonicalHost(host)]
	return other != nil && other != g
}
