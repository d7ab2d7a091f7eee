package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/wechat"
)

// metrics are the gateway's own. No label takes a value that a client chooses.
type metrics struct {
	logins           *prometheus.CounterVec
	upstreamDuration *prometheus.HistogramVec
	storeErrors      prometheus.Counter
	websockets       prometheus.Gauge
	uncounted        prometheus.Counter
}

// newMetrics registers the metrics with registry, which may be nil.
func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_logins_total", Help: "Callbacks from WeChat, by result.",
		}, []string{"result"}),
		upstreamDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "wxgate_upstream_request_duration_seconds",
			Help:    "Time until the upstream's response header, by path prefix.",
			Buckets: prometheus.DefBuckets,
		}, []string{"upstream"}),
		storeErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wxgate_session_store_errors_total", Help: "Failed requests to the session store.",
		}),
		websockets: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_websockets_open", Help: "WebSockets of visitors that are open.",
		}),
		uncounted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wxgate_login_rate_uncounted_total",
			Help: "Starts and ends of logins that this replica alone has counted, not all.",
		}),
	}
	return m, register(registry, m.logins, m.upstreamDuration, m.storeErrors, m.websockets, m.uncounted)
}

// ObserveWeChat registers metrics of the calls of WeChat's API with registry,
// wxgate_wechat_requests_total and wxgate_wechat_request_duration_seconds, and
// returns the function that counts a call. Set it as [wechat.Client.Observe] of
// each client before its first call.
func ObserveWeChat(
	registry prometheus.Registerer,
) (func(ctx context.Context, api string, err error, elapsed time.Duration), error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wxgate_wechat_requests_total", Help: "Calls of WeChat's API, by path and result.",
	}, []string{"api", "result"})
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "wxgate_wechat_request_duration_seconds", Help: "Time of a call of WeChat's API, by path.",
		Buckets: prometheus.DefBuckets,
	}, []string{"api"})
	observe := func(ctx context.Context, api string, err error, elapsed time.Duration) {
		requests.WithLabelValues(api, wechat.Result(err)).Inc()
		access.Observe(durations.WithLabelValues(api), elapsed, trace.SpanContextFromContext(ctx))
	}
	return observe, register(registry, requests, durations)
}

// register registers the collectors with registry, which may be nil.
func register(registry prometheus.Registerer, collectors ...prometheus.Collector) error {
	if registry == nil {
		return nil
	}
	var errs []error
	for _, c := range collectors {
		errs = append(errs, registry.Register(c))
	}
	return errors.Join(errs...)
}

// The results of a login that no refusal names.
const (
	loginOK           = "ok"
	loginDeclined     = "declined"
	loginInvalidState = "invalid_state"
)

func (m *metrics) login(result string) { m.logins.WithLabelValues(result).Inc() }
