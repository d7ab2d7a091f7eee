package main

import "context"

var startMode = mode{
	name:      "start",
	about:     "From the start of the process to its first response, which the upstream makes.",
	measures:  []measure{{"start", "start, ms"}},
	reference: "plain",
	run: func(b *bench, ctx context.Context, rounds int) error {
		targets := append([]target{b.reference("plain", "plain")}, b.gateways(variant{})...)
		p := plan{fresh: true, targets: append(targets, b.reference("plain, again", "plain"))}
		p.trials = []trial{{"process", func(_ context.Context, s *server) (values, error) {
			return values{"start": s.startup.Seconds() * 1000}, nil
		}}}
		return p.run(ctx, rounds, b.record)
	},
}
