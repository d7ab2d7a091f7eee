package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/origin"
)

// entrance is what answers the requests for one host: the doors of a site, or
// noSite.
type entrance interface {
	serve(w http.ResponseWriter, r *http.Request, through door)
}

// hosts finds the site that a request is for.
type hosts struct {
	*common
	only   *doors            // of a site that answers at any host; nil: none does
	byHost map[string]*doors // by canonical host
	none   *noSite
}

// newHosts returns the hosts of the given sites, in the order of c.Sites.
func newHosts(c Config, common *common, sites []*doors, errs *fieldErrors) hosts {
	h := hosts{common: common}
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
	h.none = &noSite{&responder{common: common, pages: set}}
	h.byHost = make(map[string]*doors)
	for i, d := range sites {
		if !d.site.public.IsZero() { // New refuses a site without an origin
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
			errs.fields = append(errs.fields, FieldError{i, "Hosts", errors.New("expected hosts such as h5.example.com, without a scheme")})
			continue
		}
		switch other := h.byHost[host]; other {
		case nil, d:
			h.byHost[host] = d
			d.site.aliases = d.site.aliases || host != public
		default:
			errs.fields = append(errs.fields, FieldError{i, "Hosts", fmt.Errorf("host %s is that of %s too, expected it once", host, other.site.public)})
		}
	}
	d.site.otherSite = func(host string) bool {
		other := h.byHost[origin.Canonical(host)]
		return other != nil && other != d
	}
}

// of returns the entrance for r: by its Host header, or, if a trusted proxy asks
// about another request over HTTP, by the host of that one.
func (h hosts) of(r *http.Request) entrance {
	at := h.at(r.Host)
	if h.only == nil && h.isAuth(r.URL.Path) && h.trust.trusts(r) {
		original := h.at(originalHost(r))
		if at != h.none && original != at && (h.behindAuth(r.URL.Path) != "" || fromNginx(r.Header)) {
			// nginx and Envoy ask under the visitor's own host: the other host is
			// from a header that the client sent.
			return h.none
		}
		return original
	}
	return at
}

// at returns the entrance for a host.
func (h hosts) at(host string) entrance {
	if h.only != nil {
		return h.only
	}
	if d, ok := h.byHost[origin.Canonical(host)]; ok {
		return d
	}
	return h.none
}

// hideDomainCookies makes each site hide from its upstreams the session cookies
// of other sites that browsers send there too, those of a domain above its host.
// Two sites must not set the same cookie.
func hideDomainCookies(byHost map[string]*doors) error {
	type domainCookie struct{ name, domain string }
	owners := make(map[domainCookie]*site)
	for _, d := range byHost { // several times for a site with several hosts
		s := d.site
		if s.cookieDomain == "" {
			continue
		}
		c := domainCookie{s.cookieName, s.cookieDomain}
		if other := owners[c]; other != nil && other != s {
			return fmt.Errorf("%s and %s set the same cookie, %s of %s: give one of them another CookieName", s.public, other.public, c.name, c.domain)
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

// noSite answers requests whose host is no site's.
type noSite struct{ *responder }

func (n *noSite) serve(w http.ResponseWriter, r *http.Request, _ door) {
	n.respond(w, r, func(*recorder, *http.Request, *request) error { return refusal.UnknownSite() })
}
