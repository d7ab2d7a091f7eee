package gateway

import (
	"net/http"
	"net/url"
	"strings"
)

// rawPath returns the path of r as the client sent it, byte for byte. If a
// handler before this one has changed the path, it returns the present path: the
// decision must be about what the site will see.
func rawPath(r *http.Request) string {
	sent, _, _ := strings.Cut(requestTarget(r), "?")
	if decoded, err := url.PathUnescape(sent); err != nil || decoded != r.URL.Path {
		return r.URL.EscapedPath()
	}
	return sent
}

// requestTarget returns path and query of r byte for byte as the client sent
// them; "" for a target in another form than path and query.
func requestTarget(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return ""
}
