package relay

import (
	"net"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/access"
)

// call is what is known about one request.
type call struct {
	start   time.Time
	id      string
	outcome string
}

type callKey struct{}

// What became of a request, in one word.
const (
	outcomeProxied   = "proxied"
	outcomeForbidden = "forbidden"
	outcomeError     = "error"
)

// recorder is a ResponseWriter that remembers status and size.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if status >= 200 && w.status == 0 {
		w.status = status
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

// Unwrap lets [http.ResponseController] reach the server's own writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// record counts a request that has been answered and writes its access line.
func (l *Relay) record(r *http.Request, c *call, w *recorder) {
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	entry := access.Entry{
		RequestID: c.id,
		ClientIP:  client,
		Status:    w.status,
		Bytes:     w.bytes,
		Elapsed:   time.Since(c.start),
		Outcome:   c.outcome,
	}
	l.metrics.Count(entry)
	if l.accessLog {
		entry.Line(l.logger.Info().Str("server", "relay"), r).Msg("request")
	}
}
