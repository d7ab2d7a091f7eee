package extauthz

import (
	"bytes"
	"errors"
	"net/http"
)

// maxBodyBytes bounds the body of an answer.
const maxBodyBytes = 1 << 20

// writer keeps one answer in memory.
type writer struct {
	header   http.Header
	status   int // 0: nothing was answered
	body     bytes.Buffer
	tooLarge bool
}

// Header implements [http.ResponseWriter].
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // 1xx is not the answer yet
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.status == http.StatusOK {
		return len(p), nil // the upstream's body is what the visitor gets
	}
	if w.body.Len()+len(p) > maxBodyBytes {
		w.tooLarge = true
		return 0, errors.New("write answer: body too large")
	}
	return w.body.Write(p)
}
