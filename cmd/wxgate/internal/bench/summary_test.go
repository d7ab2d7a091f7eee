package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		numbers []float64
		want    spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{3, 1}, spread{1, 2, 3}},
		{[]float64{9, 1, 2}, spread{1, 2, 9}},
		{[]float64{4, 1, 9, 2}, spread{1, 3, 9}},
	} {
		if got, ok := spreadOf(tt.numbers); !ok || got != tt.want {
			t.Errorf("spreadOf(%v) = %v, %v; want %v", tt.numbers, got, ok, tt.want)
		}
	}
	if got, ok := spreadOf(nil); ok {
		t.Errorf("spreadOf(nil) = %v, want none", got)
	}
}

func TestThereAndBack(t *testing.T) {
	t.Parallel()
	if got, want := thereAndBack(3), []int{0, 1, 2, 2, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("thereAndBack(3) = %v, want %v", got, want)
	}
}

func TestMean(t *testing.T) {
	t.Parallel()
	first := mean(nil, values{"cpu": 1, "p99": 5})
	got := mean(first, values{"cpu": 3, "start": 7})
	if want := (values{"cpu": 2}); !cmp.Equal(got, want) {
		t.Errorf("mean = %v, want %v: what only one of them has is not known", got, want)
	}
}

// The second round was twice as slow for all: paired by round, the ratio stays.
var drifting = []sample{
	{"GET", "plain", 0, values{"cpu": 10, "p50": 1}},
	{"GET", "wxgate", 0, values{"cpu": 15, "p50": 2}},
	{"GET", "elsewhere", 0, values{"p50": 4}},
	{"GET", "plain", 1, values{"cpu": 20, "p50": 1}},
	{"GET", "wxgate", 1, values{"cpu": 30, "p50": 4}},
	{"GET", "elsewhere", 1, values{"p50": 4}},
	{"POST", "wxgate", 0, values{"cpu": 5}},
	{"POST", "wxgate", 1, values{"cpu": 5}},
}

func TestSummarize(t *testing.T) {
	t.Parallel()
	one := &spread{1, 1, 1}
	want := []row{
		{"GET", "plain", map[string]spread{"cpu": {10, 15, 20}, "p50": {1, 1, 1}}, one},
		{"GET", "wxgate", map[string]spread{"cpu": {15, 22.5, 30}, "p50": {2, 3, 4}}, &spread{1.5, 1.5, 1.5}},
		{"GET", "elsewhere", map[string]spread{"p50": {4, 4, 4}}, nil},
		{"POST", "wxgate", map[string]spread{"cpu": {5, 5, 5}}, one}, // no plain: the case's first
	}
	if diff := cmp.Diff(want, summarize(drifting, "cpu", "plain")); diff != "" {
		t.Errorf("summarize (-want +got):\n%s", diff)
	}
	inverse := summarize(drifting, "cpu", "wxgate")[0].Ratio
	if want := (spread{10. / 15, 10. / 15, 10. / 15}); inverse == nil || *inverse != want {
		t.Errorf("ratio of plain to wxgate = %v, want %v", inverse, want)
	}
}

func TestWriteTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	writeTable(&b, result{
		Mode: "proxy", About: "About it.", Measures: []measure{{"cpu", "µs"}, {"p50", "ms"}},
		Rows: summarize(drifting, "cpu", "plain"),
	})
	want := `### proxy

About it.

| case | server | µs: min | median | max | ratio: median | min–max | ms |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
| GET | plain | 10.0 | 15.0 | 20.0 | 1.00 | 1.00–1.00 | 1.00 |
| GET | wxgate | 15.0 | 22.5 | 30.0 | 1.50 | 1.50–1.50 | 3.00 |
| GET | elsewhere | – | – | – | – | – | 4.00 |
| POST | wxgate | 5.00 | 5.00 | 5.00 | 1.00 | 1.00–1.00 | – |

`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	cases, servers, medians := grid(summarize(drifting, "cpu", "plain"))
	order := []string{"plain", "wxgate", "elsewhere"}
	if !slices.Equal(cases, []string{"POST", "GET"}) || !slices.Equal(servers, order) {
		t.Fatalf("grid = %q, %q", cases, servers)
	}
	if medians[0][1] != 1 || medians[1][1] != 1.5 || medians[1][0] != 1 || medians[2][1] < 1e9 {
		t.Errorf("medians = %v", medians)
	}
}
