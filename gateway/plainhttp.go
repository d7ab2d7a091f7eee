package gateway

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/access"
)

// At a site on https, a request by plain http has none of the site's cookies, which
// are Secure, and browsers drop those that its answer sets. So a login first leads
// to https. Whether a request came by plain http, only a proxy in front can tell, and
// some say so always, because TLS ended before them. Then the redirect would lead in
// circles. So it sets a cookie: if the cookie comes back, the browser is at https.

// forwardedHTTP reports whether the X-Forwarded-Proto of h says that the visitor
// came by plain http. Each proxy may have added a value; values that differ say
// nothing.
func forwardedHTTP(h http.Header) bool {
	for _, line := range h["X-Forwarded-Proto"] {
		for proto := range strings.SplitSeq(line, ",") {
			if !strings.EqualFold(strings.Trim(proto, " \t"), "http") {
				return false
			}
		}
	}
	return len(h["X-Forwarded-Proto"]) > 0
}

// askedHTTP is [forwardedHTTP] for the header of a trusted proxy that asks. An
// X-Original-URL with a scheme has to say the same.
func askedHTTP(h http.Header) bool {
	scheme, _, absolute := strings.Cut(h.Get(headerOriginalURL), "://")
	if !absolute {
		return forwardedHTTP(h)
	}
	return scheme == "http" && (len(h["X-Forwarded-Proto"]) == 0 || forwardedHTTP(h))
}

// losesCookies reports whether the browser of v, which sends r, would lose a cookie
// set now: plainHTTP says that the request came by plain http, and no cookie of r
// shows otherwise.
func (l *logins) losesCookies(r *http.Request, plainHTTP bool, v visitor) bool {
	switch {
	case !plainHTTP || l.site.public.Scheme != "https":
		return false
	case v.session == nil && !l.pending.Kept(r):
		return true
	}
	l.warnings.scheme.do(func() {
		l.site.logger.Warn().Str("peer", r.RemoteAddr).Str("host", access.Short(r.Host)).
			Str("hint", "correct the X-Forwarded-Proto of the proxy at this address: "+
				"it has to be the visitor's scheme, also where TLS ends at another proxy before it").
			Msg("X-Forwarded-Proto says http, but a cookie that needs https came back")
	})
	return false
}

// leadsToHTTPS redirects r, for an endpoint that sets or needs cookies, to the same
// address at the public URL if the browser of v would lose them, and reports whether
// it did.
func (l *logins) leadsToHTTPS(w *recorder, r *http.Request, q *facts, v visitor) bool {
	if !l.losesCookies(r, q.plainHTTP, v) || !l.site.circles.turn(r, q.clientIP) {
		return false
	}
	l.useHTTPS(w, l.site.publicURL+requestTarget(r))
	return true
}

// pageAtHTTPS is the address of page load r at https, with the same path and query:
// at the visitor's host if their session is sent there too, else at the public URL.
func (s *site) pageAtHTTPS(r *http.Request) string {
	return cmp.Or(s.otherOrigin(r), s.publicURL) + cmp.Or(requestTarget(r), "/")
}

// useHTTPS sends the visitor to an address of the site at https. A fragment of the
// visitor's address goes along, because this address has none.
func (l *logins) useHTTPS(w *recorder, address string) {
	l.pending.Probe(w.Header())
	redirect(w, strings.ReplaceAll(escapeNonASCII(address), "#", "%23"))
}
