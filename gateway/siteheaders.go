package gateway

import (
	"net/http"
	"strings"
	"time"
)

// prepare turns the client's headers into those that the site gets.
func (s *site) prepare(h http.Header, in *http.Request, q *facts, v visitor) {
	onlyWebSocket(h, in.Method)
	stripIdentity(h)
	s.hidden.strip(h)
	s.setForwarded(h, in, q)
	if v.session != nil {
		s.setIdentity(h, identityOf(v.session))
	}
}

// onlyWebSocket removes any other Upgrade from a request: inside an h2c tunnel,
// say, nothing would be checked.
func onlyWebSocket(h http.Header, method string) {
	upgrade := h["Upgrade"]
	if len(upgrade) == 0 ||
		len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && method == http.MethodGet {
		return
	}
	delete(h, "Upgrade")
	delete(h, "Connection")
}

// completeAnswer turns the header of the site's answer to r into the one that the
// visitor gets.
func (s *site) completeAnswer(status int, h http.Header, r *http.Request, q *facts, v visitor) {
	s.hidden.dropFrom(h)
	if s.due(v) && status != http.StatusNotModified && time.Since(q.start) < renewWithin && makePrivate(h) {
		s.renew(r, h, q, v)
	}
}
