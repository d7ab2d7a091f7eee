package access

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// StatusClientLeft is the status of a request whose client left before the
// answer, as nginx logs it. Nobody receives it.
const StatusClientLeft = 499

// A Recorder is a ResponseWriter that remembers what its access line tells.
type Recorder struct {
	http.ResponseWriter
	Status  int   // of the final answer; 0: none was sent
	Bytes   int64 // of the body
	Outcome string
	// Final, if set, completes the header of the final answer and returns the
	// status to send.
	Final func(status int, h http.Header) int
	// NoBody drops the body.
	NoBody bool
}

// begin completes the final answer, whose header is sent next, and returns its
// status.
func (w *Recorder) begin(status int) int {
	if w.Status != 0 {
		return status
	}
	if w.Final != nil {
		status = w.Final(status, w.Header())
	}
	w.Status = status
	return status
}

// WriteHeader implements [http.ResponseWriter].
func (w *Recorder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(w.begin(status))
		return
	}
	if status == http.StatusContinue {
		return // net/http sends it when the body is read; twice is once too often
	}
	// Set-Cookie belongs to the final answer: in a preliminary one it would pass
	// the check for the gateway's own cookies unseen.
	h := w.Header()
	cookies, ok := h["Set-Cookie"]
	delete(h, "Set-Cookie")
	w.ResponseWriter.WriteHeader(status)
	if ok {
		h["Set-Cookie"] = cookies
	}
}

// Write implements [http.ResponseWriter].
func (w *Recorder) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	if w.NoBody {
		return len(b), nil
	}
	n, err := w.ResponseWriter.Write(b)
	w.Bytes += int64(n)
	return n, err
}

// ReadFrom implements [io.ReaderFrom], so that the kernel can send files.
func (w *Recorder) ReadFrom(src io.Reader) (int64, error) {
	w.begin(http.StatusOK)
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
	w.begin(http.StatusOK)
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
