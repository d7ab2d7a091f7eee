package config

import (
	"slices"
	"strings"
)

// Load makes a configuration of the environment, a list of "NAME=value" as
// [os.Environ] gives it; of a name that is there twice the last one counts. Only
// names that begin with WXGATE_ are looked at. The files that the environment
// names are read once, now.
//
// A variable set to the empty string is as good as unset, but for
// WXGATE_ADMIN_LISTEN, where it means no listener. Every error is a [*Faults].
func Load(environ []string) (*Config, error) {
	given, known := own(environ), variables()
	l := newLoader(unnumberedPrefix, given)
	c := l.read(known, known)
	l.validateProcess(c)
	numbered := numberedSites(given, known)
	if len(numbered) == 0 {
		l.require(c, known)
		l.validateSite(c)
		return checked(c, l.list(known), unknown(given, known))
	}
	l.relayAccount(c)
	list := l.list(known)
	var ofSites []Fault
	c.Sites, ofSites = l.sites(c, known, numbered)
	return checked(c, list, ofSites, unknown(given, known))
}

// LoadAccount is [Load] for a command that calls WeChat's API and does nothing
// else: the unnumbered AppID, AppSecret and how to reach WeChat. The other
// variables may be missing or wrong, and stay at their defaults; unknown names
// are still told.
func LoadAccount(environ []string) (*Config, error) {
	given, known := own(environ), variables()
	l := newLoader(unnumberedPrefix, given)
	account := slices.DeleteFunc(slices.Clone(known), func(v variable) bool { return !v.account })
	c := l.read(known, account)
	l.require(c, account)
	return checked(c, l.list(known), unknown(given, known))
}

// checked gives the configuration, or the faults that it has.
func checked(c *Config, lists ...[]Fault) (*Config, error) {
	var list []Fault
	told := make(map[Fault]bool) // sites share the faults of what they share
	for _, f := range slices.Concat(lists...) {
		if !told[f] {
			told[f], list = true, append(list, f)
		}
	}
	if len(list) > 0 {
		return nil, &Faults{List: list}
	}
	return c, nil
}

// unnumberedPrefix is what every name of wxgate's begins with.
const unnumberedPrefix = "WXGATE_"

// own picks wxgate's own variables.
func own(environ []string) map[string]string {
	given := make(map[string]string)
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && strings.HasPrefix(name, unnumberedPrefix) {
			given[name] = value
		}
	}
	return given
}
