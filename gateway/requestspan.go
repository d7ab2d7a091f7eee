package gateway

import (
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// requestSpan is the span of one request. Its methods do nothing for a nil one.
type requestSpan struct {
	trace.Span
	by      *responder
	request *http.Request
	route   string // path of an own endpoint, or what was decided; empty: neither
	word    string // error word of the answer; empty: it is no refusal
	ended   bool
}

// startRequest begins the span of r, in the context of the request that it returns.
// Without a tracer, it returns r.
func (p *responder) startRequest(w *recorder, r *http.Request, q *facts) *http.Request {
	if p.tracer == nil {
		return r
	}
	ctx, span := p.tracer.Start(parentOf(r, q), spanName(r.Method, ""),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(q.start))
	w.span = &requestSpan{Span: span, by: p, request: r}
	return r.WithContext(ctx)
}

// setRoute says what the request is for, unless that is known.
func (s *requestSpan) setRoute(route string) {
	if s != nil && s.route == "" {
		s.route = route
	}
}

// setWord says with which error word the request is refused.
func (s *requestSpan) setWord(word string) {
	if s != nil {
		s.word = word
	}
}

// context returns the ids of the span; the zero value if it is nil.
func (s *requestSpan) context() trace.SpanContext {
	if s == nil {
		return trace.SpanContext{}
	}
	return s.SpanContext()
}

// end ends the span of the request that w answers. The upgrade of a connection ends it
// already: the trace would otherwise be incomplete for hours.
func (s *requestSpan) end(w *recorder) {
	if s == nil || s.ended {
		return
	}
	s.ended = true
	if s.IsRecording() {
		s.SetName(spanName(s.request.Method, s.route))
		s.SetAttributes(s.attributes(w)...)
		if w.Status >= http.StatusInternalServerError {
			s.SetStatus(codes.Error, s.word)
		}
	}
	s.End()
}

// attributes returns the attributes of the span.
func (s *requestSpan) attributes(w *recorder) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, 10)
	list = append(list, attrMethod.String(usualMethod(s.request.Method)), attrStatus.Int(w.Status))
	if w.Outcome != "" {
		list = append(list, attrOutcome.String(w.Outcome))
	}
	if version := protocolVersion(s.request.ProtoMajor, s.request.ProtoMinor); version != "" {
		list = append(list, attrProtocolVersion.String(version))
	}
	if s.by.addresses != nil {
		public := s.by.addresses.public
		list = append(list, attrScheme.String(public.Scheme), attrServer.String(public.Hostname()),
			attrSite.String(public.Host))
	}
	if strings.HasPrefix(s.route, "/") {
		list = append(list, attrRoute.String(s.route))
	}
	switch {
	case s.word != "":
		list = append(list, attrErrorType.String(s.word))
	case w.Status >= http.StatusInternalServerError:
		list = append(list, attrErrorType.String(strconv.Itoa(w.Status)))
	}
	return list
}

// otherMethod stands for all unusual methods: a client can invent any number of them.
const otherMethod = "_OTHER"

// usualMethod returns method, or otherMethod.
func usualMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return otherMethod
}

// spanName returns the name of the span of a request with the given method.
func spanName(method, target string) string {
	if method = usualMethod(method); method == otherMethod {
		method = "HTTP"
	}
	if target == "" {
		return method
	}
	return method + " " + target
}

// protocolVersion returns a version of HTTP in the words of OpenTelemetry; "" if there
// is no such version.
func protocolVersion(major, minor int) string {
	switch {
	case major == 1 && minor == 1:
		return "1.1"
	case major == 1 && minor == 0:
		return "1.0"
	case major == 2, major == 3:
		return strconv.Itoa(major)
	}
	return ""
}
