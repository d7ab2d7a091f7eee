package config

import (
	"cmp"
	"maps"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/wxgate/wxgate/gateway/origin"
)

// unknown gives a fault for each name that no variable has, with the nearest
// that there is, and for each that has a number where none may be. Values stay
// out: a misspelt secret is still a secret.
func unknown(given map[string]string, known []variable) []Fault {
	ofSites, ofProcess := siteNames(known), make(map[string]bool)
	all := make(map[string]bool)
	for _, v := range known {
		for _, name := range v.names() {
			all[name], ofProcess[name] = true, v.process
		}
	}
	var list []Fault
	for _, name := range slices.Sorted(maps.Keys(given)) {
		_, unnumbered, ok := numbered(name)
		switch {
		case all[name], ok && ofSites[unnumbered], serviceLink(name, given[name]):
		case ok && ofProcess[unnumbered]:
			list = append(list, Fault{Name: name, Problem: "belongs to the whole process; set " + unnumbered})
		default:
			shown := name
			if quoted := strconv.QuoteToASCII(name); quoted != `"`+name+`"` {
				shown = quoted
			}
			list = append(list, Fault{Name: shown, Problem: "unknown; the nearest known name is " + nearest(name, known)})
		}
	}
	return list
}

// nearest gives the known name that is most like name: one without a number, or
// with the number that name holds.
func nearest(name string, known []variable) string {
	number := regexp.MustCompile(`[1-9][0-9]*`).FindString(name)
	number = numberedPrefix + cmp.Or(number, "0") + "_"
	best, least := "", math.MaxInt
	compare := func(like, candidate string) {
		if d := levenshtein.ComputeDistance(name, like); d < least {
			best, least = candidate, d
		}
	}
	for _, v := range known {
		for _, candidate := range v.names() {
			compare(candidate, candidate)
			like := number + strings.TrimPrefix(candidate, unnumberedPrefix)
			if !v.process {
				candidate = like
			}
			compare(like, candidate)
		}
	}
	hosts := number + strings.TrimPrefix(hostsVariable, unnumberedPrefix)
	compare(hosts, hosts)
	compare(hostsVariable, hosts)
	return best
}

// serviceLink tells a variable that Kubernetes sets by itself in every pod of
// the namespace, for a Service called wxgate or wxgate-…, from a person's
// mistake: WXGATE_PORT=tcp://10.0.0.1:8080 is one, WXGATE_PORT=8080 is not.
// The names are those of Kubernetes' documentation of Services, "Environment
// variables".
func serviceLink(name, value string) bool {
	number := `(?:0|[1-9][0-9]{0,4})`
	for _, link := range []struct {
		name  string
		valid func(value string) bool
	}{
		{`_SERVICE_HOST`, isAddr},
		{`_SERVICE_PORT(?:_[A-Z0-9_]+)?`, origin.IsPort},
		{`_PORT`, isLink},
		{`_PORT_` + number + `_(?:TCP|UDP|SCTP)`, isLink},
		{`_PORT_` + number + `_(?:TCP|UDP|SCTP)_PROTO`, isProto},
		{`_PORT_` + number + `_(?:TCP|UDP|SCTP)_PORT`, origin.IsPort},
		{`_PORT_` + number + `_(?:TCP|UDP|SCTP)_ADDR`, isAddr},
	} {
		pattern := regexp.MustCompile(`^WXGATE(?:_[A-Z0-9_]+)?` + link.name + `$`)
		if pattern.MatchString(name) && link.valid(value) {
			return true
		}
	}
	return false
}

func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func isProto(s string) bool {
	return s == "tcp" || s == "udp" || s == "sctp"
}

// isLink reports whether s is like tcp://10.0.0.1:8080.
func isLink(s string) bool {
	proto, address, ok := cutScheme(s)
	_, err := netip.ParseAddrPort(address)
	return ok && isProto(proto) && err == nil
}
