package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/rueidis"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// The attributes of a command's span; there are no others. Keys and values of Redis are
// not among them: the name of a key may be a client's address.
const (
	attrSystem    = attribute.Key("db.system.name")
	attrCommand   = attribute.Key("db.operation.name")
	attrErrorType = attribute.Key("error.type") // see failureKind
)

// spanStart returns when a command begins; the zero time if ctx has no span that is
// recorded. Commands that no request waits for have none.
func spanStart(ctx context.Context) time.Time {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return time.Time{}
	}
	return time.Now()
}

// addSpan adds a span of a command, with its repetitions, to that of ctx. start is what
// spanStart returned. It is added at the end, when it is known that the cache of this
// process did not answer.
func addSpan(ctx context.Context, command string, start time.Time, err error) {
	if start.IsZero() {
		return
	}
	_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("github.com/wxgate/wxgate/session/redisstore").Start(
		ctx, command, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(start),
		trace.WithAttributes(attrSystem.String("redis"), attrCommand.String(command)))
	if err != nil && !rueidis.IsRedisNil(err) {
		kind := failureKind(err)
		span.SetAttributes(attrErrorType.String(kind))
		span.SetStatus(codes.Error, kind)
	}
	span.End()
}

// failureKind returns "refused" for an error answer of Redis, "timeout", or "unavailable"
// for any other error.
func failureKind(err error) string {
	_, refused := errors.AsType[*rueidis.RedisError](err)
	switch {
	case refused:
		return "refused"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "unavailable"
}

// exec runs a script about the keys.
func exec(
	ctx context.Context, client rueidis.Client, script *rueidis.Lua, keys, args []string,
) rueidis.RedisResult {
	start := spanStart(ctx)
	result := script.Exec(ctx, client, keys, args)
	addSpan(ctx, "EVALSHA", start, result.Error())
	return result
}
