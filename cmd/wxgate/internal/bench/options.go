package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// options are what the command line says.
type options struct {
	wxgates   []string // paths of wxgate; empty: one is built
	targets   []external
	upstream  string
	reference string
	rounds    int
	requests  int
	json, svg string
	short     bool
	modes     []mode
	cases     []string // of the mode proxy; empty: all
	args      []string // all of the command line
}

const help = `bench measures what wxgate costs and compares it with other servers.

usage: go run ./cmd/wxgate/internal/bench [flags] [mode…]

It starts wxgate, plain reverse proxies, the WeChat emulator and an upstream as processes,
signs a visitor in, and sends a fixed number of requests to each server, in the order
A B B A, for several rounds. Each round has new processes. "plain" is a ReverseProxy with
the usual settings, "plain, again" a second copy of it: its ratio should be near 1, and how far
it is from 1 is how far the other ratios may be wrong. Only ratios carry over to another
machine. Nothing else should run meanwhile.

modes (default: all):
`

// parseOptions parses the command line. A [flag.ErrHelp] has been dealt with.
func parseOptions(args []string, stderr io.Writer) (o options, err error) {
	o.args = args
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, help)
		for _, m := range modes() {
			fmt.Fprintf(stderr, "  %-12s %s\n", m.name, m.about)
		}
		fmt.Fprint(stderr, "\nflags:\n")
		flags.PrintDefaults()
	}
	headers := map[string]string{}
	o.define(flags, headers)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for i := range o.targets {
		o.targets[i].header = headers[o.targets[i].name]
		delete(headers, o.targets[i].name)
	}
	for name := range headers {
		return o, fmt.Errorf("--header: no --target is called %q", name)
	}
	return o, o.choose(flags.Args())
}

// define defines the flags. The headers are those of --header, by target.
func (o *options) define(flags *flag.FlagSet, headers map[string]string) {
	flags.Func("wxgate", "`path` of a wxgate, instead of one that is built; twice: compares two builds",
		func(path string) error {
			o.wxgates = append(o.wxgates, path)
			return nil
		})
	flags.Func("target", "a further server, `NAME=URL`, that has the upstream of --upstream; its path is put before "+
		"that of each request, except in the mode check, where it is the path",
		func(text string) error {
			e, err := parseExternal(text)
			o.targets = append(o.targets, e)
			return err
		})
	flags.Func("header", "a header of each request to a further server, `NAME=Cookie: value`",
		func(text string) error {
			name, line, found := strings.Cut(text, "=")
			if !found || !strings.Contains(line, ":") {
				return errors.New("expected NAME=HEADER: VALUE")
			}
			headers[name] += line + "\r\n"
			return nil
		})
	flags.Func("case", "`NAME` of a case of the mode proxy, as its table has it; several times: these alone",
		func(name string) error {
			if !slices.ContainsFunc(proxyCases(), func(c proxyCase) bool { return c.name == name }) {
				return errors.New("the mode proxy has no such case")
			}
			o.cases = append(o.cases, name)
			return nil
		})
	flags.StringVar(&o.upstream, "upstream", "",
		"`address` of the upstream, for further servers; default: any free port")
	flags.StringVar(&o.reference, "reference", "", "`server` to which the ratios are, by its name in the table")
	flags.IntVar(&o.rounds, "rounds", 0, "`number` of rounds; default: 8, and 3 for slow modes")
	flags.IntVar(&o.requests, "requests", 0, "`number` of requests in a measurement; default: 20000")
	flags.StringVar(&o.json, "json", "", "writes all figures to a `file`")
	flags.StringVar(&o.svg, "svg", "", "writes a chart of the first mode to a `file`")
	flags.BoolVar(&o.short, "short", false,
		"runs everything once with tiny numbers, to see that it works; the figures mean nothing")
}

// choose finds the modes by their names.
func (o *options) choose(names []string) error {
	if len(names) == 0 {
		o.modes = modes()
		return nil
	}
	for _, name := range names {
		i := slices.IndexFunc(modes(), func(m mode) bool { return m.name == name })
		if i < 0 {
			return fmt.Errorf("unknown mode %q; --help lists the modes", name)
		}
		o.modes = append(o.modes, modes()[i])
	}
	return nil
}
