package gateway

import (
	"net/http"
	"strings"
	"time"
)

// renewWithin is how old a request may be whose answer renews the session. A
// slower answer could undo a sign-out that has happened meanwhile; the next
// request renews.
const renewWithin = 2 * time.Second

// complete turns the header of the site's answer into the one that the visitor
// sees.
func (g *guard) complete(status int, h http.Header, r *http.Request, v *visit) {
	g.dropOwnCookies(h)
	if g.due(v) && status != http.StatusNotModified && time.Since(v.start) < renewWithin && makePrivate(h) {
		g.renew(r, h, v)
	}
}

// due reports whether the visitor has a session to be saved again: half of its
// time has passed, or more is known of her than her cookie says.
func (g *guard) due(v *visit) bool {
	return v.session != nil && (v.learned || g.lifetime.Due(v.session, time.Now()))
}

// renew saves the visitor's session again where it is due, adding the cookie to
// header. Where that fails, the session she has goes on.
func (g *guard) renew(r *http.Request, header http.Header, v *visit) {
	if !g.due(v) {
		return
	}
	renewed := *v.session
	if now := time.Now(); g.lifetime.Due(v.session, now) {
		renewed.RenewedAt = now
	}
	if err := g.sessions.Save(r, header, &renewed); err != nil {
		g.metrics.storeErrors.Inc()
		g.logger.Warn().Err(err).Str("request_id", v.requestID).Msg("session not renewed")
		return
	}
	v.session, v.learned = &renewed, false
}

// makePrivate keeps an answer out of shared caches, which may store it with a
// Set-Cookie in it and give one visitor's session to another [RFC 9111, 7.3].
// It reports false, and changes nothing, where the site says that the answer
// is good for a while: that is the answer of a file, and the next page will do.
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
		// Cache-Control for caches of a kind or make, and its forerunner.
		if name != "Cache-Control" && (strings.HasSuffix(name, "Cache-Control") || name == "Surrogate-Control" || name == "Expires" && inFuture(h.Get(name))) {
			return false
		}
	}
	h.Set("Cache-Control", strings.Join(kept, ", "))
	return true
}

// inFuture reports whether a header's date has not come yet.
func inFuture(date string) bool {
	t, err := http.ParseTime(date)
	return err == nil && t.After(time.Now())
}
