package extauthz

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/metadata"
)

// traced returns ctx with the span of Envoy's that the check belongs to, if the call
// names one: the handler's span is its child. A traceparent among the headers of the
// visitor's request is another thing; the handler decides whether to believe that.
func traced(ctx context.Context) context.Context {
	const parent, state = "traceparent", "tracestate"
	values := metadata.ValueFromIncomingContext(ctx, parent)
	if len(values) != 1 {
		return ctx
	}
	carrier := propagation.MapCarrier{parent: values[0]}
	if states := metadata.ValueFromIncomingContext(ctx, state); len(states) == 1 {
		carrier[state] = states[0]
	}
	return propagation.TraceContext{}.Extract(ctx, carrier)
}
