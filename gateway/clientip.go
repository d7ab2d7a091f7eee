package gateway

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/access"
)

// trust is the list of proxies whose forwarding headers the gateway uses. Empty,
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
// trusted proxy. If it is, the client is the last address in X-Forwarded-For
// that is no trusted proxy's: the client can have sent all to its left.
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

// plainAddr returns addr in the form in which it is compared: an IPv4 address not
// as IPv6, and without a zone, which no prefix contains.
func plainAddr(addr netip.Addr) netip.Addr {
	return addr.Unmap().WithZone("")
}

// readHeaders are the headers of a trusted proxy that say who asks for what.
var readHeaders = [...]string{
	"X-Forwarded-For", "X-Forwarded-Proto", headerForwardedHost, headerForwardedURI, headerForwardedMethod,
	headerOriginalURI, headerOriginalURL, headerOriginalMethod,
}

// warnOfPeer warns if r comes from an address that is not trusted and has headers
// that are read from trusted ones: most likely it is the operator's own proxy.
func (c *common) warnOfPeer(r *http.Request, q *facts) {
	if q.trusted {
		return
	}
	for _, name := range readHeaders {
		if len(r.Header[name]) > 0 {
			c.ignoringHeaders(r, q)
			return
		}
	}
}

// ignoringHeaders logs that what the peer of r says about the visitor is ignored.
func (c *common) ignoringHeaders(r *http.Request, q *facts) {
	c.warnings.peer.do(func() {
		var seen []string
		for _, name := range readHeaders {
			if len(r.Header[name]) > 0 {
				seen = append(seen, name)
			}
		}
		c.logger.Warn().
			Str("client_ip", q.clientIPText()).
			Str("peer", access.Short(r.RemoteAddr)).
			Strs("headers", seen).
			Str("hint", "if the address is your proxy's, add it to WXGATE_TRUSTED_PROXIES: until then all its "+
				"visitors count as one client for WXGATE_LOGIN_RATE; "+
				"ignore this if it is a visitor's, who can send such headers too").
			Msg("ignoring forwarded headers from untrusted address")
	})
}
