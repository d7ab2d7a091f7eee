package session

import (
	"net/http"
	"strings"
	"time"
)

// probeID takes the place of a login's id in the name of the cookie that
// [Logins.Probe] sets. No id is so short.
const probeID = "probe"

// Probe adds a cookie to header that only shows, when it comes back, that the
// browser keeps the site's cookies. It ends after ten minutes, as logins do.
func (l *Logins) Probe(header http.Header) {
	l.jar.add(header, l.prefix+probeID, "1", int(loginTTL/time.Second))
}

// Kept reports whether r has a cookie that the site has set in the last minutes or
// that only https can have: a login's, one of [Logins.Probe], or a session's whose
// name begins with "__Host-". It goes by the names and opens no cookie, so it proves
// nothing about the visitor. A session's cookie without the prefix does not count:
// it may be left from a time when the site was on plain http.
func (l *Logins) Kept(r *http.Request) bool {
	owner := strings.TrimSuffix(l.prefix, loginInfix)
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(pair, "=")
			name = strings.TrimSpace(name)
			if strings.HasPrefix(name, l.prefix) || name == owner && strings.HasPrefix(name, hostPrefix) {
				return true
			}
		}
	}
	return false
}
