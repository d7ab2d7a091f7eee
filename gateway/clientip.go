package gateway

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

// trust is the list of addresses whose forwarding headers are believed. Empty,
// it trusts nobody.
type trust []netip.Prefix

func (t trust) contains(addr netip.Addr) bool {
	for _, prefix := range t {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// trusts reports whether r comes from a trusted proxy.
func (t trust) trusts(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && t.contains(plainAddr(peer.Addr()))
}

// client returns the address that r comes from, and whether the peer is a
// trusted proxy. Where it is, the client is the last address in
// X-Forwarded-For that no trusted proxy has: everything to its left is the
// client's own word.
func (t trust) client(r *http.Request) (client netip.Addr, trusted bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false // a Unix socket, or a test's request
	}
	client = plainAddr(peer.Addr())
	if !t.contains(client) {
		return client, false
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(chain) - 1; i >= 0; i-- {
		addr, ok := forwardedAddr(strings.TrimSpace(chain[i]))
		if !ok {
			break
		}
		client = addr
		if !t.contains(addr) {
			break
		}
	}
	return client, true
}

// forwardedAddr parses one element of X-Forwarded-For, with or without a port.
func forwardedAddr(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return plainAddr(addr), true
	}
	if addrPort, err := netip.ParseAddrPort(s); err == nil {
		return plainAddr(addrPort.Addr()), true
	}
	return netip.Addr{}, false
}

// plainAddr returns addr in the one form in which it is compared: an IPv4
// address never as IPv6, and none with a zone, which no prefix contains.
func plainAddr(addr netip.Addr) netip.Addr {
	return addr.Unmap().WithZone("")
}

// setForwarded replaces the forwarding headers of out, the request to the
// site, by what is known of in, the visitor's. From a trusted proxy, what it
// said is kept and the proxy itself added to the chain.
func (g *guard) setForwarded(out http.Header, in *http.Request, v *visit) {
	stripForwarded(out, v.trusted)
	peer := "unknown" // on a Unix socket
	if addrPort, err := netip.ParseAddrPort(in.RemoteAddr); err == nil {
		peer = plainAddr(addrPort.Addr()).String()
	}
	host, proto := in.Host, g.publicURL.Scheme
	if v.trusted {
		if prior := in.Header["X-Forwarded-For"]; len(prior) > 0 {
			peer = strings.Join(prior, ", ") + ", " + peer
		}
		if h := in.Header.Get("X-Forwarded-Host"); h != "" && !g.anotherSite(h) {
			host = h
		}
		if p := in.Header.Get("X-Forwarded-Proto"); p != "" {
			proto = p
		}
	}
	values := [...]string{peer, host, proto, v.requestID} // one allocation for the four
	out["X-Forwarded-For"] = values[0:1:1]
	out["X-Forwarded-Host"] = values[1:2:2]
	out["X-Forwarded-Proto"] = values[2:3:3]
	out["X-Request-Id"] = values[3:4:4]
}

// stripForwarded removes the headers by which a client could pass itself off
// as a proxy, in every spelling; from a trusted proxy, the regular spellings
// stay. Forwarded goes in any case: proxies that do not know it pass on the
// client's.
func stripForwarded(h http.Header, trusted bool) {
	for name := range h {
		if fromProxy(name) && !(trusted && headers.IsRegular(name)) {
			delete(h, name)
		}
	}
	delete(h, "Forwarded")
}

// fromProxy reports whether a header is one that proxies set.
func fromProxy(name string) bool {
	return headers.HasPrefix(name, "x-forwarded-") || headers.HasPrefix(name, "x-original-") ||
		headers.HasPrefix(name, "x-rewrite-url") || // as X-Original-URL, by another server's name
		len(name) == len("x-real-ip") && headers.HasPrefix(name, "x-real-ip") ||
		len(name) == len("x-request-id") && headers.HasPrefix(name, "x-request-id")
}
