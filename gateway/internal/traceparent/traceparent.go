// Package traceparent reads the trace that a proxy names, as W3C Trace Context writes it.
package traceparent

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// maxStateBytes is how much of a tracestate W3C Trace Context asks everyone to pass on.
// Each span of a request holds it.
const maxStateBytes = 512

// Extract returns ctx with the remote span that the values of traceparent and tracestate
// name. Without a span, with several, or with a malformed one, it returns ctx. A
// tracestate over 512 bytes is left out.
func Extract(ctx context.Context, parents, states []string) context.Context {
	if len(parents) != 1 {
		return ctx
	}
	carrier := propagation.MapCarrier{"traceparent": parents[0]}
	if state := strings.Join(states, ","); len(state) <= maxStateBytes {
		carrier["tracestate"] = state
	}
	return propagation.TraceContext{}.Extract(ctx, carrier)
}
