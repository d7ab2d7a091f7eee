package main

import (
	"context"
	"fmt"
	"slices"
)

// A plan is a set of measurements that are compared with each other.
type plan struct {
	targets []target
	trials  []trial
	fresh   bool // each measurement has a process of its own; else each round has
}

// A trial is a measurement of a server in one case.
type trial struct {
	name    string
	measure func(context.Context, *server) (values, error)
}

// A sample is what one server needed in one case of one round: the means of its two
// measurements.
type sample struct {
	Case   string `json:"case"`
	Server string `json:"server"`
	Round  int    `json:"round"`
	Values values `json:"values"`
}

// run makes the rounds. In each, every case is measured in the order of the targets and
// then in the reverse order, so that what drifts meanwhile affects all of them alike.
func (p plan) run(ctx context.Context, rounds int, record func(sample)) error {
	for round := range rounds {
		measure := p.shared
		if p.fresh {
			measure = p.single
		}
		if err := measure(ctx, func(c, target string, v values) {
			record(sample{Case: c, Server: target, Round: round, Values: v})
		}); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	return nil
}

// shared makes a round in which the processes run side by side through all cases.
func (p plan) shared(ctx context.Context, record func(c, target string, v values)) error {
	servers, err := startAll(ctx, p.targets)
	if err != nil {
		return err
	}
	defer stopAll(servers)
	for _, t := range p.trials {
		sums := make([]values, len(servers))
		for _, i := range thereAndBack(len(servers)) {
			v, err := t.measure(ctx, servers[i])
			if err != nil {
				return fmt.Errorf("%s: %s: %w", t.name, servers[i].target, err)
			}
			sums[i] = mean(sums[i], v)
		}
		for i, s := range servers {
			record(t.name, s.target, sums[i])
		}
	}
	return nil
}

// single makes a round in which one process runs at a time.
func (p plan) single(ctx context.Context, record func(c, target string, v values)) error {
	for _, t := range p.trials {
		sums := make([]values, len(p.targets))
		for _, i := range thereAndBack(len(p.targets)) {
			v, err := t.alone(ctx, p.targets[i])
			if err != nil {
				return fmt.Errorf("%s: %s: %w", t.name, p.targets[i].name, err)
			}
			sums[i] = mean(sums[i], v)
		}
		for i, target := range p.targets {
			record(t.name, target.name, sums[i])
		}
	}
	return nil
}

// alone measures a new process of the target.
func (t trial) alone(ctx context.Context, of target) (values, error) {
	servers, err := startAll(ctx, []target{of})
	if err != nil {
		return nil, err
	}
	defer stopAll(servers)
	return t.measure(ctx, servers[0])
}

// thereAndBack returns 0, 1, … n-1, n-1, … 1, 0.
func thereAndBack(n int) (order []int) {
	for i := range n {
		order = append(order, i)
	}
	back := slices.Clone(order)
	slices.Reverse(back)
	return append(order, back...)
}

// mean returns the means of two measurements, or the second if there is no first.
func mean(first, second values) values {
	if first == nil {
		return second
	}
	v := values{}
	for name, a := range first {
		if b, ok := second[name]; ok {
			v[name] = (a + b) / 2
		}
	}
	return v
}
