package config

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"

	"github.com/agnivade/levenshtein"
)

// unknown returns a fault for each name that is no variable, with the nearest
// name that is one, and for each numbered variable that must not have a number.
// The faults do not show values: a misspelt secret is still a secret.
func unknown(given map[string]string, known []variable) []Fault {
	ofSites, ofProcess := siteNames(known), make(map[string]bool)
	all := make(map[string]bool)
	for _, v := range known {
		for _, name := range v.names {
			all[name], ofProcess[name] = true, v.process
		}
	}
	var list []Fault
	for _, name := range slices.Sorted(maps.Keys(given)) {
		_, unnumbered, ok := numbered(name)
		switch {
		case all[name], ok && ofSites[unnumbered], serviceLink(name, given[name]):
		case ok && ofProcess[unnumbered]:
			list = append(list, Fault{
				Name:    namePrefix + name,
				Problem: "applies to the whole process; set " + namePrefix + unnumbered,
			})
		default:
			list = append(list, Fault{
				Name:    shownName(namePrefix + name),
				Problem: "unknown; the nearest known name is " + nearest(namePrefix+name, known),
			})
		}
	}
	return list
}

// shownName returns a name in quotes if it holds characters that a message
// cannot show.
func shownName(name string) string {
	if quoted := strconv.QuoteToASCII(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// nearest returns the known name that is most similar to name: one without a
// number, or with the first number in name.
func nearest(name string, known []variable) string {
	number := regexp.MustCompile(`[1-9][0-9]*`).FindString(name)
	numberedPrefix := namePrefix + sitesPrefix + cmp.Or(number, "0") + "_"
	best, least := "", math.MaxInt
	compare := func(similar, candidate string) {
		if d := levenshtein.ComputeDistance(name, similar); d < least {
			best, least = candidate, d
		}
	}
	for _, v := range known {
		for _, n := range v.names {
			compare(namePrefix+n, namePrefix+n)
			if v.process {
				compare(numberedPrefix+n, namePrefix+n)
			} else {
				compare(numberedPrefix+n, numberedPrefix+n)
			}
		}
	}
	compare(numberedPrefix+hostsVariable, numberedPrefix+hostsVariable)
	compare(namePrefix+hostsVariable, numberedPrefix+hostsVariable)
	return best
}
