package gateway

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

// setForwarded replaces the forwarding headers of out, the request to the site,
// by what is known of in, the visitor's. What a trusted proxy said is kept, and
// the proxy added to the chain.
func (s *site) setForwarded(out http.Header, in *http.Request, q *facts) {
	stripForwarded(out, q.trusted)
	peer := "unknown" // on a Unix socket
	if addrPort, err := netip.ParseAddrPort(in.RemoteAddr); err == nil {
		peer = plainAddr(addrPort.Addr()).String()
	}
	host, proto := in.Host, s.public.Scheme
	if q.trusted {
		if prior := in.Header["X-Forwarded-For"]; len(prior) > 0 {
			peer = strings.Join(prior, ", ") + ", " + peer
		}
		if h := in.Header.Get("X-Forwarded-Host"); h != "" && !(s.otherSite != nil && s.otherSite(h)) {
			host = h
		}
		if p := in.Header.Get("X-Forwarded-Proto"); p != "" {
			proto = p
		}
	}
	values := [...]string{peer, host, proto, q.id} // one allocation for the four
	out["X-Forwarded-For"] = values[0:1:1]
	out["X-Forwarded-Host"] = values[1:2:2]
	out["X-Forwarded-Proto"] = values[2:3:3]
	out["X-Request-Id"] = values[3:4:4]
}

// stripForwarded removes the headers by which a client could pose as a proxy, in
// every spelling. From a trusted proxy, the regular spellings stay, but not
// Forwarded, nor those that name another path or method: proxies that do not know them
// pass on the client's, and some frameworks serve that path, which nobody has checked.
func stripForwarded(h http.Header, trusted bool) {
	for name := range h {
		if headers.NamesTarget(name) || fromProxy(name) && !(trusted && headers.IsRegular(name)) {
			delete(h, name)
		}
	}
	delete(h, "Forwarded")
}

// fromProxy reports whether a header is one that proxies set.
func fromProxy(name string) bool {
	return headers.HasPrefix(name, "x-forwarded-") ||
		len(name) == len("x-real-ip") && headers.HasPrefix(name, "x-real-ip") ||
		len(name) == len("x-request-id") && headers.HasPrefix(name, "x-request-id")
}
