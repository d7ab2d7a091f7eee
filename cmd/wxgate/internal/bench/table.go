package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A measure is a column of a table.
type measure struct {
	Name string `json:"name"` // in values
	Unit string `json:"unit"` // as the heading says it
}

// A result is the outcome of one mode. Its first measure is the main one.
type result struct {
	Mode     string    `json:"mode"`
	About    string    `json:"about"`
	Measures []measure `json:"measures"`
	Rows     []row     `json:"rows"`
	Samples  []sample  `json:"samples"`
}

// writeTable writes a result in Markdown: of the main measure the smallest, the median
// and the largest value and the ratios, of the others the median.
func writeTable(w io.Writer, r result) {
	main := r.Measures[0]
	fmt.Fprintf(w, "### %s\n\n%s\n\n", r.Mode, r.About)
	heading := []string{"case", "server", main.Unit + ": min", "median", "max", "ratio: median", "min–max"}
	for _, m := range r.Measures[1:] {
		heading = append(heading, m.Unit)
	}
	writeLine(w, heading)
	writeLine(w, append([]string{"---", "---"}, slices.Repeat([]string{"---:"}, len(heading)-2)...))
	for _, row := range r.Rows {
		cells := []string{row.Case, row.Server}
		if s, ok := row.Values[main.Name]; ok {
			cells = append(cells, figure(s.Min), figure(s.Median), figure(s.Max))
		} else {
			cells = append(cells, "–", "–", "–")
		}
		if s := row.Ratio; s != nil {
			cells = append(cells, fmt.Sprintf("%.2f", s.Median), fmt.Sprintf("%.2f–%.2f", s.Min, s.Max))
		} else {
			cells = append(cells, "–", "–")
		}
		for _, m := range r.Measures[1:] {
			cell := "–"
			if s, ok := row.Values[m.Name]; ok {
				cell = figure(s.Median)
			}
			cells = append(cells, cell)
		}
		writeLine(w, cells)
	}
	fmt.Fprintln(w)
}

func writeLine(w io.Writer, cells []string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

// figure formats a number with about three significant digits.
func figure(v float64) string {
	switch size := max(v, -v); {
	case size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
