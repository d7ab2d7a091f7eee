package gateway

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// recorder is a ResponseWriter that remembers status and size for the access
// line.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// statusClientLeft is logged where the visitor left before the answer, as
// nginx does. It is never sent.
const statusClientLeft = 499

func (w *recorder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		if w.status == 0 {
			w.status = status
		}
	} else {
		// Cookies belong to the final answer; in a preliminary one they would
		// pass unseen by the rule about the gateway's own.
		w.Header().Del("Set-Cookie")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Flush and Hijack are for handlers behind [Gateway.Wrap] that know no
// [http.ResponseController].

// Flush implements [http.Flusher].
func (w *recorder) Flush() {
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
func (g *Gateway) record(r *http.Request, v *visit, w *recorder) {
	if w.status == 0 {
		// Nothing was written: net/http sends 200 for a handler that returns,
		// and nothing at all for one that panics or whose client has left.
		w.status = http.StatusOK
		if r.Context().Err() != nil {
			w.status = statusClientLeft
		}
	}
	elapsed := time.Since(v.start)
	g.metrics.request(v.outcome, w.status, elapsed)
	if !g.accessLog {
		return
	}
	event := g.logger.Info().
		Str("request_id", v.requestID).
		Str("client_ip", clientIPText(v)).
		Str("method", r.Method).
		Str("host", r.Host).
		Str("path", r.URL.Path).
		Int("status", w.status).
		Int64("bytes", w.bytes).
		Float64("duration_ms", float64(elapsed.Microseconds())/1000).
		Str("outcome", string(v.outcome))
	if v.session != nil {
		event = event.Str("user", g.userHash.of(v.session.OpenID))
	}
	event.Msg("request")
}

func clientIPText(v *visit) string {
	if !v.clientIP.IsValid() {
		return ""
	}
	return v.clientIP.String()
}
