package gateway

import (
	"net/http"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// checkReadable refuses requests that no door can handle.
func checkReadable(r *http.Request) error {
	switch {
	case r.Method == http.MethodConnect, r.Method == http.MethodTrace:
		// CONNECT asks for a tunnel in which nothing is checked, TRACE for an echo
		// of the headers that the gateway adds.
		return refusal.MethodNotAllowed()
	case !strings.HasPrefix(r.URL.Path, "/"), strings.Contains(r.RequestURI, " "):
		// HTTP/2 can carry a space in a path, where the request line of HTTP/1
		// that the upstream reads would end.
		return refusal.InvalidRequest(nil)
	default:
		return nil
	}
}

// hasBody reports whether r may have a body. Its ContentLength does not tell: an
// HTTP/2 stream may stay open after "content-length: 0", and reading it would wait.
func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// limitBody returns a copy of r, which is the caller's, whose body ends with an
// error after limit bytes. w is then told to close the connection.
func limitBody(w http.ResponseWriter, r *http.Request, limit int64) *http.Request {
	r = r.WithContext(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	return r
}
