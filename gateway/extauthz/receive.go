package extauthz

import (
	"context"
	"time"

	"google.golang.org/grpc/tap"
)

// receiveTimeout limits the wait for the request of a call.
const receiveTimeout = 10 * time.Second

// receiving is the context key of the timer that ends a call without a request.
type receiving struct{}

// limitReceive starts that timer. gRPC calls it when a call begins.
func limitReceive(ctx context.Context, _ *tap.Info) (context.Context, error) {
	ctx, cancel := context.WithCancel(ctx)
	return context.WithValue(ctx, receiving{}, time.AfterFunc(receiveTimeout, cancel)), nil
}

// received stops the timer, so that the decision may take longer.
func received(ctx context.Context) {
	if timer, ok := ctx.Value(receiving{}).(*time.Timer); ok {
		timer.Stop()
	}
}
