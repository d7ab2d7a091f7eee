package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
)

const (
	// sitesPrefix follows namePrefix in the names of the sites' variables.
	sitesPrefix = "SITES_"
	// hostsVariable is the name of a variable that only sites have.
	hostsVariable = "HOSTS"
	// noPresets is a tag that no field has: a site takes what it leaves out from
	// the shared value, not from the default.
	noPresets = "-"
)

// A Site is one of several sites in a process. Its variables are the numbered
// ones, WXGATE_SITES_0_APP_ID and so on. What it leaves out, or sets to the empty
// string, it takes from the unnumbered variable.
type Site struct {
	// Name is what the names of the site's variables begin with: WXGATE_SITES_0.
	Name string
	// Hosts are the hosts in WXGATE_SITES_0_HOSTS and the host of the public URL,
	// in lower case, without port, an IPv6 address without brackets. There is at
	// least one, and no two sites share one.
	Hosts HostList
	// Config is the site's whole configuration. Its own Sites is empty.
	Config *Config
}

// numbered splits a name without prefix, such as SITES_0_APP_ID, into the number
// of the site and the name of the variable, APP_ID. A number has no leading
// zeros, so that a site has one name only.
func numbered(name string) (number, unnumbered string, ok bool) {
	rest, ok := strings.CutPrefix(name, sitesPrefix)
	number, unnumbered, cut := strings.Cut(rest, "_")
	if !ok || !cut || number == "" || strings.Trim(number, "0123456789") != "" || number[0] == '0' && number != "0" {
		return "", "", false
	}
	return number, unnumbered, true
}

// numberedSites returns the variables of each site by the site's number, with
// unnumbered names. A site exists if one of the variables of siteNames is set.
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

// siteNames returns the names that a site may set, without number.
func siteNames(known []variable) map[string]bool {
	names := map[string]bool{hostsVariable: true}
	for _, v := range known {
		if v.process {
			continue
		}
		for _, name := range v.names {
			names[name] = true
		}
	}
	return names
}

// sites returns the sites in the order of their numbers, and their faults.
//
// Package env could read a slice of structs, but not what is needed here:
// elements that take over shared values, numbers with gaps, and errors that name
// the element.
func (l *loader) sites(shared *Config, known []variable, numbered map[string]map[string]string) ([]Site, []Fault) {
	var sites []Site
	var list []Fault
	taken := newClaims()
	numbers := slices.SortedFunc(maps.Keys(numbered), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	for _, number := range numbers {
		s := newLoader(namePrefix+sitesPrefix+number+"_", numbered[number])
		s.sources, s.faults = maps.Clone(l.sources), maps.Clone(l.faults)
		sites = append(sites, s.site(shared, known, taken))
		list = append(list, s.list(known)...)
	}
	return sites, list
}

// site reads one site. It parses the site's own values only; shared values are
// not parsed, and their files not read, again.
func (l *loader) site(shared *Config, known []variable, taken claims) Site {
	c := new(*shared)
	c.sources = l.sources
	for _, v := range known {
		if !v.process {
			l.take(v)
		}
	}
	l.parse(c, known, noPresets)
	site := Site{Name: strings.TrimSuffix(l.prefix, "_"), Hosts: l.hosts(c), Config: c}
	l.checkValues(c)
	l.require(c, known)
	l.checkSite(c)
	l.claimHosts(taken, &site)
	l.claimCookie(taken, c)
	return site
}

// hosts returns the site's hosts, each once. Without a public URL, the first one
// becomes the public URL.
func (l *loader) hosts(c *Config) HostList {
	const public = "PUBLIC_URL"
	text := l.given[hostsVariable]
	if text == "" {
		return nil
	}
	from := source{name: l.fullName(hostsVariable), shown: quote(text)}
	l.sources[hostsVariable] = from
	var listed []string
	err := checkWrapping(text)
	if err == nil {
		listed, err = parseList(text, parseSiteHost)
	}
	l.check(hostsVariable, err)
	if _, given := l.sources[public]; !given {
		l.sources[public] = from
		l.check(public, err)
		if err == nil {
			c.PublicURL = origin.Origin{Scheme: "https", Host: bracketed(listed[0])}
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

// parseSiteHost parses a host and ignores case, port and a dot at its end.
func parseSiteHost(text string) (string, error) {
	name, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		name, port = text[:i], text[i:]
	}
	host, err := origin.ParseHost(strings.TrimSuffix(name, ".") + port)
	return origin.Origin{Host: host}.Hostname(), err
}

// bracketed returns a host in the form that a URL has it in.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
