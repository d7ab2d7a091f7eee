package gateway

import (
	"net/http"
	"slices"
	"strings"
)

// stripCookies takes the gateway's own cookies out of the Cookie headers of a
// request and leaves the others as they stand.
func (g *Gateway) stripCookies(h http.Header) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, g.cookie) }) {
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

func (g *Gateway) withoutOwn(line string) string {
	var b strings.Builder
	b.Grow(len(line))
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(pair, "=")
		if g.cookies.OwnCookie(strings.TrimSpace(name)) {
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
func (g *Gateway) dropOwnCookies(h http.Header) {
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
		return g.cookies.OwnCookie(name)
	})
	if len(lines) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = lines
}
