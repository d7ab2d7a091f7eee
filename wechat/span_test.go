package wechat_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/wechat"
)

// A call is a span of the trace in its context. It has nothing of the address or of the
// response, and WeChat does not learn of it.
func TestCallSpans(t *testing.T) {
	t.Parallel()
	header := make(http.Header)
	answer := grantBody
	c := &wechat.Client{AppID: "wxplanted", AppSecret: "planted", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		header = r.Header
		if answer == "" {
			return nil, errors.New("planted " + r.URL.String())
		}
		return answering(200, answer).RoundTrip(r)
	})}
	var observed trace.SpanContext
	c.Observe = func(ctx context.Context, _ string, _ error, _ time.Duration) {
		observed = trace.SpanContextFromContext(ctx)
	}
	exchange := func(ctx context.Context) { c.Exchange(ctx, "planted") }
	token := func(ctx context.Context) { c.StableToken(ctx, false) }
	for _, tt := range []struct {
		name, answer string
		call         func(context.Context)
		want         string
	}{
		{"grant", grantBody, exchange, "sns/oauth2/access_token http.request.method=GET"},
		{"POST", `{"access_token":"planted","expires_in":7200}`, token, "cgi-bin/stable_token http.request.method=POST"},
		{"refused", `{"errcode":40163,"errmsg":"planted"}`, exchange,
			"sns/oauth2/access_token http.request.method=GET error.type=visitor wxgate.wechat.errcode=40163 visitor"},
		{"not usable", `planted`, exchange, "sns/oauth2/access_token http.request.method=GET error.type=away away"},
		{"away", "", exchange, "sns/oauth2/access_token http.request.method=GET error.type=away away"},
	} {
		spans := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		ctx, parent := provider.Tracer("").Start(t.Context(), "request")
		answer = tt.answer
		tt.call(ctx)
		var got []string
		for _, span := range spans.Ended() {
			var text strings.Builder
			text.WriteString(span.Name())
			for _, a := range span.Attributes() {
				text.WriteString(" " + string(a.Key) + "=" + a.Value.String())
			}
			got = append(got, strings.TrimSpace(text.String()+" "+span.Status().Description))
			if span.Parent().SpanID() != parent.SpanContext().SpanID() || !observed.Equal(span.SpanContext()) {
				t.Errorf("%s: parent %v, observed %v", tt.name, span.Parent().SpanID(), observed.SpanID())
			}
		}
		if !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: spans %q, want %q", tt.name, got, tt.want)
		}
		if header.Get("Traceparent") != "" {
			t.Errorf("%s: WeChat gets the traceparent %q", tt.name, header.Get("Traceparent"))
		}
	}

	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithSampler(sdktrace.NeverSample()))
	ctx, _ := provider.Tracer("").Start(t.Context(), "request")
	answer = grantBody
	exchange(ctx)
	exchange(t.Context())
	if got := len(spans.Ended()); got > 0 {
		t.Errorf("%d spans without a span that is recorded", got)
	}
}
