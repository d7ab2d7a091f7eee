package extauthz

import (
	"bytes"
	"errors"
	"net/http"
)

// maxBodyBytes is the longest body of a response to the visitor.
const maxBodyBytes = 1 << 20

// writer is a ResponseWriter that keeps the response in memory.
type writer struct {
	header   http.Header
	status   int // 0: nothing was written
	body     bytes.Buffer
	tooLarge bool
}

// Header implements [http.ResponseWriter].
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // 1xx is not final
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.status == http.StatusOK {
		return len(p), nil // the visitor gets the upstream's body
	}
	if w.body.Len()+len(p) > maxBodyBytes {
		w.tooLarge = true
		return 0, errors.New("write response: body too large")
	}
	return w.body.Write(p)
}
