package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A bench is one run of the command.
type bench struct {
	options
	scale
	dir      string // of programs and output; removed at the end
	builds   []build
	upstream string // address
	emulator string // origin
	cookie   string // of a session, as a header line, for servers that know none
	openID   string // of the visitor who signs in
	samples  []sample
}

// A build is a wxgate that is measured.
type build struct{ name, path string }

// A mode is something that can be measured.
type mode struct {
	name, about string
	measures    []measure
	reference   string // server to which the ratios are; "": each case's first
	slow        bool   // its rounds take minutes
	run         func(*bench, context.Context, int) error
}

// modes returns all modes, in the order of the tables.
func modes() []mode {
	return []mode{
		proxyMode, checkMode, extAuthzMode, connectionsMode, memoryMode,
		webSocketMode, streamMode, startMode, growthMode,
	}
}

// run measures the modes and writes the tables.
func (b *bench) run(ctx context.Context, stdout, progress io.Writer) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "wxgate-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the processes that are left
	stop, err := b.prepare(ctx)
	defer stop()
	if err != nil {
		return err
	}
	report := report{Machine: describe(b.options)}
	writeMachine(stdout, report.Machine)
	for _, m := range b.modes {
		fmt.Fprintln(progress, "measuring:", m.name)
		r, err := b.measure(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		writeTable(stdout, r)
		report.Results = append(report.Results, r)
	}
	return report.save(b.options)
}

// measure runs one mode.
func (b *bench) measure(ctx context.Context, m mode) (result, error) {
	rounds := b.scale.rounds
	if m.slow {
		rounds = b.scale.slowRounds
	}
	if b.options.rounds > 0 {
		rounds = b.options.rounds
	}
	reference := m.reference
	if b.options.reference != "" {
		reference = b.options.reference
	}
	b.samples = nil
	if err := m.run(b, ctx, rounds); err != nil {
		return result{}, err
	}
	return result{
		Mode: m.name, About: m.about, Measures: m.measures,
		Rows: summarize(b.samples, m.measures[0].Name, reference), Samples: b.samples,
	}, nil
}

func (b *bench) record(s sample) { b.samples = append(b.samples, s) }

// prepare builds the programs and starts those that all modes share. The function that
// it returns stops them.
func (b *bench) prepare(ctx context.Context) (stop func(), err error) {
	var running []*process
	stop = func() {
		for _, p := range running {
			p.stop()
		}
	}
	if err := b.buildAll(ctx); err != nil {
		return stop, err
	}
	emulator, err := b.startEmulator(ctx)
	if err != nil {
		return stop, err
	}
	running = append(running, emulator)
	upstream, err := b.startReference(ctx, "upstream")
	if err != nil {
		return stop, err
	}
	running = append(running, upstream.process)
	b.upstream = upstream.address
	first, err := b.gateways(variant{})[0].start(ctx)
	if err != nil {
		return stop, err
	}
	b.cookie, b.openID = first.cookie, first.openID
	first.stop()
	return stop, nil
}

// buildAll compiles the programs that the command line does not name.
func (b *bench) buildAll(ctx context.Context) error {
	packages := []string{"cmd/wxgate/internal/bench/reference", "cmd/wxgate/internal/bench/grpcreference"}
	switch paths := b.options.wxgates; len(paths) {
	case 0:
		packages = append(packages, "cmd/wxgate")
		b.builds = []build{{"wxgate", b.program("wxgate")}}
	case 1:
		b.builds = []build{{"wxgate", paths[0]}}
	default:
		for i, path := range paths {
			b.builds = append(b.builds, build{fmt.Sprintf("wxgate %d", i+1), path})
		}
	}
	for i := range b.builds {
		path, err := filepath.Abs(b.builds[i].path)
		if err != nil {
			return err
		}
		b.builds[i].path = path
	}
	return b.build(ctx, packages...)
}

// program returns the path of a program that was built.
func (b *bench) program(name string) string { return filepath.Join(b.dir, name) }

// A report is all that the command has measured.
type report struct {
	Machine machine  `json:"machine"`
	Results []result `json:"results"`
}

// save writes the files that the options name.
func (r report) save(o options) error {
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.svg != "" {
		return writeChart(o.svg, r.Results[0])
	}
	return nil
}
