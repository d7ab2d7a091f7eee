package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/go-analyze/charts"
)

const (
	chartWidth   = 800
	chartMargin  = 120 // above and below the bars
	barHeight    = 16
	barsPerGroup = 1 // space between groups, in bars
)

// writeChart writes the medians of a result's main measure as an SVG image: a group of
// bars for each case, a bar for each server.
func writeChart(file string, r result) error {
	cases, servers, medians := grid(r)
	options := charts.NewBarChartOptionWithData(medians)
	options.Horizontal = true
	options.Title.Text = fmt.Sprintf("%s: %s, median", r.Mode, r.Measures[0].Unit)
	options.Title.FontStyle.FontSize = 14
	options.Legend.SeriesNames = servers
	options.Legend.Offset = charts.OffsetStr{Top: "30"}
	options.CategoryAxis.Labels = cases
	options.Padding = charts.NewBoxEqual(20)
	for i := range options.SeriesList {
		options.SeriesList[i].Label.Show = charts.Ptr(true)
		options.SeriesList[i].Label.ValueFormatter = figure
	}
	options.ValueFormatter = figure
	p := charts.NewPainter(charts.PainterOptions{
		OutputFormat: charts.ChartOutputSVG,
		Width:        chartWidth,
		Height:       chartMargin + barHeight*len(cases)*(len(servers)+barsPerGroup),
	})
	if err := p.BarChart(options); err != nil {
		return fmt.Errorf("draw chart: %w", err)
	}
	image, err := p.Bytes()
	if err != nil {
		return fmt.Errorf("draw chart: %w", err)
	}
	return os.WriteFile(file, image, 0o644)
}

// grid returns the medians of a result's main measure by server and case. What is
// unknown is null in the sense of the library.
func grid(r result) (cases, servers []string, medians [][]float64) {
	for _, row := range r.Rows {
		if !slices.Contains(cases, row.Case) {
			cases = append(cases, row.Case)
		}
		if !slices.Contains(servers, row.Server) {
			servers = append(servers, row.Server)
		}
	}
	for range servers {
		medians = append(medians, slices.Repeat([]float64{charts.GetNullValue()}, len(cases)))
	}
	for _, row := range r.Rows {
		if s, ok := row.Values[r.Measures[0].Name]; ok {
			medians[slices.Index(servers, row.Server)][slices.Index(cases, row.Case)] = s.Median
		}
	}
	return cases, servers, medians
}
