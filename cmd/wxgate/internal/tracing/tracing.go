// Package tracing sends the spans of a wxgate process to a collector of OpenTelemetry.
// Nothing of it is global, and nothing reads the environment: package config has.
package tracing

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// Tracing makes spans, and sends them in the background. A collector that is away or slow
// delays no request: spans wait in a queue of limited length, and are dropped when it
// is full.
type Tracing struct {
	provider *sdktrace.TracerProvider
	patience time.Duration
	failures failures
}

// New returns the tracing that c describes. The spans are those of the given version of
// wxgate. logger receives the errors of the collector. When [Tracing.Run] ends, it waits
// for the collector for no longer than patience.
func New(c *config.Tracing, version string, patience time.Duration, logger zerolog.Logger) (*Tracing, error) {
	t := &Tracing{patience: patience, failures: newFailures(c, logger)}
	exporter, err := newExporter(c)
	if err != nil {
		return nil, err
	}
	described, err := resource.New(context.Background(), resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.version", version)),
		resource.WithAttributes(attributes(c.Resource)...))
	if err != nil {
		return nil, err
	}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithResource(described),
		sdktrace.WithSampler(sampler(c)),
		sdktrace.WithBatcher(logged{exporter, &t.failures},
			sdktrace.WithBatchTimeout(c.BatchDelay),
			sdktrace.WithExportTimeout(c.BatchTimeout),
			sdktrace.WithMaxQueueSize(c.QueueSize),
			sdktrace.WithMaxExportBatchSize(c.BatchSize),
		),
	)
	return t, nil
}

// Tracer returns what makes the gateway's spans.
func (t *Tracing) Tracer() trace.Tracer { return t.provider.Tracer("github.com/wxgate/wxgate") }

// Run returns when ctx has ended and the spans that wait have been sent.
func (t *Tracing) Run(ctx context.Context) {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.patience)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.failures.log(err)
	}
}

// attributes returns the attributes in a map, in any order: a resource sorts them.
func attributes(values map[string]string) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, len(values))
	for name, value := range values {
		list = append(list, attribute.String(name, value))
	}
	return list
}

// sampler returns the sampler that c names.
func sampler(c *config.Tracing) sdktrace.Sampler {
	switch c.Sampler {
	case "always_on":
		return sdktrace.AlwaysSample()
	case "always_off":
		return sdktrace.NeverSample()
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(c.Ratio)
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample())
	case "parentbased_traceidratio":
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Ratio))
	default:
		return sdktrace.ParentBased(sdktrace.AlwaysSample())
	}
}
