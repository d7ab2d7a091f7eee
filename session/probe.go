package session

import (
	"net/http"
	"strings"
)

// probeID takes the place of a login's id in the name of the cookie that
// [Logins.Probe] sets. No id is so short.
const probeID = "probe"

// Probe adds a cookie to header that only shows, when it comes back, that the
// browser keeps the site's cookies. It ends after ten minutes, as logins do.
func (l *Logins) Probe(header http.Header) {
	header.Add("Set-Cookie", l.jar.line(l.prefix+probeID, "1", loginTTL))
}

// Kept reports whether r has a cookie that the site has set in the last minutes or
// that only https can have: a login's, one of [Logins.Probe], or a session's whose
// name begins with "__Host-". It goes by the names and opens no cookie, so it proves
// nothing about the visitor. A session's cookie without the prefix does not count:
// it may be left from a time when the site was on plain http.
func (l *Logins) Kept(r *http.Request) bool {
	owner := strings.TrimSuffix(l.prefix, loginInfix)
	for name := range cookies(r) {
		if strings.HasPrefix(name, l.prefix) || name == owner && strings.HasPrefix(name, hostPrefix) {
			return true
		}
	}
	return false
}
