package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

var growthMode = mode{
	name: "growth",
	about: "Authenticated GET of 1 KiB as work grows: more sites, longer allow lists, more sessions seen before, " +
		"longer headers. The ratio is to the first row of the case.",
	measures: append(requestMeasures[:len(requestMeasures):len(requestMeasures)],
		measure{"resident", "resident MiB"}, measure{"start", "start, ms"}),
	slow: true,
	run: func(b *bench, ctx context.Context, rounds int) error {
		for _, build := range b.builds {
			sites := plan{trials: []trial{b.getTrial(build.name + ": sites")}}
			for _, n := range b.sites {
				name := fmt.Sprintf("sites: %d", n)
				sites.targets = append(sites.targets, b.gateway(name, build.path, b.manySites(n)))
			}
			lists := plan{trials: []trial{b.getTrial(build.name + ": allow list")}}
			for _, n := range b.allowed {
				v, err := b.longList(n)
				if err != nil {
					return err
				}
				lists.targets = append(lists.targets, b.gateway(fmt.Sprintf("lines: %d", n), build.path, v))
			}
			for _, p := range []plan{sites, lists} {
				if err := p.run(ctx, rounds, b.record); err != nil {
					return err
				}
			}
			if err := b.growSessions(ctx, build, rounds); err != nil {
				return err
			}
		}
		return b.growHeaders(ctx, rounds)
	},
}

// getTrial measures the first case of the mode proxy, and tells the start.
func (b *bench) getTrial(name string) trial {
	return trial{name, func(ctx context.Context, s *server) (values, error) {
		v, err := b.send(ctx, s, proxyCases()[0].load(b, s))
		if err == nil {
			v["start"] = s.startup.Seconds() * 1000
		}
		return v, err
	}}
}

// manySites is a wxgate with n sites, of which the last gets the requests.
func (b *bench) manySites(n int) variant {
	var v variant
	host := func(i int) string { return fmt.Sprintf("site%d.example.com", i) }
	for i := range n {
		name := fmt.Sprintf("WXGATE_SITES_%d_", i)
		v.environ = append(v.environ, name+"HOSTS="+host(i), name+"PUBLIC_URL=http://"+host(i))
	}
	v.admit = func(s *server) error {
		s.host, s.openID = host(n-1), b.openID
		session, err := seal("http://"+s.host, s.openID)
		s.cookie = cookieLine(session)
		return err
	}
	return v
}

// longList is a wxgate that admits n visitors; 0: everyone.
func (b *bench) longList(n int) (variant, error) {
	if n == 0 {
		return variant{}, nil
	}
	var list strings.Builder
	for i := range n - 1 {
		list.WriteString(numberedOpenID(i) + "\n")
	}
	list.WriteString(b.openID + "\n")
	file := filepath.Join(b.dir, fmt.Sprintf("allow-%d", n))
	v := variant{environ: []string{"WXGATE_ALLOW_OPENIDS_FILE=" + file}}
	return v, os.WriteFile(file, []byte(list.String()), 0o600)
}

// growSessions measures requests with sessions of which each has been seen before.
func (b *bench) growSessions(ctx context.Context, of build, rounds int) error {
	const origin = "http://bench.example.com"
	sessions := make([]string, b.sessions[len(b.sessions)-1])
	for i := range sessions {
		var err error
		if sessions[i], err = seal(origin, numberedOpenID(i)); err != nil {
			return err
		}
	}
	var p plan
	for _, n := range b.sessions {
		v := variant{environ: []string{"WXGATE_PUBLIC_URL=" + origin}, admit: func(s *server) error {
			s.host, s.sessions = "bench.example.com", sessions[:n]
			return nil
		}}
		p.targets = append(p.targets, b.gateway(fmt.Sprintf("sessions: %d", n), of.path, v))
	}
	p.trials = []trial{{of.name + ": sessions seen before", b.measureSeen}}
	p.fresh = true
	return p.run(ctx, rounds, b.record)
}

// measureSeen sends a request with each of the server's sessions, and then measures
// requests with some of them.
func (b *bench) measureSeen(ctx context.Context, s *server) (values, error) {
	const step = 7919 // a prime, so that neighbours do not follow each other
	l := b.load(nil, expected{status: 200, bytes: 1 << 10})
	l.warm = max(l.warm, len(s.sessions))
	head, end, _ := strings.Cut(string(s.request("GET", "/bytes/1024", "", cookieLine("\x00"))), "\x00")
	l.request = func(i int) []byte {
		return []byte(head + s.sessions[i*step%len(s.sessions)] + end)
	}
	v, err := b.send(ctx, s, l)
	if err == nil {
		v["start"] = s.startup.Seconds() * 1000
	}
	return v, err
}

// growHeaders measures requests with more header lines.
func (b *bench) growHeaders(ctx context.Context, rounds int) error {
	targets := append([]target{b.reference("plain", "plain")}, b.gateways(variant{})...)
	p := plan{targets: append(targets, b.reference("plain, again", "plain"))}
	for _, size := range b.headers {
		p.trials = append(p.trials, trial{fmt.Sprintf("%d more bytes of header", size),
			func(ctx context.Context, s *server) (values, error) {
				l := proxyCases()[0].load(b, s)
				l.request = always(s.request("GET", "/bytes/1024", "", s.cookie, padding(size)))
				return b.send(ctx, s, l)
			}})
	}
	return p.run(ctx, rounds, b.record)
}

// padding returns header lines of about so many bytes.
func padding(bytes int) string {
	const lineBytes = 128
	var lines strings.Builder
	for i := range bytes / lineBytes {
		name := fmt.Sprintf("X-Padding-%d: ", i)
		lines.WriteString(name + strings.Repeat("x", lineBytes-len(name)-len("\r\n")) + "\r\n")
	}
	return lines.String()
}
