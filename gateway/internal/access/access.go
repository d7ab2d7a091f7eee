// Package access records the requests of a listener: an access line and two
// metrics for each, in the same form for all listeners.
package access

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
)

// An Entry holds the fields of an access line that are neither in the request nor
// in its [Recorder].
type Entry struct {
	RequestID string
	ClientIP  string
	User      string            // keyed hash of the openid; empty: nobody is signed in
	Elapsed   time.Duration     // from the request's header to the end of the response
	Span      trace.SpanContext // the zero value: there is no trace
}

// Log counts requests by outcome and status, and writes their access lines. It
// is safe for concurrent use; make one with [New]. No label has a value that a
// client chooses.
type Log struct {
	logger    zerolog.Logger
	lines     bool
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

// Config describes a [Log].
type Config struct {
	Listener string // part of the metrics' names, as in wxgate_<listener>_requests_total
	Requests string // help text of that counter
	Duration string // help text of wxgate_<listener>_request_duration_seconds

	Logger  zerolog.Logger
	Lines   bool                  // write access lines
	Metrics prometheus.Registerer // nil: the metrics are not registered
}

// New returns the log that c describes. The only error is that a metric's name is
// already registered.
func New(c Config) (*Log, error) {
	l := &Log{
		logger: c.Logger,
		lines:  c.Lines,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_" + c.Listener + "_requests_total", Help: c.Requests,
		}, []string{"outcome", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_" + c.Listener + "_request_duration_seconds", Help: c.Duration,
			Buckets: prometheus.DefBuckets,
		}, []string{"outcome"}),
	}
	if c.Metrics == nil {
		return l, nil
	}
	return l, errors.Join(c.Metrics.Register(l.requests), c.Metrics.Register(l.durations))
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
	l.requests.WithLabelValues(w.Outcome, strconv.Itoa(w.Status)).Inc()
	Observe(l.durations.WithLabelValues(w.Outcome), e.Elapsed, e.Span)
	if !l.lines {
		return
	}
	line := l.logger.Info().
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

// Short returns the first 1,024 bytes of s. It keeps log lines short where a client
// chooses the text.
func Short(s string) string {
	return s[:min(len(s), 1024)]
}
