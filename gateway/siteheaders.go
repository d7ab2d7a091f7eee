package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

// prepare turns the client's headers into those that the site gets.
func (s *site) prepare(h http.Header, in *http.Request, q *facts, v visitor) {
	onlyWebSocket(h, in)
	stripIdentity(h)
	stripDisguised(h)
	s.hidden.strip(h)
	s.setForwarded(h, in, q)
	s.setTraceHeaders(h, in, q)
	if v.session != nil {
		s.setIdentity(h, in, v.session)
	}
}

// onlyWebSocket removes any other Upgrade of the client's request in from h: inside an
// h2c tunnel, say, nothing would be checked.
func onlyWebSocket(h http.Header, in *http.Request) {
	upgrade := in.Header["Upgrade"] // ReverseProxy keeps the first of several
	if len(upgrade) == 0 ||
		len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && in.Method == http.MethodGet {
		return
	}
	delete(h, "Upgrade")
	delete(h, "Connection")
	delete(h, "Http2-Settings")
}

// stripDisguised removes the headers in which a server may find another length, host
// or cookie than the gateway has checked. HTTP/2 clients can send Host beside the
// authority, where only a handler in this process would find it.
func stripDisguised(h http.Header) {
	for name := range h {
		if headers.IsDisguised(name) {
			delete(h, name)
		}
	}
	delete(h, "Host")
}

// completeAnswer turns the header of the site's answer to r into the one that the
// visitor gets.
func (s *site) completeAnswer(status int, h http.Header, r *http.Request, q *facts, v visitor) {
	s.hidden.dropFrom(h)
	if s.due(v) && status != http.StatusNotModified && time.Since(q.start) < renewWithin && makePrivate(h) {
		s.renew(r, h, q, v)
	}
}
