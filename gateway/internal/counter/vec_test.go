package counter_test

import (
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/wxgate/wxgate/gateway/internal/counter"
)

// answers counts by two usual series, and others.
func answers(bySite bool) *counter.Vec {
	return counter.New(counter.Config{
		Name: "answers_total", Help: "Answers.", Labels: []string{"word", "code"},
		Usual: [][]string{{"own", "200"}, {"error", "502"}}, BySite: bySite,
	})
}

// expect compares what a scrape reads.
func expect(t *testing.T, c prometheus.Collector, want string) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	scrape := httptest.NewRecorder()
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	handler.ServeHTTP(scrape, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if got := scrape.Body.String(); got != want {
		t.Errorf("exposed\n%swant\n%s", got, want)
	}
}

const header = "# HELP answers_total Answers.\n# TYPE answers_total counter\n"

func TestUsualSeriesAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	v := answers(true)
	expect(t, v, "")
	v.Of("a.example.com")
	v.Of("b.example.com").Usual(1).Inc()
	expect(t, v, header+`answers_total{code="200",site="a.example.com",word="own"} 0
answers_total{code="200",site="b.example.com",word="own"} 0
answers_total{code="502",site="a.example.com",word="error"} 0
answers_total{code="502",site="b.example.com",word="error"} 1
`)
}

func TestSeriesOfOtherValues(t *testing.T) {
	t.Parallel()
	v := answers(true)
	a := v.Of("a.example.com")
	a.With("own", "418").Inc()
	a.With("own", "418").Add(2)
	a.With("own", "200").Inc() // a usual one
	a.With("ow", "n418").Inc()
	expect(t, v, header+`answers_total{code="200",site="a.example.com",word="own"} 1
answers_total{code="418",site="a.example.com",word="own"} 3
answers_total{code="502",site="a.example.com",word="error"} 0
answers_total{code="n418",site="a.example.com",word="ow"} 1
`)
}

// Two sites of one host, such as http and https, share their series.
func TestSitesOfOneName(t *testing.T) {
	t.Parallel()
	v := answers(true)
	v.Of("a.example.com").Usual(0).Inc()
	v.Of("a.example.com").Usual(0).Inc()
	expect(t, v, header+`answers_total{code="200",site="a.example.com",word="own"} 2
answers_total{code="502",site="a.example.com",word="error"} 0
`)
}

func TestWithoutTheLabelSite(t *testing.T) {
	t.Parallel()
	v := answers(false)
	v.Of("a.example.com").With("own", "418").Inc()
	v.Of("").Usual(0).Inc()
	expect(t, v, header+`answers_total{code="200",word="own"} 1
answers_total{code="418",word="own"} 1
answers_total{code="502",word="error"} 0
`)
}

func TestWithoutLabels(t *testing.T) {
	t.Parallel()
	v := counter.New(counter.Config{Name: "failures_total", Help: "Failures.", Usual: [][]string{nil}})
	v.Of("").With().Inc()
	expect(t, v, "# HELP failures_total Failures.\n# TYPE failures_total counter\nfailures_total 1\n")
}

// A metric has its labels in the order of their names, as [prometheus.Metric] asks.
func TestLabelsAreSorted(t *testing.T) {
	t.Parallel()
	v := answers(true)
	v.Of("a.example.com")
	all := make(chan prometheus.Metric, 2)
	v.Collect(all)
	close(all)
	if len(all) != cap(all) {
		t.Fatalf("%d series, want %d", len(all), cap(all))
	}
	for series := range all {
		var m dto.Metric
		if err := series.Write(&m); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, pair := range m.GetLabel() {
			names = append(names, pair.GetName())
		}
		if want := []string{"code", "site", "word"}; !slices.Equal(names, want) {
			t.Errorf("labels %q, want %q", names, want)
		}
	}
}

// Prometheus takes the time at which a counter began as its first increase.
func TestCreatedTimestamp(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	v := answers(true)
	registry.MustRegister(v)
	v.Of("a.example.com")
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d families, %v; want one", len(families), err)
	}
	for _, m := range families[0].GetMetric() {
		if m.GetCounter().GetCreatedTimestamp().GetSeconds() == 0 {
			t.Errorf("%v: no time of creation", m)
		}
	}
}

func TestWrongNumberOfValues(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic for three values of two labels")
		}
	}()
	answers(true).Of("a.example.com").With("own", "200", "a")
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	v := answers(true)
	registry.MustRegister(v)
	const times = 200
	var wg sync.WaitGroup
	for _, site := range []string{"a", "b", "a", "b"} {
		wg.Go(func() {
			for range times {
				s := v.Of(site)
				s.Usual(0).Inc()
				s.With("own", "418").Inc()
			}
		})
	}
	wg.Go(func() {
		for range times {
			if _, err := registry.Gather(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Wait()
	for _, site := range []string{"a", "b"} {
		usual, other := v.Of(site).Usual(0).Value(), v.Of(site).With("own", "418").Value()
		if usual != 2*times || other != 2*times {
			t.Errorf("site %s: %d usual and %d other events, want %d of each", site, usual, other, 2*times)
		}
	}
}
