package config

import (
	"slices"
	"strings"
)

// fullName returns the name that sets a variable for this loader.
func (l *loader) fullName(name string) string {
	return l.prefix + name
}

// gives reports whether a setting of this loader's own gave the variable its
// value. A site also has values that it shares with the others.
func (l *loader) gives(name string) bool {
	return strings.HasPrefix(l.sources[name].name, l.prefix)
}

// name returns the name of a variable for messages: the name that set it. If the
// variable is not set, it is the site's own name where the site itself sets one
// of the related variables, and else the unnumbered name.
func (l *loader) name(name string, related ...string) string {
	if s, ok := l.sources[name]; ok {
		return s.name
	}
	if slices.ContainsFunc(related, l.gives) {
		return l.fullName(name)
	}
	return namePrefix + name
}

// fault records what is wrong with a variable, or with it and the related ones.
// Only the first fault of a variable counts: a later check would look at a value
// that was not set.
func (l *loader) fault(name, problem string, related ...string) {
	if l.sound(name) {
		l.faults[name] = Fault{Name: l.name(name, related...), Given: l.sources[name].shown, Problem: problem}
	}
}

// ownFault is like fault for what must be fixed under this loader's own name.
func (l *loader) ownFault(name, problem string) {
	f := Fault{Name: l.fullName(name), Problem: problem}
	if l.gives(name) {
		f.Name, f.Given = l.sources[name].name, l.sources[name].shown
	}
	if l.sound(name) {
		l.faults[name] = f
	}
}

// check records the error, if there is one, as a fault of the variable.
func (l *loader) check(name string, err error) {
	if err != nil {
		l.fault(name, err.Error())
	}
}

// sound reports whether none of the variables has a fault yet.
func (l *loader) sound(names ...string) bool {
	for _, name := range names {
		if _, ok := l.faults[name]; ok {
			return false
		}
	}
	return true
}

// list returns the faults in the order of the variables.
func (l *loader) list(known []variable) []Fault {
	var list []Fault
	if f, ok := l.faults[hostsVariable]; ok {
		list = append(list, f)
	}
	for _, v := range known {
		if f, ok := l.faults[v.name]; ok {
			list = append(list, f)
		}
	}
	return list
}
