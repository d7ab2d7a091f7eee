// Package access records the requests of a listener: an access line and two
// metrics for each, in the same form for all listeners.
package access

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/gateway/internal/counter"
)

// An Entry holds the fields of an access line that are neither in the request nor
// in its [Recorder].
type Entry struct {
	RequestID string
	ClientIP  string
	User      string            // keyed hash of the openid; empty: nobody is signed in
	Elapsed   time.Duration     // from the request's header to the end of the response
	Skip      bool              // count the request, but write no line
	Span      trace.SpanContext // the zero value: there is no trace
}

// Log counts requests by outcome and status, and writes their access lines. It
// is safe for concurrent use; [Logs.Of] makes it. No label has a value that a
// client chooses.
type Log struct {
	logs     *Logs
	requests *counter.Site
}

// answer is what a request is counted by.
type answer struct {
	outcome string
	status  int
}

// Record counts r, whose response went through w, and writes its access line.
func (l *Log) Record(r *http.Request, w *Recorder, e Entry) {
	if w.Status == 0 {
		// The handler wrote nothing: net/http sends 200, unless the client has left.
		w.Status = http.StatusOK
		if r.Context().Err() != nil {
			w.Status = StatusClientLeft
		}
	}
	l.counter(w.Outcome, w.Status).Inc()
	Observe(l.duration(w.Outcome), e.Elapsed, e.Span)
	if !l.logs.lines || e.Skip {
		return
	}
	line := l.logs.logger.Info().
		Str("request_id", e.RequestID).
		Str("client_ip", e.ClientIP).
		Str("method", Short(r.Method)).
		Str("host", Short(r.Host)).
		Str("path", Short(r.URL.Path)).
		Int("status", w.Status).
		Int64("bytes", w.Bytes).
		Float64("duration_ms", float64(e.Elapsed.Microseconds())/1000).
		Str("outcome", w.Outcome)
	if e.User != "" {
		line = line.Str("user", e.User)
	}
	if e.Span.HasTraceID() {
		line = line.Str("trace_id", e.Span.TraceID().String())
	}
	line.Msg("request")
}

// counter returns the counter of the requests with an outcome and a status.
func (l *Log) counter(outcome string, status int) *counter.Counter {
	if i, ok := l.logs.usual[answer{outcome, status}]; ok {
		return l.requests.Usual(i)
	}
	return l.requests.With(outcome, strconv.Itoa(status))
}

// duration returns what observes the times of the requests with an outcome.
func (l *Log) duration(outcome string) prometheus.Observer {
	if o, ok := l.logs.observers[outcome]; ok {
		return o
	}
	return l.logs.durations.WithLabelValues(outcome)
}

// Short returns the first 1,024 bytes of s. It keeps log lines short where a client
// chooses the text.
func Short(s string) string {
	return s[:min(len(s), 1024)]
}
