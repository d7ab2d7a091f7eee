package main

import (
	"context"
	"fmt"
)

var connectionsMode = mode{
	name: "connections",
	about: "Authenticated GET of 1 KiB over more connections. The ratio is to the same server with 64 connections. " +
		"The memory is that after all cases so far.",
	measures:  append(requestMeasures[:len(requestMeasures):len(requestMeasures)], measure{"resident", "resident MiB"}),
	reference: "connections: 64",
	run: func(b *bench, ctx context.Context, rounds int) error {
		p := plan{targets: b.proxies()}
		get := proxyCases()[0]
		for _, n := range b.connectionCounts {
			p.trials = append(p.trials, trial{fmt.Sprintf("connections: %d", n),
				func(ctx context.Context, s *server) (values, error) {
					l := get.load(b, s)
					l.connections = n
					return b.send(ctx, s, l)
				}})
		}
		// A server's cases are compared with each other here, not the servers in a case.
		return p.run(ctx, rounds, func(s sample) {
			s.Case, s.Server = s.Server, s.Case
			b.record(s)
		})
	},
}
