package config

import (
	"net/netip"
	"regexp"

	"github.com/wxgate/wxgate/gateway/origin"
)

// serviceLink reports whether a variable is one that Kubernetes sets in each pod
// for a Service called wxgate or wxgate-…, and not a mistake: PORT=tcp://10.0.0.1:8080
// is one, PORT=8080 is not. The name is without prefix. The names are listed in
// Kubernetes' documentation of Services, "Environment variables".
func serviceLink(name, value string) bool {
	number := `(?:0|[1-9][0-9]{0,4})`
	for _, link := range []struct {
		name  string
		valid func(value string) bool
	}{
		{`SERVICE_HOST`, isAddr},
		{`SERVICE_PORT(?:_[A-Z0-9_]+)?`, origin.IsPort},
		{`PORT`, isLink},
		{`PORT_` + number + `_(?:TCP|UDP|SCTP)`, isLink},
		{`PORT_` + number + `_(?:TCP|UDP|SCTP)_PROTO`, isProtocol},
		{`PORT_` + number + `_(?:TCP|UDP|SCTP)_PORT`, origin.IsPort},
		{`PORT_` + number + `_(?:TCP|UDP|SCTP)_ADDR`, isAddr},
	} {
		pattern := regexp.MustCompile(`^(?:[A-Z0-9_]+_)?` + link.name + `$`)
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

func isProtocol(s string) bool {
	return s == "tcp" || s == "udp" || s == "sctp"
}

// isLink reports whether s is an address such as tcp://10.0.0.1:8080.
func isLink(s string) bool {
	protocol, address, ok := cutScheme(s)
	_, err := netip.ParseAddrPort(address)
	return ok && isProtocol(protocol) && err == nil
}
