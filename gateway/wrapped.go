package gateway

import (
	"context"
	"net/http"
)

// wrapped is the [app] of [Gateway.Wrap], a handler in this process. It gets what
// the proxy gives an upstream.
type wrapped struct{ next http.Handler }

// forward implements [app].
func (h *wrapped) forward(s *site, w *recorder, in *http.Request, q *facts, _ question, v visitor) error {
	ctx := in.Context()
	if v.session != nil {
		ctx = context.WithValue(ctx, identityKey{}, identityOf(v.session))
	} else if ctx.Value(identityKey{}) != nil { // of another gateway's visitor
		ctx = context.WithValue(ctx, identityKey{}, nil)
	}
	r := in.WithContext(ctx) // a copy: in is the caller's
	r.Header = in.Header.Clone()
	r.Trailer = nil
	s.prepare(r.Header, in, q, v)
	w.Final = func(status int, header http.Header) int {
		s.completeAnswer(status, header, in, q, v)
		return status
	}
	h.next.ServeHTTP(w, r)
	if w.Status == 0 {
		w.Final(http.StatusOK, w.Header()) // net/http sends it now
	}
	return nil
}
