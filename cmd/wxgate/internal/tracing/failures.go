package tracing

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// failures logs that spans could not be sent: one line a minute at level warn, further
// ones at level debug.
type failures struct {
	warn, debug zerolog.Logger
	secrets     []string
}

func newFailures(c *config.Tracing, logger zerolog.Logger) failures {
	f := failures{logger.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute}), logger, nil}
	const shortest = 6 // of a secret
	for _, value := range c.Headers {
		for _, word := range append(strings.Fields(value.Reveal()), value.Reveal()) { // "Bearer", and the token
			if len(word) >= shortest {
				f.secrets = append(f.secrets, word)
			}
		}
	}
	slices.SortFunc(f.secrets, func(a, b string) int { return len(b) - len(a) })
	return f
}

func (f *failures) log(err error) {
	event := f.warn.Warn()
	if event == nil {
		event = f.debug.Debug()
	}
	event.Str("detail", f.text(err)).
		Str("hint", "look at the collector that OTEL_EXPORTER_OTLP_ENDPOINT names; "+
			"spans are lost meanwhile, requests are not affected").
		Msg("spans not sent")
}

// text returns the text of err without what the collector says, which may repeat the
// token in the headers.
func (f *failures) text(err error) string {
	const most = 512
	text := cause(err)
	for _, secret := range f.secrets {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// cause returns the text of err without the answer of the collector.
func cause(err error) string {
	s, fromGRPC := status.FromError(err)
	switch {
	case fromGRPC && (s.Code() == codes.Unavailable || s.Code() == codes.DeadlineExceeded):
		return s.Code().String() + ": " + s.Message() // there was none
	case fromGRPC:
		return s.Code().String()
	}
	if sending, ok := errors.AsType[*url.Error](err); ok {
		err = sending.Err // without the address, in quotation marks
	}
	text := err.Error()
	for _, mark := range []string{"(body:", "body:", "partial success:", `"`, "\n"} {
		text, _, _ = strings.Cut(text, mark)
	}
	return strings.TrimRight(text, ": ")
}

// logged is an exporter whose errors are logged. The batches would pass them on to
// OpenTelemetry's global handler.
type logged struct {
	sdktrace.SpanExporter
	failures *failures
}

// ExportSpans implements [sdktrace.SpanExporter].
func (l logged) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.failures.log(err)
	}
	return nil
}
