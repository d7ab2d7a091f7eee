package gateway

import "net/http"

// inProcess makes next, a handler in this process, a site: it gives next what
// the proxy gives an upstream.
func inProcess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, rec := visitOf(r.Context()), w.(*recorder)
		g := v.guard
		in := *r
		// r is a copy of the caller's already, but its headers are not.
		r.Header = r.Header.Clone()
		r.Trailer = nil
		g.prepare(r.Header, &in, v)
		rec.before = func(h http.Header) { g.complete(rec.status, h, r, v) }
		next.ServeHTTP(w, r)
		if rec.status == 0 {
			rec.before(w.Header())
		}
	})
}
