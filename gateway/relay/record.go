package relay

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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

type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_relay_requests_total", Help: "Requests to the API relay, by what became of them and status.",
		}, []string{"outcome", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_relay_request_duration_seconds", Help: "Time from a relayed request's header to the end of its answer.",
			Buckets: prometheus.DefBuckets,
		}, []string{"outcome"}),
	}
	if registry == nil {
		return m, nil
	}
	return m, errors.Join(registry.Register(m.requests), registry.Register(m.durations))
}

// record counts a request that has been answered and writes its access line.
func (l *Relay) record(r *http.Request, c *call, w *recorder) {
	elapsed := time.Since(c.start)
	l.metrics.requests.WithLabelValues(c.outcome, strconv.Itoa(w.status)).Inc()
	l.metrics.durations.WithLabelValues(c.outcome).Observe(elapsed.Seconds())
	if !l.accessLog {
		return
	}
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	l.logger.Info().
		Str("server", "relay").
		Str("request_id", c.id).
		Str("client_ip", client).
		Str("method", r.Method).
		Str("host", r.Host).
		Str("path", r.URL.Path).
		Int("status", w.status).
		Int64("bytes", w.bytes).
		Float64("duration_ms", float64(elapsed.Microseconds())/1000).
		Str("outcome", c.outcome).
		Msg("request")
}
