package wechat

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// The attributes of a call's span; there are no others. It has no part of the address or
// of the response, which hold secrets.
const (
	attrMethod    = attribute.Key("http.request.method")
	attrErrorType = attribute.Key("error.type")            // see Result
	attrErrCode   = attribute.Key("wxgate.wechat.errcode") // of a refusal
)

// startSpan begins the span of a call, named by its path, if ctx has one that is
// recorded; otherwise the span is nil. WeChat does not get its ids.
func startSpan(ctx context.Context, req request) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	method := http.MethodGet
	if req.body != nil {
		method = http.MethodPost
	}
	return parent.TracerProvider().Tracer("github.com/wxgate/wxgate/wechat").Start(ctx, req.api,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrMethod.String(method)))
}

// endSpan ends the span of a call that failed with err or not.
func endSpan(span trace.Span, err error) {
	if err != nil {
		span.SetAttributes(attrErrorType.String(Result(err)))
		if refusal, ok := errors.AsType[*Error](err); ok {
			span.SetAttributes(attrErrCode.Int(refusal.Code))
		}
		span.SetStatus(codes.Error, Result(err))
	}
	span.End()
}
