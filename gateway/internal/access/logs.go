package access

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/counter"
)

// Config describes [Logs].
type Config struct {
	Listener string // part of the metrics' names, as in wxgate_<listener>_requests_total
	Requests string // help text of that counter
	Duration string // help text of wxgate_<listener>_request_duration_seconds

	// Usual are the statuses that are usual with each outcome. The counter's series of
	// these and the histogram's of all outcomes are there from the start.
	Usual  map[string][]int
	BySite bool // the counter has the label site, for which see [Logs.Of]

	Logger  zerolog.Logger
	Lines   bool                  // write access lines
	Metrics prometheus.Registerer // nil: the metrics are not registered
}

// Logs are the access logs of one listener, one for each site. Make them with [New].
type Logs struct {
	logger    zerolog.Logger
	lines     bool
	requests  *counter.Vec
	usual     map[answer]int // the place of a series among the usual ones
	durations *prometheus.HistogramVec
	observers map[string]prometheus.Observer // of durations, by outcome
}

// New returns the logs that c describes. The only error is that a metric's name is
// already registered.
func New(c Config) (*Logs, error) {
	l := &Logs{
		logger: c.Logger,
		lines:  c.Lines,
		usual:  make(map[answer]int),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_" + c.Listener + "_request_duration_seconds", Help: c.Duration,
			Buckets: prometheus.DefBuckets,
		}, []string{"outcome"}),
		observers: make(map[string]prometheus.Observer),
	}
	var usual [][]string
	for outcome, statuses := range c.Usual {
		for _, status := range statuses {
			l.usual[answer{outcome, status}] = len(usual)
			usual = append(usual, []string{outcome, strconv.Itoa(status)})
		}
		l.observers[outcome] = l.durations.WithLabelValues(outcome)
	}
	l.requests = counter.New(counter.Config{
		Name: "wxgate_" + c.Listener + "_requests_total", Help: c.Requests,
		Labels: []string{"outcome", "code"}, Usual: usual, BySite: c.BySite,
	})
	if c.Metrics == nil {
		return l, nil
	}
	return l, errors.Join(c.Metrics.Register(l.requests), c.Metrics.Register(l.durations))
}

// Of returns the log of the requests for one site; of all requests without
// [Config.BySite].
func (l *Logs) Of(site string) *Log {
	return &Log{logs: l, requests: l.requests.Of(site)}
}
