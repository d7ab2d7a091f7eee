package config

import "slices"

// A Warning is a value of a valid configuration that is probably not meant, or
// will fail later.
type Warning struct {
	Fault        // its Problem is a log message, without data
	Hint  string // what an operator can do about it
}

// String returns the warning in one line.
func (w Warning) String() string { return w.Fault.String() + "; hint: " + w.Hint }

// Warnings returns the warnings of a configuration and of its sites. A value that
// several sites share is one warning.
func (c *Config) Warnings() []Warning { return c.oddOfSites(cautions()) }

// AccountWarnings returns the AppIDs and AppSecrets of an unusual form. Only WeChat
// knows whether they are right.
func (c *Config) AccountWarnings() []Warning { return c.oddOfSites(accountCautions()) }

// oddOfSites returns the warnings of the cautions that apply to c or to its sites.
func (c *Config) oddOfSites(cautions []caution) []Warning {
	if len(c.Sites) == 0 {
		return c.odd(cautions)
	}
	var list []Warning
	for _, site := range c.Sites {
		for _, w := range site.Config.odd(cautions) {
			if !slices.Contains(list, w) {
				list = append(list, w)
			}
		}
	}
	return list
}

// A caution is a rule for a [Warning].
type caution struct {
	variable string
	odd      func(c *Config) bool
	problem  string
	hint     string
}

// odd returns the warnings of the cautions that apply to c, whose sites do not
// count.
func (c *Config) odd(cautions []caution) []Warning {
	var list []Warning
	for _, rule := range cautions {
		if rule.odd(c) {
			list = append(list, Warning{c.Fault(namePrefix+rule.variable, rule.problem), rule.hint})
		}
	}
	return list
}
