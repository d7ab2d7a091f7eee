package access

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// Observe observes a duration in seconds, with the trace of span as its exemplar if that
// is sampled: of another trace, nothing is stored.
func Observe(o prometheus.Observer, elapsed time.Duration, span trace.SpanContext) {
	if with, ok := o.(prometheus.ExemplarObserver); ok && span.IsSampled() {
		with.ObserveWithExemplar(elapsed.Seconds(), prometheus.Labels{"trace_id": span.TraceID().String()})
		return
	}
	o.Observe(elapsed.Seconds())
}
