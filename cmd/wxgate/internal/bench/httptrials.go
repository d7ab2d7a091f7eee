package main

import (
	"context"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// measures of a number of requests.
var requestMeasures = []measure{
	{"cpu", "CPU, µs a request"},
	{"core", "requests a second a core"},
	{"p50", "latency, ms: median"},
	{"p99", "99th percentile"},
	{"allocations", "allocations a request"},
}

// send measures the requests of a load. It also returns the memory afterwards, while
// the connections are open.
func (b *bench) send(ctx context.Context, s *server, l load) (values, error) {
	l.address = s.address
	c, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	v, err := s.watch(ctx, func() error { return c.send(ctx, l.requests) })
	if err != nil {
		return nil, err
	}
	v = requestValues(v, l.requests, c.latencies)
	if len(s.pids) > 0 {
		m, err := memoryOf(s.pids)
		if err != nil {
			return nil, err
		}
		v["resident"] = m.now / mebi
	}
	return v, nil
}

const mebi = 1 << 20

// requestValues returns the measures of n requests, of which it is known what they used
// together.
func requestValues(total values, n int, latencies *hdrhistogram.Histogram) values {
	v := values{
		"p50": float64(latencies.ValueAtQuantile(50)) / 1000,
		"p99": float64(latencies.ValueAtQuantile(99)) / 1000,
	}
	if cpu := total["cpu"]; cpu > 0 {
		v["cpu"], v["core"] = cpu/float64(n)*1e6, float64(n)/cpu
	}
	if mallocs, ok := total["mallocs"]; ok {
		v["allocations"] = mallocs / float64(n)
	}
	return v
}

// load returns a load of one request, repeated.
func (b *bench) load(request []byte, want expected) load {
	return load{
		connections: b.scale.connections, warm: b.scale.warm, requests: b.scale.requests,
		request: always(request), want: want,
	}
}
