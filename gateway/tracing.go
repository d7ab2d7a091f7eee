package gateway

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/gateway/internal/traceparent"
)

// The attributes of the gateway's spans; there are no others. Their values come from
// the configuration, or are one of a few that the code knows: none holds what a client
// sent. The first group has the names and meanings of OpenTelemetry's conventions for
// HTTP.
const (
	attrMethod          = attribute.Key("http.request.method")       // _OTHER for an unusual one
	attrStatus          = attribute.Key("http.response.status_code") // as in the access line
	attrRoute           = attribute.Key("http.route")                // of the gateway's own endpoints
	attrScheme          = attribute.Key("url.scheme")                // of the public URL, or of the upstream
	attrServer          = attribute.Key("server.address")            // host of the public URL, or of the upstream
	attrPort            = attribute.Key("server.port")               // of the upstream
	attrProtocolVersion = attribute.Key("network.protocol.version")  // of HTTP
	attrErrorType       = attribute.Key("error.type")                // error word, status, or kind of failure

	attrOutcome  = attribute.Key("wxgate.outcome")  // as in the access line
	attrSite     = attribute.Key("wxgate.site")     // the public URL's host
	attrUpstream = attribute.Key("wxgate.upstream") // its path prefix, as in the metric
	attrDecision = attribute.Key("wxgate.decision") // what to do with a request
	attrReason   = attribute.Key("wxgate.reason")   // why to refuse it
)

// propagator writes the headers traceparent and tracestate.
var propagator propagation.TraceContext

// parentOf returns the context in which the span of r begins. It has a parent if the
// caller of the gateway has a span, or if a trusted proxy names one. A client's is not
// believed: it could join the traces of others, or have all its requests sampled. A
// proxy that does not trace has to remove it, as it replaces the client's address.
func parentOf(r *http.Request, q *facts) context.Context {
	ctx := r.Context()
	if !q.trusted || trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return traceparent.Extract(ctx, r.Header["Traceparent"], r.Header["Tracestate"])
}

// setTraceHeaders replaces the trace headers of h, those of the request in on its way
// to the site, by those of the gateway's own span. Baggage is passed on only from
// trusted proxies. Without a tracer, all pass as they are.
func (c *common) setTraceHeaders(h http.Header, in *http.Request, q *facts) {
	if c.tracer == nil {
		return
	}
	delete(h, "Traceparent")
	delete(h, "Tracestate")
	if !q.trusted {
		delete(h, "Baggage")
	}
	propagator.Inject(in.Context(), propagation.HeaderCarrier(h))
}

// startSpan begins the span of a part of a request. Without a tracer, it is nil.
func (c *common) startSpan(ctx context.Context, name string) (context.Context, trace.Span) {
	if c.tracer == nil {
		return ctx, nil
	}
	return c.tracer.Start(ctx, name)
}

// endDecision ends the span of a decision, which may be nil.
func endDecision(span trace.Span, decided verdict) {
	if span == nil {
		return
	}
	span.SetAttributes(attrDecision.String(actionWords[decided.action]))
	if decided.action == refuse {
		span.SetAttributes(attrReason.String(reasonWords[decided.reason]))
	}
	span.End()
}

var actionWords = [...]string{
	refuse:       "refuse",
	passVisitor:  "pass_visitor",
	passNobody:   "pass_nobody",
	signIn:       "sign_in",
	openInWeChat: "open_in_wechat",
	useHTTPS:     "use_https",
}

var reasonWords = [...]string{
	nobody:        "no_session",
	storeAway:     "store_away",
	barred:        "barred",
	notFollowing:  "not_following",
	followUnknown: "follow_unknown",
	deniedOutside: "outside_wechat",
	admitted:      "",
}

// endExchange ends the span of the exchange of a code, which may be nil.
func endExchange(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		word := "visitor_left"
		if !errors.Is(err, errVisitorLeft) {
			word = loginRefusal(err).Word
		}
		span.SetAttributes(attrErrorType.String(word))
		span.SetStatus(codes.Error, word)
	}
	span.End()
}
