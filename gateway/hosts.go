package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"

	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/gateway/pathset"
)

// hosts finds the site that a request is for.
type hosts struct {
	*common
	only   *doors            // the only site, which answers at any host; nil: sites are found by host
	byHost map[string]*doors // by canonical host
	none   *responder        // for hosts of no site
}

// newHosts returns the hosts of the given sites, in the order of c.Sites.
func newHosts(c Config, common *common, sites []*doors, errs *fieldErrors) hosts {
	h := hosts{common: common}
	skip, err := pathset.New(c.AccessLogSkip)
	errs.add("AccessLogSkip", err)
	if len(sites) == 0 {
		errs.add("Sites", errors.New("expected at least one site"))
		return h
	}
	if len(sites) == 1 && len(c.Sites[0].Hosts) == 0 {
		h.only = sites[0]
		return h
	}
	set, err := pages.New(c.PagesDir)
	errs.add("PagesDir", err)
	h.none = &responder{common: common, counters: common.metrics.ofRefusals(NoSite), skip: skip, pages: set}
	h.byHost = make(map[string]*doors)
	for i, d := range sites {
		if !d.site.public.IsZero() { // an invalid PublicURL has been reported
			h.claim(i, d, c.Sites[i].Hosts, errs)
		}
	}
	if err := hideDomainCookies(h.byHost); err != nil {
		errs.add("Sites", err)
	}
	return h
}

// claim gives site i its hosts, which no other site may have.
func (h hosts) claim(i int, d *doors, further []string, errs *fieldErrors) {
	public := origin.Canonical(d.site.public.Host)
	for _, host := range append([]string{public}, further...) {
		host = origin.Canonical(host)
		if _, err := netip.ParseAddr(host); err != nil && !origin.IsHostname(host) {
			errs.addAt(i, "Hosts", errors.New("expected hosts such as h5.example.com, without a scheme"))
			continue
		}
		switch other := h.byHost[host]; other {
		case nil, d:
			h.byHost[host] = d
			d.site.aliases = d.site.aliases || host != public
		default:
			errs.addAt(i, "Hosts", fmt.Errorf("host %s is that of %s too, expected it once", host, other.site.public))
		}
	}
	d.site.ownHost = func(host string) bool { return h.byHost[origin.Canonical(host)] == d }
	d.site.otherSite = func(host string) bool {
		other := h.byHost[origin.Canonical(host)]
		return other != nil && other != d
	}
}

// serve answers r through the given door of a site; nil: of no site.
func (h hosts) serve(w http.ResponseWriter, r *http.Request, d *doors, through door) {
	if d != nil {
		d.serve(w, r, through)
		return
	}
	h.none.respond(w, r, func(*recorder, *http.Request, *facts) error { return refusal.UnknownSite() })
}

// of returns the site of r's host; nil: there is none. For a forward-auth request
// of a trusted proxy it is the host of the visitor's request.
func (h hosts) of(r *http.Request) *doors {
	at := h.at(r.Host)
	if h.only == nil && h.isAuth(r.URL.Path) && h.trust.trusts(r) {
		asked := h.at(askedHost(r))
		if at != nil && asked != at && (h.afterAuth(r.URL.Path) != "" || fromNginx(r.Header)) {
			// nginx and Envoy keep the visitor's Host. If a header names another host,
			// the client sent that header.
			return nil
		}
		return asked
	}
	return at
}

// at returns the site of a host; nil: there is none.
func (h hosts) at(host string) *doors {
	if h.only != nil {
		return h.only
	}
	return h.byHost[origin.Canonical(host)]
}

// hideDomainCookies makes each site hide from its upstreams the session cookies
// of other sites that browsers send there too, those of a domain above its host.
// Two sites must not set the same cookie.
func hideDomainCookies(byHost map[string]*doors) error {
	type domainCookie struct{ name, domain string }
	owners := make(map[domainCookie]*site)
	for _, host := range slices.Sorted(maps.Keys(byHost)) { // a site may have several
		s := byHost[host].site
		if s.cookieDomain == "" {
			continue
		}
		c := domainCookie{s.cookieName, s.cookieDomain}
		if other := owners[c]; other != nil && other != s {
			return fmt.Errorf("%s and %s set the same cookie, %s of %s: give one of them another CookieName",
				other.public, s.public, c.name, c.domain)
		}
		owners[c] = s
	}
	for host, d := range byHost {
		for c, owner := range owners {
			if owner != d.site && inDomain(host, c.domain) {
				d.site.hidden[c.name] = true
			}
		}
	}
	return nil
}
