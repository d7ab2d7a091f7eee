package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
)

const (
	// numberedPrefix is what the names of the sites' variables begin with.
	numberedPrefix = "WXGATE_SITES_"
	// hostsVariable exists only numbered; this is how its name would be without.
	hostsVariable = "WXGATE_HOSTS"
	// noPresets is a tag that no field has: what a site leaves out is not to
	// return to its default.
	noPresets = "-"
)

// A Site is one of several sites in a process. Its variables are the numbered
// ones, WXGATE_SITES_0_APP_ID and so on; what it leaves out or sets to the empty
// string it takes from the unnumbered variable.
type Site struct {
	// Name is what the names of its variables begin with: WXGATE_SITES_0.
	Name string
	// Hosts are those that WXGATE_SITES_0_HOSTS lists, and that of the public
	// URL: in lower case, without port, an IPv6 address without brackets. There
	// is at least one, and no two sites share one.
	Hosts HostList
	// Config is the site's whole configuration. Its own Sites is empty.
	Config *Config
}

// numbered splits a name such as WXGATE_SITES_0_APP_ID into the site's number
// and the unnumbered name, WXGATE_APP_ID. A number has no leading zeros, so that
// a site has one name.
func numbered(name string) (number, unnumbered string, ok bool) {
	rest, ok := strings.CutPrefix(name, numberedPrefix)
	number, rest, cut := strings.Cut(rest, "_")
	if !ok || !cut || number == "" || strings.Trim(number, "0123456789") != "" || number[0] == '0' && number != "0" {
		return "", "", false
	}
	return number, unnumberedPrefix + rest, true
}

// numberedSites gives the variables of each site under their unnumbered names,
// by the site's number. A site is there when a variable that sites may have is.
func numberedSites(given map[string]string, known []variable) map[string]map[string]string {
	names := siteNames(known)
	sites := make(map[string]map[string]string)
	for name, value := range given {
		number, unnumbered, ok := numbered(name)
		if !ok || value == "" || !names[unnumbered] {
			continue
		}
		if sites[number] == nil {
			sites[number] = make(map[string]string)
		}
		sites[number][unnumbered] = value
	}
	return sites
}

// siteNames gives the names that may be numbered, without the number.
func siteNames(known []variable) map[string]bool {
	names := map[string]bool{hostsVariable: true}
	for _, v := range known {
		if v.process {
			continue
		}
		for _, name := range v.names() {
			names[name] = true
		}
	}
	return names
}

// sites makes the sites, in the order of their numbers, of the unnumbered
// configuration and their own variables.
func (l *loader) sites(shared *Config, known []variable, numbered map[string]map[string]string) ([]Site, []Fault) {
	var sites []Site
	var list []Fault
	taken := claims{hosts: make(map[string]string), cookies: make(map[cookie]string)}
	numbers := slices.SortedFunc(maps.Keys(numbered), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	for _, number := range numbers {
		s := newLoader(numberedPrefix+number+"_", numbered[number])
		s.sources, s.faults = maps.Clone(l.sources), maps.Clone(l.faults)
		sites = append(sites, s.site(shared, known, taken))
		list = append(list, s.list(known)...)
	}
	return sites, list
}

// site makes one site. Its values are parsed over those that the sites share,
// which are neither parsed nor read from their files again.
func (l *loader) site(shared *Config, known []variable, taken claims) Site {
	c := new(*shared)
	for _, v := range known {
		if !v.process {
			l.take(v)
		}
	}
	listed := l.hosts()
	l.parse(c, known, noPresets)
	l.validateValues(c)
	l.require(c, known)
	l.validateSite(c)

	site := Site{Name: strings.TrimSuffix(l.prefix, "_"), Hosts: listed, Config: c}
	for _, host := range listed {
		l.claimHost(taken, host, hostsVariable)
	}
	if host := c.PublicURL.Hostname(); l.sound("WXGATE_PUBLIC_URL") && !slices.Contains(listed, host) {
		l.claimHost(taken, host, "WXGATE_PUBLIC_URL")
		site.Hosts = append(site.Hosts, host)
	}
	l.claimCookie(taken, c)
	return site
}

// hosts reads the list of the site's hosts. Where there is no public URL, the
// first of them makes it.
func (l *loader) hosts() HostList {
	const public = "WXGATE_PUBLIC_URL"
	text := l.given[hostsVariable]
	if text == "" {
		return nil
	}
	from := source{name: l.spell(hostsVariable), shown: quote(text)}
	l.sources[hostsVariable] = from
	listed, err := parseList(text, parseSiteHost)
	l.check(hostsVariable, err)
	if _, given := l.sources[public]; !given {
		l.sources[public] = from
		l.check(public, err)
		if err == nil {
			l.values[public] = "https://" + inURL(listed[0])
		}
	}
	var hosts HostList
	for _, host := range listed {
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// parseSiteHost reads a host of which case, port and a dot at the end do not
// count.
func parseSiteHost(text string) (string, error) {
	name, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		name, port = text[:i], text[i:]
	}
	host, err := origin.ParseHost(strings.TrimSuffix(name, ".") + port)
	return origin.Origin{Host: host}.Hostname(), err
}

// inURL gives a host as it stands in a URL.
func inURL(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
