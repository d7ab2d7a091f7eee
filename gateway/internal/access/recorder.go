package access

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// StatusClientLeft is the status in the access line of a request whose client left
// before the response, as in nginx's log. Nobody receives it.
const StatusClientLeft = 499

// A Recorder is a ResponseWriter that records what the access line needs.
type Recorder struct {
	http.ResponseWriter
	Status  int    // of the final response; 0: none was sent
	Bytes   int64  // of the body
	Outcome string // for the access line and the metrics

	// Final, if set, is called once, before the header of the final response is
	// sent. It may change the header, and returns the status to send.
	Final func(status int, h http.Header) int
	// NoBody drops the body.
	NoBody bool
	// AsIs is set for a response that comes from another server: see asIs.
	AsIs bool
}

// WriteHeader implements [http.ResponseWriter].
func (w *Recorder) WriteHeader(status int) {
	switch {
	case status >= 200 || status == http.StatusSwitchingProtocols:
		w.writeFinal(status)
	case status == http.StatusContinue:
		// net/http sends 100 itself when the body is first read: this one would be
		// the second.
	default:
		w.writeEarly(status)
	}
}

// writeFinal sends the header of the final response.
func (w *Recorder) writeFinal(status int) {
	if w.Status == 0 {
		if w.Final != nil {
			status = w.Final(status, w.Header())
		}
		if w.AsIs {
			asIs(status, w.Header())
		}
		w.Status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// asIs keeps net/http from completing a response. It would guess a Content-Type that
// is missing, and a browser would show a file of the site's users as a page. With
// HTTP/2, it would send the Content-Length of a response that has no body, over which
// clients report an error; with HTTP/1.1 it removes that itself.
func asIs(status int, h http.Header) {
	if len(h["Content-Type"]) == 0 {
		h["Content-Type"] = nil // taken as set, and not sent
	}
	if status == http.StatusNoContent || status == http.StatusNotModified {
		delete(h, "Content-Length")
	}
}

// writeEarly sends an early response (1xx) without the cookies. They are for the
// final response, where Final sees them.
func (w *Recorder) writeEarly(status int) {
	h := w.Header()
	cookies, ok := h["Set-Cookie"]
	delete(h, "Set-Cookie")
	w.ResponseWriter.WriteHeader(status)
	if ok {
		h["Set-Cookie"] = cookies
	}
}

// begin sends the header with status 200 unless a final header was sent.
func (w *Recorder) begin() {
	if w.Status == 0 {
		w.writeFinal(http.StatusOK)
	}
}

// Write implements [http.ResponseWriter].
func (w *Recorder) Write(b []byte) (int, error) {
	w.begin()
	if w.NoBody {
		return len(b), nil
	}
	n, err := w.ResponseWriter.Write(b)
	w.Bytes += int64(n)
	return n, err
}

// ReadFrom implements [io.ReaderFrom], so that the kernel can send files.
func (w *Recorder) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	if w.NoBody {
		return io.Copy(io.Discard, src)
	}
	n, err := io.Copy(w.ResponseWriter, src)
	w.Bytes += n
	return n, err
}

// Flush implements [http.Flusher], for handlers that do not use
// [http.ResponseController].
func (w *Recorder) Flush() {
	w.begin()
	http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker], for handlers that do not use
// [http.ResponseController].
func (w *Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.Status == 0 {
		w.Status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets [http.ResponseController] reach the server's own writer.
func (w *Recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
