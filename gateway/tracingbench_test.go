//go:build unix

package gateway_test

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/wxgate/wxgate/gateway"
)

// BenchmarkGatewayTraced is BenchmarkGateway with tracing: off, which has to allocate as
// much as BenchmarkGateway, with a trace that is not sampled, and with one that is.
func BenchmarkGatewayTraced(b *testing.B) {
	batches := sdktrace.WithBatcher(tracetest.NewNoopExporter())
	for _, mode := range []struct {
		name    string
		options []sdktrace.TracerProviderOption
	}{
		{"off", nil},
		{"unsampled", []sdktrace.TracerProviderOption{batches, sdktrace.WithSampler(sdktrace.NeverSample())}},
		{"sampled", []sdktrace.TracerProviderOption{batches}},
	} {
		b.Run(mode.name, func(b *testing.B) {
			site := benchSite(b)
			rig := newRig(b, nil, quiet, func(c *testConfig) {
				c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: site}}
				if mode.options != nil {
					provider := sdktrace.NewTracerProvider(mode.options...)
					b.Cleanup(func() { provider.Shutdown(b.Context()) })
					c.Tracer = provider.Tracer("bench")
				}
			})
			benchGet(b, rig.Listener.Addr().String())
		})
	}
}
