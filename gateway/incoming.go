package gateway

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// checkReadable refuses requests that no door can handle.
func checkReadable(r *http.Request) error {
	switch {
	case !headers.IsToken(r.Method), !isOneHost(r), r.ProtoMajor > 1 && r.URL.IsAbs():
		return refusal.InvalidRequest(nil) // net/http passes them on from HTTP/2
	case r.Method == http.MethodConnect, r.Method == http.MethodTrace:
		// CONNECT asks for a tunnel in which nothing is checked, TRACE for an echo
		// of the headers that the gateway adds.
		e := refusal.MethodNotAllowed()
		e.Message = "The gateway forwards neither CONNECT nor TRACE."
		return e
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

// isOneHost reports whether all that r says about the host agrees. With HTTP/2, a Host
// header can come beside the authority; net/http uses the authority and keeps both.
func isOneHost(r *http.Request) bool {
	hosts := r.Header["Host"]
	return len(hosts) == 0 || len(hosts) == 1 && strings.EqualFold(hosts[0], r.Host)
}

// isOneLength reports whether the Content-Length of r, if it is there, is what net/http
// makes of it. With HTTP/2, net/http takes the first of several, and 0 for one that is
// no number or has no body.
func isOneLength(r *http.Request) bool {
	lengths := r.Header["Content-Length"]
	return r.ProtoMajor < 2 || len(lengths) == 0 ||
		len(lengths) == 1 && lengths[0] == strconv.FormatInt(r.ContentLength, 10)
}

// limitBody returns a copy of r, which is the caller's, whose body ends with an
// error after limit bytes. w is then told to close the connection.
func limitBody(w http.ResponseWriter, r *http.Request, limit int64) *http.Request {
	r = r.WithContext(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	return r
}
