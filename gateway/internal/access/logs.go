package access

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Config describes [Logs].
type Config struct {
	Listener string // part of the metrics' names, as in wxgate_<listener>_requests_total
	Requests string // help text of that counter
	Duration string // help text of wxgate_<listener>_request_duration_seconds

	Outcomes []string // those for which the histogram has a series from the start
	BySite   BySite   // for the counter; the histogram has no label site

	Logger  zerolog.Logger
	Lines   bool                  // write access lines
	Metrics prometheus.Registerer // nil: the metrics are not registered
}

// Logs are the access logs of one listener, one for each site. Make them with [New].
type Logs struct {
	logger    zerolog.Logger
	lines     bool
	bySite    BySite
	counters  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	observers map[string]prometheus.Observer // of durations, by outcome
}

// New returns the logs that c describes. The only error is that a metric's name is
// already registered.
func New(c Config) (*Logs, error) {
	l := &Logs{
		logger: c.Logger,
		lines:  c.Lines,
		bySite: c.BySite,
		counters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_" + c.Listener + "_requests_total", Help: c.Requests,
		}, c.BySite.Names("outcome", "code")),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_" + c.Listener + "_request_duration_seconds", Help: c.Duration,
			Buckets: prometheus.DefBuckets,
		}, []string{"outcome"}),
		observers: make(map[string]prometheus.Observer),
	}
	for _, outcome := range c.Outcomes {
		l.observers[outcome] = l.durations.WithLabelValues(outcome)
	}
	if c.Metrics == nil {
		return l, nil
	}
	return l, errors.Join(c.Metrics.Register(l.counters), c.Metrics.Register(l.durations))
}

// Of returns the log of the requests for one site; of all requests without
// [Config.BySite]. The series of its usual answers, statuses by outcome, are there from
// the start.
func (l *Logs) Of(site string, usual map[string][]int) *Log {
	log := &Log{
		logger:    l.logger,
		lines:     l.lines,
		requests:  l.counters.MustCurryWith(l.bySite.Of(site)),
		usual:     make(map[answer]prometheus.Counter),
		durations: l.durations,
		observers: l.observers,
	}
	for outcome, statuses := range usual {
		for _, status := range statuses {
			log.usual[answer{outcome, status}] = log.requests.WithLabelValues(outcome, strconv.Itoa(status))
		}
	}
	return log
}
