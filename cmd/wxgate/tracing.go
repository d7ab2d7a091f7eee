package main

import (
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/cmd/wxgate/internal/tracing"
)

// tracingPatience limits the wait for the last spans at the end of the process. It is
// less than backgroundPatience.
const tracingPatience = 3 * time.Second

// newTracing returns what sends the spans of this process; nil if tracing is off.
func newTracing(c *config.Config, logger zerolog.Logger) (*tracing.Tracing, error) {
	if c.Tracing == nil {
		return nil, nil
	}
	return tracing.New(c.Tracing, buildVersion(), min(tracingPatience, c.ShutdownTimeout), logger)
}

// tracerOf returns the tracer for the gateway; nil if tracing is off.
func tracerOf(t *tracing.Tracing) trace.Tracer {
	if t == nil {
		return nil
	}
	return t.Tracer()
}
