package gateway

import "net/http"

// answerSubrequest makes w an answer to nginx's auth_request, which closes the
// connection over a body, and treats each status but 2xx, 401 and 403 as a
// failure of its own. The 302 is for redirect=true.
func answerSubrequest(w *recorder) {
	w.NoBody = true
	w.Final = func(status int, h http.Header) int {
		switch status {
		case http.StatusOK, http.StatusFound, http.StatusUnauthorized, http.StatusForbidden:
		default:
			status = http.StatusForbidden
		}
		for _, name := range []string{"Content-Type", "Content-Language", "Content-Security-Policy", "Vary"} {
			delete(h, name)
		}
		h.Set("Content-Length", "0")
		return status
	}
}

// fromNginx reports whether a request has the headers that configurations of
// nginx set.
func fromNginx(h http.Header) bool {
	return len(h[headerOriginalURI]) > 0 || len(h[headerOriginalURL]) > 0 || len(h[headerOriginalMethod]) > 0
}
