package origin

import (
	"net/netip"
	"slices"
	"strings"
)

// privateDomains are the domains that nobody can register: those of Kubernetes
// services (also .svc.cluster.local), of Docker and private networks, and of
// multicast DNS.
var privateDomains = []string{".svc", ".internal", ".local"}

// IsPrivate reports whether host, the Host of a request, is an IP address,
// localhost, a name without a dot, or a name under .svc, .internal or .local. A
// page of the internet never has such a host. A request for any other host may
// come from a page whose domain was made to point to a private address (DNS
// rebinding).
func IsPrivate(host string) bool {
	name := Canonical(host)
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Zone() == ""
	}
	if !IsHostname(name) {
		return false
	}
	private := func(domain string) bool { return strings.HasSuffix(name, domain) }
	return !strings.Contains(name, ".") || slices.ContainsFunc(privateDomains, private)
}
