// Package access tells the operator of the requests that a listener has
// answered: a line in the log and two metrics for each, in one shape for all
// listeners.
package access

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// An Entry is what became of one request.
type Entry struct {
	RequestID string
	ClientIP  string
	Status    int
	Bytes     int64
	Elapsed   time.Duration
	Outcome   string
}

// Line adds to event what an access line tells of r.
func (e Entry) Line(event *zerolog.Event, r *http.Request) *zerolog.Event {
	return event.
		Str("request_id", e.RequestID).
		Str("client_ip", e.ClientIP).
		Str("method", Short(r.Method)).
		Str("host", Short(r.Host)).
		Str("path", Short(r.URL.Path)).
		Int("status", e.Status).
		Int64("bytes", e.Bytes).
		Float64("duration_ms", float64(e.Elapsed.Microseconds())/1000).
		Str("outcome", e.Outcome)
}

// Short cuts what a client has chosen to a length that a log line can bear.
func Short(s string) string {
	const most = 1024
	return s[:min(len(s), most)]
}

// Metrics count the requests of one listener, by outcome. No label takes a value
// that a client chooses.
type Metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

// NewMetrics makes the metrics wxgate_<listener>_requests_total and
// wxgate_<listener>_request_duration_seconds, with the help texts given, and
// registers them with registry, where it is not nil.
func NewMetrics(registry prometheus.Registerer, listener, requests, durations string) (*Metrics, error) {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_" + listener + "_requests_total", Help: requests,
		}, []string{"outcome", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_" + listener + "_request_duration_seconds", Help: durations,
			Buckets: prometheus.DefBuckets,
		}, []string{"outcome"}),
	}
	if registry == nil {
		return m, nil
	}
	return m, errors.Join(registry.Register(m.requests), registry.Register(m.durations))
}

// Count counts one request.
func (m *Metrics) Count(e Entry) {
	m.requests.WithLabelValues(e.Outcome, strconv.Itoa(e.Status)).Inc()
	m.durations.WithLabelValues(e.Outcome).Observe(e.Elapsed.Seconds())
}
