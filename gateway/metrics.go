package gateway

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/internal/access"
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

	bySite      access.BySite
	logins      *prometheus.CounterVec
	errors      *prometheus.CounterVec
	storeErrors *prometheus.CounterVec
	uncounted   *prometheus.CounterVec
	accessLogs  *access.Logs
}

// newMetrics registers the metrics of the gateway that c describes.
func newMetrics(c Config) (*metrics, error) {
	bySite := access.BySite(len(c.Sites) > 1)
	m := &metrics{
		bySite: bySite,
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_logins_total", Help: "Callbacks from WeChat, by result.",
		}, bySite.Names("result")),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_http_errors_total", Help: "Error responses, by error word.",
		}, bySite.Names("error")),
		storeErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_session_store_errors_total", Help: "Failed requests to the session store.",
		}, bySite.Names()),
		uncounted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_login_rate_uncounted_total",
			Help: "Starts and ends of logins that this replica alone has counted, not all.",
		}, bySite.Names()),
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
		Outcomes: slices.Collect(maps.Keys(usualAnswers)),
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

// counters are the counters of one site. All of them are there from the start.
type counters struct {
	accessLog   *access.Log
	logins      map[string]prometheus.Counter // by result
	errors      map[string]prometheus.Counter // by error word
	storeErrors prometheus.Counter
}

// of returns the counters of the site with the given public URL.
func (m *metrics) of(public origin.Origin) *counters {
	site := origin.Canonical(public.Host)
	c := &counters{
		accessLog:   m.accessLogs.Of(site, usualAnswers),
		logins:      make(map[string]prometheus.Counter),
		errors:      m.errorsOf(site),
		storeErrors: m.storeErrors.With(m.bySite.Of(site)),
	}
	logins := m.logins.MustCurryWith(m.bySite.Of(site))
	for _, result := range append(refusal.Results(), loginOK, loginDeclined) {
		c.logins[result] = logins.WithLabelValues(result)
	}
	return c
}

// ofNoSite returns the counters of requests for hosts of no site, which are all
// refused.
func (m *metrics) ofNoSite() *counters {
	return &counters{
		accessLog: m.accessLogs.Of(NoSite, map[string][]int{
			outcomeError: {http.StatusForbidden, http.StatusMisdirectedRequest}, // 403 for nginx
		}),
		errors: m.errorsOf(NoSite),
	}
}

// errorsOf returns the counters of a site's error responses, by error word.
func (m *metrics) errorsOf(site string) map[string]prometheus.Counter {
	vector, all := m.errors.MustCurryWith(m.bySite.Of(site)), make(map[string]prometheus.Counter)
	for _, word := range refusal.Words() {
		all[word] = vector.WithLabelValues(word)
	}
	return all
}

// The results of a login that no refusal names.
const (
	loginOK           = "ok"
	loginDeclined     = "declined"
	loginInvalidState = "invalid_state" // that of refusal.InvalidState too
)

// login counts a callback from WeChat.
func (c *counters) login(result string) { c.logins[result].Inc() }

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
