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
	titleSize    = 13
	labelSize    = 10
)

// writeChart writes the medians of a result's ratios as an SVG image: a group of bars
// for each case, a bar for each server. Ratios, unlike the figures, carry over to other
// machines, and small bodies stand beside large ones.
func writeChart(file string, r result) error {
	cases, servers, medians := grid(r.Rows)
	options := charts.NewBarChartOptionWithData(medians)
	options.Horizontal = true
	options.Title.Text = fmt.Sprintf("%s: %s, as a multiple of the reference (median)", r.Mode, r.Measures[0].Unit)
	options.Title.FontStyle.FontSize = titleSize
	options.Legend.SeriesNames = servers
	options.Legend.Offset = charts.OffsetStr{Top: "30"}
	for _, c := range cases { // a browser's font is wider than the one that the library measures
		options.CategoryAxis.Labels = append(options.CategoryAxis.Labels, c+"\u00a0\u00a0")
	}
	options.CategoryAxis.LabelFontStyle.FontSize = labelSize
	options.Padding = charts.NewBoxEqual(20)
	for i := range options.SeriesList {
		options.SeriesList[i].Label.Show = new(true)
		options.SeriesList[i].Label.ValueFormatter = figure
	}
	options.ValueAxis = []charts.ValueAxisOption{{Min: new(0.0)}}
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

// grid returns the medians of the ratios by server and case. What is unknown is the
// library's null. The cases are in reverse order: the library draws them upwards.
func grid(rows []row) (cases, servers []string, medians [][]float64) {
	for _, r := range rows {
		if !slices.Contains(cases, r.Case) {
			cases = append(cases, r.Case)
		}
		if !slices.Contains(servers, r.Server) {
			servers = append(servers, r.Server)
		}
	}
	slices.Reverse(cases)
	for range servers {
		medians = append(medians, slices.Repeat([]float64{charts.GetNullValue()}, len(cases)))
	}
	for _, r := range rows {
		if r.Ratio != nil {
			medians[slices.Index(servers, r.Server)][slices.Index(cases, r.Case)] = r.Ratio.Median
		}
	}
	return cases, servers, medians
}
