package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/session"
)

// hiddenCookies are the names of the session cookies that no upstream of a site
// gets or sets, together with the login cookies that belong to them: the site's
// own, and those of other sites that browsers send to it.
type hiddenCookies map[string]bool

// has reports whether a cookie is hidden.
func (c hiddenCookies) has(name string) bool {
	return c[session.CookieOwner(name)]
}

// strip removes the hidden cookies from the Cookie headers of a request and
// leaves the others as they are.
func (c hiddenCookies) strip(h http.Header) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, c.in) {
		return
	}
	kept := make([]string, 0, len(lines))
	for _, line := range lines {
		if line = c.without(line); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// in reports whether a hidden cookie is in a Cookie header.
func (c hiddenCookies) in(line string) bool {
	for pair := range strings.SplitSeq(line, ";") {
		if name, _, _ := strings.Cut(pair, "="); c.has(strings.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// without returns a Cookie header without the hidden cookies.
func (c hiddenCookies) without(line string) string {
	var b strings.Builder
	b.Grow(len(line))
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(pair, "=")
		if c.has(strings.TrimSpace(name)) {
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

// dropFrom removes from an upstream's answer each Set-Cookie that would set a
// hidden cookie.
func (c hiddenCookies) dropFrom(h http.Header) {
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
		return c.has(name)
	})
	if len(lines) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = lines
}

// inDomain reports whether browsers send the cookies of a domain to host, which
// is canonical.
func inDomain(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}
