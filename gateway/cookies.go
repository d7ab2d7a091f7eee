package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/session"
)

// stripCookies takes the gateway's own cookies out of the Cookie headers of a
// request and leaves the others as they stand.
func (g *guard) stripCookies(h http.Header) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, g.holdsOwn) {
		return
	}
	kept := make([]string, 0, len(lines))
	for _, line := range lines {
		if line = g.withoutOwn(line); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// holdsOwn reports whether one of the gateway's cookies is in a Cookie header.
func (g *guard) holdsOwn(line string) bool {
	for pair := range strings.SplitSeq(line, ";") {
		if name, _, _ := strings.Cut(pair, "="); g.ownCookie(strings.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// ownCookie reports whether a cookie is the gateway's: this site's, or another's
// that browsers send here too.
func (g *guard) ownCookie(name string) bool {
	return g.withheld[session.CookieOwner(name)]
}

func (g *guard) withoutOwn(line string) string {
	var b strings.Builder
	b.Grow(len(line))
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(pair, "=")
		if g.ownCookie(strings.TrimSpace(name)) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(';')
		} else {
			pair = strings.TrimLeft(pair, " \t")
		}
		b.WriteString(pair)
	}
	return b.String()
}

// dropOwnCookies removes from an upstream's answer each Set-Cookie by which it
// would set one of the gateway's own cookies.
func (g *guard) dropOwnCookies(h http.Header) {
	lines := h["Set-Cookie"]
	if len(lines) == 0 {
		return
	}
	lines = slices.DeleteFunc(lines, func(line string) bool {
		pair, _, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		if name == "" {
			// Browsers send the nameless cookie "=a=b" back as "a=b".
			name, _, _ = strings.Cut(value, "=")
			name = strings.TrimSpace(name)
		}
		return g.ownCookie(name)
	})
	if len(lines) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = lines
}

// cookieDomain is the domain over whose subdomains this site's session is
// shared, as hosts are compared; empty: it stays on one host.
func (g *guard) cookieDomain() string {
	return strings.ToLower(strings.TrimPrefix(g.cookies.Domain, "."))
}

// inDomain reports whether browsers send the cookies of a domain to host, which
// is canonical.
func inDomain(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}
