package config

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"github.com/agnivade/levenshtein"
)

// unknown gives a fault for each name that no variable has, with the nearest
// that there is. Values stay out: a misspelt secret is still a secret.
func unknown(given map[string]string, known []variable) []Fault {
	var names []string
	for _, v := range known {
		names = append(names, v.name)
		if v.secret {
			names = append(names, v.name+"_FILE")
		}
	}
	var list []Fault
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if slices.Contains(names, name) || serviceLink(name, given[name]) {
			continue
		}
		nearest := slices.MinFunc(names, func(a, b string) int {
			return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
		})
		shown := name
		if quoted := strconv.QuoteToASCII(name); quoted != `"`+name+`"` {
			shown = quoted
		}
		list = append(list, Fault{Name: shown, Problem: "unknown; the nearest known name is " + nearest})
	}
	return list
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
		{`_SERVICE_PORT(?:_[A-Z0-9_]+)?`, isPort},
		{`_PORT`, isLink},
		{`_PORT_` + number + `_(?:TCP|UDP|SCTP)`, isLink},
		{`_PORT_` + number + `_(?:TCP|UDP|SCTP)_PROTO`, isProto},
		{`_PORT_` + number + `_(?:TCP|UDP|SCTP)_PORT`, isPort},
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
