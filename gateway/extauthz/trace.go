package extauthz

import (
	"context"

	"google.golang.org/grpc/metadata"

	"github.com/wxgate/wxgate/gateway/internal/traceparent"
)

// traced returns ctx with the span of Envoy's that the check belongs to, if the call
// names one: the handler's span is its child. A traceparent among the headers of the
// visitor's request is another thing; the handler decides whether to believe that.
func traced(ctx context.Context) context.Context {
	return traceparent.Extract(ctx,
		metadata.ValueFromIncomingContext(ctx, "traceparent"), metadata.ValueFromIncomingContext(ctx, "tracestate"))
}
