package extauthz_test

import (
	"net/http"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
)

// The span of Envoy's that a call names is that of the request's context. What the
// visitor's request names stays in its header.
func TestTraceParent(t *testing.T) {
	t.Parallel()
	const (
		envoys   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		visitors = "00-11111111111111111111111111111111-2222222222222222-01"
	)
	var got trace.SpanContext
	var header string
	_, conn := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, header = trace.SpanContextFromContext(r.Context()), r.Header.Get("Traceparent")
	}), zerolog.Nop())
	request := checkRequest(func(r *authv3.AttributeContext_HttpRequest) { r.Headers["traceparent"] = visitors })
	for _, tt := range []struct {
		name      string
		metadata  []string
		id, state string
	}{
		{"none", nil, "00000000000000000000000000000000", ""},
		{"Envoy's", []string{"traceparent", envoys, "tracestate", "vendor=1"}, "0af7651916cd43dd8448eb211c80319c", "vendor=1"},
		{"without a state", []string{"traceparent", envoys}, "0af7651916cd43dd8448eb211c80319c", ""},
		{"two", []string{"traceparent", envoys, "traceparent", visitors}, "00000000000000000000000000000000", ""},
		{
			"a long state", []string{"traceparent", envoys, "tracestate", "a=" + strings.Repeat("x", 255) + ",b=" + strings.Repeat("y", 254)},
			"0af7651916cd43dd8448eb211c80319c", "",
		},
		{"malformed", []string{"traceparent", "00-zz"}, "00000000000000000000000000000000", ""},
		{"state alone", []string{"tracestate", "vendor=1"}, "00000000000000000000000000000000", ""},
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), tt.metadata...)
		if _, err := authv3.NewAuthorizationClient(conn).Check(ctx, request); err != nil {
			t.Fatal(err)
		}
		if id, state := got.TraceID().String(), got.TraceState().String(); id != tt.id || state != tt.state || header != visitors {
			t.Errorf("%s: trace %s, state %q, header %q, want %s, %q and the visitor's header", tt.name, id, state, header, tt.id, tt.state)
		}
	}
}
