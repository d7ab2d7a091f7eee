package gateway

import (
	"net/http"
	"strings"
	"time"
)

// renewWithin is how old a request may be whose answer renews the session. A
// later answer could undo a sign-out that happened meanwhile; the next request
// renews.
const renewWithin = 2 * time.Second

// due reports whether v has a session to be saved again: half of its TTL has
// passed, or it holds more than its cookie.
func (s *site) due(v visitor) bool {
	return v.session != nil && (v.unsaved || s.lifetime.Due(v.session, time.Now()))
}

// renew saves the visitor's session if that is due, adds the cookie to header,
// and returns the visitor with the session that was saved. If saving fails, the
// former session goes on.
func (s *site) renew(r *http.Request, header http.Header, q *facts, v visitor) visitor {
	if !s.due(v) {
		return v
	}
	renewed := *v.session
	if now := time.Now(); s.lifetime.Due(v.session, now) {
		renewed.RenewedAt = now
	}
	if err := s.sessions.Renew(r, header, &renewed); err != nil {
		s.counters.storeErrors.Inc()
		s.warnings.renewal.do(func() {
			s.logger.Warn().Err(err).Str("request_id", q.id).Msg("session renewal failed")
		})
		return v
	}
	return visitor{session: &renewed}
}

// makePrivate keeps an answer out of shared caches, which may store it with its
// Set-Cookie and so give one visitor's session to another (RFC 9111, section
// 7.3). It reports false and changes nothing if the site lets the answer be
// cached: that is a file's, and the next page renews the session.
func makePrivate(h http.Header) bool {
	kept := []string{"private"}
	for directive := range strings.SplitSeq(strings.Join(h["Cache-Control"], ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "private", "no-store":
			return true
		case "max-age", "s-maxage":
			if strings.Trim(value, `"`) != "0" {
				return false
			}
		case "immutable":
			return false
		case "public", "":
			continue
		}
		kept = append(kept, strings.TrimSpace(directive))
	}
	for name := range h {
		// Cache-Control for one kind of cache, and what came before it.
		if name != "Cache-Control" && (strings.HasSuffix(name, "Cache-Control") || name == "Surrogate-Control" ||
			name == "Expires" && inFuture(h.Get(name))) {
			return false
		}
	}
	h.Set("Cache-Control", strings.Join(kept, ", "))
	return true
}

// inFuture reports whether the date of a header is in the future.
func inFuture(date string) bool {
	t, err := http.ParseTime(date)
	return err == nil && t.After(time.Now())
}
