package gateway_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// spanAttributes are the names of all attributes that spans may have.
var spanAttributes = []string{
	"http.request.method", "http.response.status_code", "http.route", "url.scheme", "server.address", "server.port",
	"network.protocol.version", "error.type", "wxgate.outcome", "wxgate.site", "wxgate.upstream", "wxgate.decision",
	"wxgate.reason", "wxgate.wechat.errcode", "db.system.name", "db.operation.name",
}

// A spanLog receives the spans that have ended.
type spanLog chan sdktrace.ReadOnlySpan

// newSpans returns a log of spans and the tracer that makes them.
func newSpans(t testing.TB, options ...sdktrace.TracerProviderOption) (spanLog, trace.Tracer) {
	t.Helper()
	spans := make(spanLog, 10_000)
	provider := sdktrace.NewTracerProvider(append(options, sdktrace.WithSpanProcessor(spans))...)
	return spans, provider.Tracer("gateway_test")
}

// traced sets the tracer of a gateway.
func traced(tracer trace.Tracer) func(*testConfig) { return func(c *testConfig) { c.Tracer = tracer } }

// OnEnd implements [sdktrace.SpanProcessor].
func (s spanLog) OnEnd(span sdktrace.ReadOnlySpan)                { s <- span }
func (s spanLog) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (s spanLog) Shutdown(context.Context) error                  { return nil }
func (s spanLog) ForceFlush(context.Context) error                { return nil }

// request waits for the span of the next request, and returns it with the spans that
// ended before it.
func (s spanLog) request(t testing.TB) (of sdktrace.ReadOnlySpan, parts []sdktrace.ReadOnlySpan) {
	t.Helper()
	for {
		select {
		case span := <-s:
			checkAttributes(t, span)
			if span.SpanKind() == trace.SpanKindServer {
				return span, parts
			}
			parts = append(parts, span)
		case <-time.After(10 * time.Second):
			t.Fatalf("no span of a request within ten seconds; of its parts: %v", names(parts))
		}
	}
}

// checkAttributes checks that a span has nothing but the attributes of the list.
func checkAttributes(t testing.TB, span sdktrace.ReadOnlySpan) {
	t.Helper()
	for _, a := range span.Attributes() {
		if !slices.Contains(spanAttributes, string(a.Key)) {
			t.Errorf("span %q has the attribute %s = %s, which is not in the list", span.Name(), a.Key, a.Value.String())
		}
	}
	if len(span.Events()) > 0 || len(span.Links()) > 0 {
		t.Errorf("span %q has events %v and links %v, want none", span.Name(), span.Events(), span.Links())
	}
}

// names returns the names of spans.
func names(spans []sdktrace.ReadOnlySpan) (list []string) {
	for _, span := range spans {
		list = append(list, span.Name())
	}
	return list
}

// named returns the span with a name.
func named(t testing.TB, spans []sdktrace.ReadOnlySpan, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	i := slices.IndexFunc(spans, func(span sdktrace.ReadOnlySpan) bool { return span.Name() == name })
	if i < 0 {
		t.Fatalf("no span %q among %q", name, names(spans))
	}
	return spans[i]
}

// attributesOf returns the attributes of a span as text: name=value, sorted.
func attributesOf(span sdktrace.ReadOnlySpan) string {
	var list []string
	for _, a := range span.Attributes() {
		list = append(list, string(a.Key)+"="+a.Value.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// attributeOf returns one attribute of a span as text; "" if it has none.
func attributeOf(span sdktrace.ReadOnlySpan, name string) string {
	for _, a := range span.Attributes() {
		if a.Key == attribute.Key(name) {
			return a.Value.String()
		}
	}
	return ""
}

// exemplarOf returns the trace_id of an exemplar of a histogram whose only label has the
// given value; "" if it has none.
func exemplarOf(t testing.TB, registry *prometheus.Registry, name, label string) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() != name || m.GetLabel()[0].GetValue() != label {
				continue
			}
			for _, bucket := range m.GetHistogram().GetBucket() {
				for _, pair := range bucket.GetExemplar().GetLabel() {
					if pair.GetName() == "trace_id" {
						return pair.GetValue()
					}
				}
			}
		}
	}
	return ""
}
