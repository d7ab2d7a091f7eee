package gateway

import (
	"net/http"
	"strings"

	"github.com/wxgate/wxgate/session"
)

// asVisited returns r with the host that the visitor used, if a trusted proxy tells
// it in X-Forwarded-Host and it is one of this site's. It does not choose the site,
// and the site behind still gets the Host that the proxy sent.
func (s *site) asVisited(r *http.Request, q *facts) *http.Request {
	hosts := r.Header[headerForwardedHost]
	if !q.trusted || len(hosts) != 1 || !s.hasHost(hosts[0]) {
		return r
	}
	visited := *r
	visited.Host = hosts[0]
	return &visited
}

// hasHost reports whether host is one of this site's.
func (s *site) hasHost(host string) bool {
	if s.otherSite != nil && s.otherSite(host) {
		return false
	}
	return sameHost(host, s.public.Host) || s.returnHosts[strings.ToLower(host)] ||
		s.ownHost != nil && s.ownHost(host)
}

// paramMoved marks the address of a login as one to which the gateway has redirected
// from another host.
const paramMoved = "moved"

// loginAtPublicURL returns the address at the public URL that starts login, if the
// visitor who sends r is at another host and the cookie of the login would not be
// sent to the public URL; else "". The login endpoint redirects once: if a request
// comes under another host then too, a proxy in front rewrites Host, and the visitor
// is at the public URL.
func (l *logins) loginAtPublicURL(r *http.Request, login *session.Login) string {
	s := l.site
	if !s.aliases || s.cookieDomain != "" || sameHost(r.Host, s.public.Host) {
		return ""
	}
	address := l.retryURL(login)
	switch {
	case r.URL.Path != s.prefix+"/login":
		return address
	case r.URL.Query().Has(paramMoved):
		return ""
	case strings.Contains(address, "?"):
		return address + "&" + paramMoved + "=1"
	default:
		return address + "?" + paramMoved + "=1"
	}
}
