package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

var memoryMode = mode{
	name: "memory",
	about: "Memory of a new process: idle, after load with its connections open, at its peak, and what a thousand " +
		"idle keep-alive connections add. A session in Redis is in the last rows, if redis-server is installed.",
	measures: []measure{
		{"idle", "resident MiB, idle"},
		{"load", "under load"},
		{"peak", "peak"},
		{"thousand", "MiB more for 1,000 connections"},
		{"session", "bytes of a session in Redis"},
	},
	reference: "plain",
	run: func(b *bench, ctx context.Context, rounds int) error {
		targets := append([]target{b.reference("plain", "plain")}, b.gateways(variant{})...)
		p := plan{fresh: true, targets: append(targets, b.reference("plain, again", "plain"))}
		p.trials = []trial{
			{"a new process", b.measureMemory},
			{fmt.Sprintf("%d idle connections", b.keptConnections()), b.measureConnections},
		}
		if err := p.run(ctx, rounds, b.record); err != nil {
			return err
		}
		if _, err := exec.LookPath(redisServer); err != nil {
			return nil
		}
		return b.measureSessions(ctx, rounds)
	},
}

// keptConnections is the number of connections that are kept open for the measure of
// a thousand.
func (b *bench) keptConnections() int { return b.connectionCounts[len(b.connectionCounts)-1] }

func (b *bench) measureMemory(ctx context.Context, s *server) (values, error) {
	idle, err := b.settled(ctx, s)
	if err != nil {
		return nil, err
	}
	v := values{"idle": idle.now / mebi}
	l := proxyCases()[0].load(b, s)
	return v, l.keeping(ctx, s, func(c *clients) error {
		if err := c.send(ctx, l.requests); err != nil {
			return err
		}
		m, err := memoryOf(s.pids)
		v["load"], v["peak"] = m.now/mebi, m.peak/mebi
		return err
	})
}

// measureConnections measures connections that have had a response and then stay open.
func (b *bench) measureConnections(ctx context.Context, s *server) (values, error) {
	before, err := b.settled(ctx, s)
	if err != nil {
		return nil, err
	}
	v := values{"idle": before.now / mebi}
	l := proxyCases()[0].load(b, s)
	l.connections, l.warm = b.keptConnections(), 0
	return v, l.keeping(ctx, s, func(*clients) error {
		after, err := b.settled(ctx, s)
		v["thousand"] = (after.now - before.now) / mebi * 1000 / float64(l.connections)
		return err
	})
}

// keeping calls f while the connections of the load are open.
func (l load) keeping(ctx context.Context, s *server, f func(*clients) error) error {
	l.address = s.address
	c, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	return f(c)
}

// settled returns the memory of a server that has had time to rest.
func (b *bench) settled(ctx context.Context, s *server) (memory, error) {
	select {
	case <-time.After(b.settle):
		return memoryOf(s.pids)
	case <-ctx.Done():
		return memory{}, ctx.Err()
	}
}

// measureSessions measures what Redis needs for each session.
func (b *bench) measureSessions(ctx context.Context, rounds int) error {
	r, err := b.startRedis(ctx)
	if err != nil {
		return err
	}
	defer r.process.stop()
	redis := variant{environ: []string{"WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL=redis://" + r.address}}
	p := plan{fresh: true, targets: b.gateways(redis)}
	p.trials = []trial{{fmt.Sprintf("%d sessions in Redis", b.sessionsInRedis),
		func(ctx context.Context, s *server) (values, error) {
			before, err := r.used(ctx)
			if err != nil {
				return nil, err
			}
			for range b.sessionsInRedis {
				if err := s.logIn(ctx); err != nil {
					return nil, err
				}
			}
			after, err := r.used(ctx)
			return values{"session": (after - before) / float64(b.sessionsInRedis)}, err
		}}}
	return p.run(ctx, rounds, b.record)
}
