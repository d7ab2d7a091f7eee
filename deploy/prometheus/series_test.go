package prometheus_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// A scrape is the metrics of a gateway at one moment, by their labels in text.
type scrape map[string]float64

// scraped parses the text of /metrics.
func scraped(t *testing.T, text string) scrape {
	t.Helper()
	s := scrape{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			t.Fatalf("metrics: %s: %v", line, err)
		}
		s[line[:space]] = value
	}
	return s
}

// A history is what Prometheus has stored of some gateways until now.
type history struct {
	now    time.Time
	series []series
}

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// A sample is a [chunks.Sample] that is no histogram.
type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

const (
	interval = 30 * time.Second // between two scrapes
	recent   = 2 * time.Minute  // the time of the later scrape until now
	length   = 2 * time.Hour
)

// add stores two scrapes of a target: the first up to two minutes ago, the second
// since then.
func (h *history) add(t *testing.T, instance string, first, second scrape) {
	t.Helper()
	target := map[string]string{"namespace": "h5", "job": "wxgate", "instance": instance, "pod": "wxgate-" + instance}
	first["up"], second["up"] = 1, 1
	for name := range second {
		s := series{labels: labelsOf(t, name)}
		b := labels.NewBuilder(s.labels)
		for label, value := range target {
			if s.labels.Has(label) {
				t.Errorf("the gateway's label %s of %s is one of the target", label, name)
			}
			b.Set(label, value)
		}
		s.labels = b.Labels()
		for at := h.now.Add(-length); !at.After(h.now); at = at.Add(interval) {
			value, known := first[name]
			if h.now.Sub(at) <= recent {
				value, known = second[name], true
			}
			if known {
				s.samples = append(s.samples, sample{at.UnixMilli(), value})
			}
		}
		h.series = append(h.series, s)
	}
}

// Querier implements [storage.Queryable].
func (h *history) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(
		_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher,
	) storage.SeriesSet {
		found := &seriesSet{}
		for _, s := range h.selected(matchers) {
			found.list = append(found.list, storage.NewListSeries(s.labels, s.samples))
		}
		return found
	}}, nil
}

// selected returns the series that match.
func (h *history) selected(matchers []*labels.Matcher) []series {
	var found []series
	for _, s := range h.series {
		if matchesAll(s.labels, matchers) {
			found = append(found, s)
		}
	}
	return found
}

func matchesAll(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// query returns the result of an expression now.
func (h *history) query(t *testing.T, engine *promql.Engine, expr string) promql.Vector {
	t.Helper()
	q, err := engine.NewInstantQuery(t.Context(), h, nil, expr, h.now)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	result := q.Exec(t.Context())
	if len(result.Warnings) > 0 {
		t.Errorf("%s: %v", expr, result.Warnings)
	}
	vector, err := result.Vector()
	if err != nil {
		t.Errorf("%s: %v", expr, err)
	}
	return vector
}

func newEngine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: promQL,
		EnableAtModifier: true, EnableNegativeOffset: true,
	})
}

// labelsOf parses a series in the form of /metrics, name{label="value"}.
func labelsOf(t *testing.T, text string) labels.Labels {
	t.Helper()
	l, err := promQL.ParseMetric(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return l
}

// A seriesSet is a [storage.SeriesSet] over a list.
type seriesSet struct {
	list []storage.Series
	next int
}

func (s *seriesSet) Next() bool                        { s.next++; return s.next <= len(s.list) }
func (s *seriesSet) At() storage.Series                { return s.list[s.next-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
