package config

import (
	"slices"
	"strings"
)

// Load reads a configuration from the environment, a list of "NAME=value" as
// [os.Environ] returns it. It ignores names that do not begin with WXGATE_, except
// OpenTelemetry's. If a name is there twice, the last one counts. Load reads the files that the
// variables name once.
//
// A variable that is set to the empty string counts as not set, except
// WXGATE_ADMIN_LISTEN, where it means no listener. Every error is a [*Faults].
func Load(environ []string) (*Config, error) {
	given, known := own(environ), variables()
	l := newLoader(namePrefix, given)
	c := l.read(known, known)
	l.checkProcess(c)
	var ofTracing []Fault
	c.Tracing, ofTracing = loadTracing(environ)
	numbered := numberedSites(given, known)
	if len(numbered) == 0 {
		l.require(c, known)
		l.checkSite(c)
		return checked(c, l.list(known), ofTracing, unknown(given, known))
	}
	l.relayAccount(c)
	list := l.list(known)
	var ofSites []Fault
	c.Sites, ofSites = l.sites(c, known, numbered)
	return checked(c, list, ofSites, ofTracing, unknown(given, known))
}

// LoadAccount is [Load] for a command that only calls WeChat's API. It reads the
// unnumbered AppID and AppSecret, and the variables that say how to reach WeChat.
// The others may be missing or wrong, and keep their defaults. Unknown names are
// faults here too.
func LoadAccount(environ []string) (*Config, error) {
	given, known := own(environ), variables()
	l := newLoader(namePrefix, given)
	account := slices.DeleteFunc(slices.Clone(known), func(v variable) bool { return !v.account })
	c := l.read(known, account)
	l.require(c, account)
	return checked(c, l.list(known), unknown(given, known))
}

// own returns wxgate's own variables, without the prefix of their names.
func own(environ []string) map[string]string {
	given := make(map[string]string)
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if name, own := strings.CutPrefix(name, namePrefix); ok && own {
			given[name] = value
		}
	}
	return given
}

// checked returns the configuration, or an error if there are faults.
func checked(c *Config, lists ...[]Fault) (*Config, error) {
	var list []Fault
	seen := make(map[Fault]bool) // a fault of a shared value is in the list of each site
	for _, f := range slices.Concat(lists...) {
		if !seen[f] {
			seen[f], list = true, append(list, f)
		}
	}
	if len(list) > 0 {
		return nil, &Faults{List: list}
	}
	return c, nil
}
