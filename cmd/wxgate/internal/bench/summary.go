package main

import (
	"slices"
)

// A spread is the smallest, the median and the largest of some numbers.
type spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// spreadOf returns the spread of numbers; ok is false if there are none.
func spreadOf(numbers []float64) (s spread, ok bool) {
	if len(numbers) == 0 {
		return spread{}, false
	}
	sorted := slices.Sorted(slices.Values(numbers))
	middle := len(sorted) / 2
	s = spread{Min: sorted[0], Median: sorted[middle], Max: sorted[len(sorted)-1]}
	if len(sorted)%2 == 0 {
		s.Median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return s, true
}

// A row is what all rounds say about one server in one case.
type row struct {
	Case   string            `json:"case"`
	Server string            `json:"server"`
	Values map[string]spread `json:"values"` // by measure
	// Ratio is the spread of the main measure's ratios to the reference, each of one
	// round; nil: unknown.
	Ratio *spread `json:"ratio,omitempty"`
}

// summarize returns a row for each server in each case, in the order of the samples.
// The reference of a case is the server of that name, or else the case's first.
func summarize(samples []sample, measure, reference string) (rows []row) {
	type place struct{ c, server string }
	of := map[place][]sample{}
	var order []place
	for _, s := range samples {
		at := place{s.Case, s.Server}
		if of[at] == nil {
			order = append(order, at)
		}
		of[at] = append(of[at], s)
	}
	references := map[string]string{}
	for _, at := range order {
		if _, found := references[at.c]; !found || at.server == reference {
			references[at.c] = at.server
		}
	}
	for _, at := range order {
		r := row{Case: at.c, Server: at.server, Values: spreads(of[at])}
		if s, ok := spreadOf(ratios(of[at], of[place{at.c, references[at.c]}], measure)); ok {
			r.Ratio = &s
		}
		rows = append(rows, r)
	}
	return rows
}

// spreads returns the spread of each measure.
func spreads(samples []sample) map[string]spread {
	numbers := map[string][]float64{}
	for _, s := range samples {
		for name, v := range s.Values {
			numbers[name] = append(numbers[name], v)
		}
	}
	all := map[string]spread{}
	for name, list := range numbers {
		all[name], _ = spreadOf(list)
	}
	return all
}

// ratios returns for each round the ratio of a server's value to the reference's.
func ratios(server, reference []sample, measure string) (list []float64) {
	base := map[int]float64{}
	for _, s := range reference {
		base[s.Round] = s.Values[measure]
	}
	for _, s := range server {
		if v, ok := s.Values[measure]; ok && base[s.Round] > 0 {
			list = append(list, v/base[s.Round])
		}
	}
	return list
}
