package counter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Config describes a [Vec].
type Config struct {
	Name, Help string
	Labels     []string   // but for the label site
	Usual      [][]string // values of Labels: the series that each site has from the start, each once
	BySite     bool       // there is a label site, which says which of several sites is meant
}

// Vec is a counter with labels, for each site. It is a [prometheus.Collector], and safe for
// concurrent use. Make it with [New].
type Vec struct {
	desc   *prometheus.Desc
	labels []string
	bySite bool
	usual  []labels
	index  map[string]int // of usual, by key
	start  *timestamppb.Timestamp

	mu    sync.Mutex
	sites map[string]*Site
}

// siteLabel is the name of the label that says which site is meant.
const siteLabel = "site"

// New returns the counter that c describes. It has no series before [Vec.Of].
func New(c Config) *Vec {
	names := c.Labels
	if c.BySite {
		names = append(slices.Clone(names), siteLabel)
	}
	v := &Vec{
		desc:   prometheus.NewDesc(c.Name, c.Help, names, nil),
		labels: c.Labels,
		bySite: c.BySite,
		index:  make(map[string]int),
		start:  timestamppb.Now(),
		sites:  make(map[string]*Site),
	}
	for i, values := range c.Usual {
		v.index[v.key(values)] = i
		v.usual = append(v.usual, newLabels(c.Labels, values))
	}
	return v
}

// Of returns the counters of a site, always the same ones; those of all sites without
// [Config.BySite].
func (v *Vec) Of(site string) *Site {
	if !v.bySite {
		site = ""
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.sites[site]
	if !ok {
		s = &Site{vec: v, usual: make([]Counter, len(v.usual)), others: make(map[string]*other)}
		if v.bySite {
			s.label = newLabels([]string{siteLabel}, []string{site})
		}
		v.sites[site] = s
	}
	return s
}

// key is what a series is found by. A label's value is UTF-8, which has no byte 255.
func (v *Vec) key(values []string) string {
	if len(values) != len(v.labels) {
		panic(fmt.Sprintf("%d values for the labels %q", len(values), v.labels))
	}
	return strings.Join(values, "\xff")
}

// Describe implements [prometheus.Collector].
func (v *Vec) Describe(ch chan<- *prometheus.Desc) { ch <- v.desc }

// Collect implements [prometheus.Collector].
func (v *Vec) Collect(ch chan<- prometheus.Metric) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.sites {
		s.collect(ch)
	}
}

// Site are the counters of one site. It is safe for concurrent use.
type Site struct {
	vec   *Vec
	label labels    // site, if there is that label
	usual []Counter // in the order of [Config.Usual]

	mu     sync.RWMutex
	others map[string]*other // by key
}

// other is a series that is not there from the start.
type other struct {
	Counter
	labels labels
}

// Usual returns the counter of the series that is the i-th of [Config.Usual].
func (s *Site) Usual(i int) *Counter { return &s.usual[i] }

// With returns the counter of the series with the given values of [Config.Labels]. Each
// value that is not a usual one stays in memory: no client may choose it.
func (s *Site) With(values ...string) *Counter {
	key := s.vec.key(values)
	if i, ok := s.vec.index[key]; ok {
		return &s.usual[i]
	}
	s.mu.RLock()
	o, ok := s.others[key]
	s.mu.RUnlock()
	if ok {
		return &o.Counter
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok = s.others[key]; !ok {
		o = &other{labels: newLabels(s.vec.labels, values)}
		s.others[key] = o
	}
	return &o.Counter
}

func (s *Site) collect(ch chan<- prometheus.Metric) {
	for i := range s.usual {
		ch <- series{s, s.vec.usual[i], &s.usual[i]}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, o := range s.others {
		ch <- series{s, o.labels, &o.Counter}
	}
}

// series is a [prometheus.Metric].
type series struct {
	site    *Site
	labels  labels // but for the label site
	counter *Counter
}

// Desc implements [prometheus.Metric].
func (s series) Desc() *prometheus.Desc { return s.site.vec.desc }

// Write implements [prometheus.Metric].
func (s series) Write(m *dto.Metric) error {
	value := float64(s.counter.Value())
	m.Label = slices.Concat(s.labels, s.site.label)
	slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	m.Counter = &dto.Counter{Value: &value, CreatedTimestamp: s.site.vec.start}
	return nil
}

// labels are labels of a series with their values.
type labels []*dto.LabelPair

func newLabels(names, values []string) (all labels) {
	for i, name := range names {
		all = append(all, &dto.LabelPair{Name: new(name), Value: new(values[i])})
	}
	return all
}
