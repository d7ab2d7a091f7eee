package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/access"
)

// recorder is a ResponseWriter that remembers status and size for the access
// line.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	before func(http.Header) // where set, completes the header of the final answer
}

// statusClientLeft is logged where the visitor left before the answer, as
// nginx does. Nobody is there to read it.
const statusClientLeft = 499

// begin notes the status of the final answer, whose header is about to be
// sent.
func (w *recorder) begin(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	if w.before != nil {
		w.before(w.Header())
	}
}

func (w *recorder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin(status)
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if status == http.StatusContinue {
		return // the server says it by itself once the body is read; twice is once too often
	}
	// Cookies belong to the final answer; in a preliminary one they would pass
	// unseen by the rule about the gateway's own.
	h := w.Header()
	cookies, ok := h["Set-Cookie"]
	delete(h, "Set-Cookie")
	w.ResponseWriter.WriteHeader(status)
	if ok {
		h["Set-Cookie"] = cookies
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom implements [io.ReaderFrom]: files behind [Gateway.Wrap] are sent by
// the kernel.
func (w *recorder) ReadFrom(src io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	n, err := io.Copy(w.ResponseWriter, src)
	w.bytes += n
	return n, err
}

// Flush and Hijack are for handlers behind [Gateway.Wrap] that know no
// [http.ResponseController].

// Flush implements [http.Flusher].
func (w *recorder) Flush() {
	w.begin(http.StatusOK)
	http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker].
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets [http.ResponseController] reach the server's own writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// record counts a request that has been answered and writes its access line.
func (g *guard) record(r *http.Request, v *visit, w *recorder) {
	if w.status == 0 {
		// Nothing was written: net/http sends 200, unless the client has left.
		w.status = http.StatusOK
		if r.Context().Err() != nil {
			w.status = statusClientLeft
		}
	}
	if v.original != nil {
		r = v.original // the proxy's question would tell nothing
	}
	entry := access.Entry{
		RequestID: v.requestID,
		ClientIP:  clientIPText(v),
		Status:    w.status,
		Bytes:     w.bytes,
		Elapsed:   time.Since(v.start),
		Outcome:   string(v.outcome),
	}
	g.metrics.requests.Count(entry)
	if !g.accessLog {
		return
	}
	line := entry.Line(g.logger.Info(), r)
	if v.session != nil {
		line = line.Str("user", g.userHash.of(v.session.OpenID))
	}
	line.Msg("request")
}

func clientIPText(v *visit) string {
	if !v.clientIP.IsValid() {
		return ""
	}
	return v.clientIP.String()
}
