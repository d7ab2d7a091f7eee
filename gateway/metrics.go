package gateway

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/wechat"
)

// metrics are the gateway's own. No label takes a value that a client chooses.
type metrics struct {
	requests         *access.Metrics
	logins           *prometheus.CounterVec
	wechatRequests   *prometheus.CounterVec
	wechatDurations  *prometheus.HistogramVec
	upstreamDuration *prometheus.HistogramVec
	storeErrors      prometheus.Counter
}

// newMetrics makes the metrics and registers them with registry, where it is
// not nil.
func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	requests, err := access.NewMetrics(registry, "http",
		"Requests answered, by what became of them and status.",
		"Time from a request's header to the end of its answer.")
	m := &metrics{
		requests: requests,
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_logins_total", Help: "Callbacks from WeChat, by result.",
		}, []string{"result"}),
		wechatRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_wechat_requests_total", Help: "Calls to WeChat's API, by path and result.",
		}, []string{"api", "result"}),
		wechatDurations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_wechat_request_duration_seconds", Help: "Time of a call to WeChat's API, by path.",
			Buckets: prometheus.DefBuckets,
		}, []string{"api"}),
		upstreamDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_upstream_request_duration_seconds", Help: "Time until the upstream's response header, by path prefix.",
			Buckets: prometheus.DefBuckets,
		}, []string{"upstream"}),
		storeErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wxgate_session_store_errors_total", Help: "Times that the session store could not be asked.",
		}),
	}
	if registry == nil {
		return m, nil
	}
	errs := []error{err}
	for _, c := range []prometheus.Collector{m.logins, m.wechatRequests, m.wechatDurations, m.upstreamDuration, m.storeErrors} {
		errs = append(errs, registry.Register(c))
	}
	return m, errors.Join(errs...)
}

// observeWeChat is the account's Observe function.
func (m *metrics) observeWeChat(api string, err error, elapsed time.Duration) {
	result := "ok"
	if refusal, ok := errors.AsType[*wechat.Error](err); ok {
		result = refusal.Class().String()
	} else if err != nil {
		result = "away"
	}
	m.wechatRequests.WithLabelValues(api, result).Inc()
	m.wechatDurations.WithLabelValues(api).Observe(elapsed.Seconds())
}

// The results of a callback.
const (
	loginOK            = "ok"
	loginInvalidState  = "invalid_state"
	loginDeclined      = "declined"
	loginCodeRefused   = "code_refused"
	loginAway          = "wechat_away"
	loginMisconfigured = "misconfigured"
	loginForbidden     = "forbidden"
)

func (m *metrics) login(result string) { m.logins.WithLabelValues(result).Inc() }
