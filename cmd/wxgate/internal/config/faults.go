package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Faults is the error of [Load]: everything that is wrong with an environment.
type Faults struct {
	// List holds the faults of the unnumbered variables in the order of
	// [Config], then those of each site, then those of OpenTelemetry, then the names
	// that are unknown or must not have a number. It holds each fault once and is never empty.
	List []Fault
}

// Error returns a line with the number of faults, then a line for each fault.
func (f *Faults) Error() string {
	var b strings.Builder
	if len(f.List) == 1 {
		b.WriteString("1 fault in the configuration:")
	} else {
		fmt.Fprintf(&b, "%d faults in the configuration:", len(f.List))
	}
	for _, fault := range f.List {
		b.WriteString("\n  " + fault.String())
	}
	return b.String()
}

// Fault is one thing that is wrong with one variable.
type Fault struct {
	Name    string // the variable as it was set: NAME or NAME_FILE
	Given   string // its value, quoted; empty if it is not set or must not be shown
	Problem string // what is wrong with it and how to fix it
}

// String returns the fault in one line: NAME="given": problem.
func (f Fault) String() string {
	if f.Given == "" {
		return f.Name + ": " + f.Problem
	}
	return f.Name + "=" + f.Given + ": " + f.Problem
}

// Fault returns a fault of a variable, such as WXGATE_PAGES_DIR, that was found
// with its value in c. Its name is that of the setting that gave the value:
// WXGATE_SITES_0_PAGES_DIR if the site of c has a value of its own.
func (c *Config) Fault(variable, problem string) Fault {
	from, ok := c.sources[strings.TrimPrefix(variable, namePrefix)]
	if !ok { // not set: the default has the problem
		return Fault{Name: variable, Problem: problem}
	}
	return Fault{Name: from.name, Given: from.shown, Problem: problem}
}

// NameOf returns the name by which a variable was set: that of the site, or that for
// all sites. A variable that is not set keeps its name.
func (c *Config) NameOf(variable string) string { return c.Fault(variable, "").Name }

// quote prepares a value for a message. It returns nothing for a value that may
// hold a secret: a URL with a password, or a key in place of its file's path.
func quote(value string) string {
	const longest = 200
	if strings.ContainsAny(value, "@\n") || strings.Contains(value, "-----BEGIN") {
		return ""
	}
	if len(value) > longest {
		return strconv.Quote(strings.ToValidUTF8(value[:longest], "")) + "…"
	}
	return strconv.Quote(value)
}
