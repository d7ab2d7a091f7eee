package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// upstreamSpans makes a span of each request to one upstream, until its response
// header.
type upstreamSpans struct {
	tracer     trace.Tracer // nil: no tracing
	attributes []attribute.KeyValue
}

// newUpstreamSpans returns the spans of upstream u, whose requests have the scheme and
// host of target.
func newUpstreamSpans(tracer trace.Tracer, u Upstream, target *url.URL) upstreamSpans {
	if tracer == nil {
		return upstreamSpans{}
	}
	list := []attribute.KeyValue{attrUpstream.String(u.Prefix), attrScheme.String(target.Scheme)}
	if u.URL.Scheme == "unix" {
		return upstreamSpans{tracer, append(list, attrServer.String(u.URL.Path))}
	}
	list = append(list, attrServer.String(target.Hostname()))
	if port, err := strconv.Atoi(target.Port()); err == nil {
		list = append(list, attrPort.Int(port))
	}
	return upstreamSpans{tracer, list}
}

// start begins the span of r, whose trace headers become those of the span. Without a
// tracer, it is nil.
func (s upstreamSpans) start(r *http.Request) trace.Span {
	if s.tracer == nil {
		return nil
	}
	ctx, span := s.tracer.Start(r.Context(), spanName(r.Method, "upstream"), trace.WithSpanKind(trace.SpanKindClient))
	propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
	if span.IsRecording() {
		span.SetAttributes(s.attributes...)
		span.SetAttributes(attrMethod.String(usualMethod(r.Method)))
	}
	return span
}

// endUpstream ends the span of a request to an upstream, which may be nil.
func endUpstream(span trace.Span, res *http.Response, err error) {
	if span == nil {
		return
	}
	failure := ""
	if err != nil {
		failure = upstreamFailureKind(err)
	} else {
		span.SetAttributes(attrStatus.Int(res.StatusCode))
		if version := protocolVersion(res.ProtoMajor, res.ProtoMinor); version != "" {
			span.SetAttributes(attrProtocolVersion.String(version))
		}
		if res.StatusCode >= http.StatusBadRequest {
			failure = strconv.Itoa(res.StatusCode)
		}
	}
	if failure != "" {
		span.SetAttributes(attrErrorType.String(failure))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// upstreamFailureKind returns the kind of an error of a request to an upstream. Its text
// may quote what the upstream sent.
func upstreamFailureKind(err error) string {
	if errors.Is(err, context.Canceled) {
		return "canceled"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "timeout"
	}
	return "unavailable"
}

// spanContext returns the ids of a span; the zero value if it is nil.
func spanContext(span trace.Span) trace.SpanContext {
	if span == nil {
		return trace.SpanContext{}
	}
	return span.SpanContext()
}
