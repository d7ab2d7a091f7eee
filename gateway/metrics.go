package gateway

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/counter"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/origin"
)

// NoSite is the label site of what belongs to no site: requests for unknown hosts,
// and calls for an account that no site has.
const NoSite = "none"

// metrics are those that all sites of a gateway share, and the vectors of those that
// each site has for itself. No label takes a value that a client chooses.
type metrics struct {
	upstreamDuration *prometheus.HistogramVec
	inFlight         prometheus.Gauge
	websockets       prometheus.Gauge

	logins      *counter.Vec
	errors      *counter.Vec
	storeErrors *counter.Vec
	uncounted   *counter.Vec
	accessLogs  *access.Logs
}

// newMetrics registers the metrics of the gateway that c describes.
func newMetrics(c Config) (*metrics, error) {
	bySite := len(c.Sites) > 1
	m := &metrics{
		logins: counter.New(counter.Config{
			Name: "wxgate_logins_total", Help: "Callbacks from WeChat, by result.",
			Labels: []string{"result"}, Usual: each(append(refusal.Results(), loginOK, loginDeclined)), BySite: bySite,
		}),
		errors: counter.New(counter.Config{
			Name: "wxgate_http_errors_total", Help: "Error responses, by error word.",
			Labels: []string{"error"}, Usual: each(refusal.Words()), BySite: bySite,
		}),
		storeErrors: counter.New(counter.Config{
			Name: "wxgate_session_store_errors_total", Help: "Failed requests to the session store.",
			Usual: [][]string{nil}, BySite: bySite,
		}),
		uncounted: counter.New(counter.Config{
			Name:  "wxgate_login_rate_uncounted_total",
			Help:  "Starts and ends of logins that this replica alone has counted, not all.",
			Usual: [][]string{nil}, BySite: bySite,
		}),
		upstreamDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "wxgate_upstream_request_duration_seconds",
			Help:    "Time until the upstream's response header, by path prefix.",
			Buckets: prometheus.DefBuckets,
		}, []string{"upstream"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_http_requests_in_flight", Help: "Requests that are being answered, WebSockets included.",
		}),
		websockets: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_websockets_open", Help: "WebSockets of visitors that are open.",
		}),
	}
	logs, err := access.New(access.Config{
		Listener: "http",
		Requests: "Requests answered, by outcome and status.",
		Duration: "Time from a request's header to the end of its answer.",
		Usual:    usualAnswers,
		BySite:   bySite,
		Logger:   c.Logger,
		Lines:    c.AccessLog,
		Metrics:  c.Metrics,
	})
	m.accessLogs = logs
	collectors := []prometheus.Collector{
		m.upstreamDuration, m.inFlight, m.websockets, m.logins, m.errors, m.storeErrors, m.uncounted,
	}
	return m, errors.Join(err, register(c.Metrics, collectors...))
}

// counters are the counters of one site. Those of usual labels are there from the start.
type counters struct {
	accessLog   *access.Log
	logins      *counter.Site // by result
	errors      *counter.Site // by error word
	storeErrors *counter.Counter
}

// of returns the counters of the site with the given public URL.
func (m *metrics) of(public origin.Origin) *counters {
	site := origin.Canonical(public.Host)
	c := m.ofRefusals(site)
	c.logins, c.storeErrors = m.logins.Of(site), m.storeErrors.Of(site).Usual(0)
	return c
}

// ofRefusals returns those counters of a site, which may be [NoSite], that requests have
// which are all refused.
func (m *metrics) ofRefusals(site string) *counters {
	return &counters{accessLog: m.accessLogs.Of(site), errors: m.errors.Of(site)}
}

// each returns series of one label, with the given values.
func each(values []string) (usual [][]string) {
	for _, value := range values {
		usual = append(usual, []string{value})
	}
	return usual
}

// The results of a login that no refusal names.
const (
	loginOK           = "ok"
	loginDeclined     = "declined"
	loginInvalidState = "invalid_state" // that of refusal.InvalidState too
)

// login counts a callback from WeChat.
func (c *counters) login(result string) { c.logins.With(result).Inc() }

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
