package main_test

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// A receiver is a collector of OpenTelemetry that keeps what it gets.
type receiver struct {
	collectorv1.UnimplementedTraceServiceServer
	url string // with a scheme

	mu     sync.Mutex
	spans  []*tracev1.Span
	text   strings.Builder // all that it got, as JSON
	tokens []string        // the header Authorization of each request
}

// newReceiver starts a receiver of OTLP over HTTP at the path /v1/traces.
func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := new(receiver)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, q *http.Request) {
		body := io.Reader(q.Body)
		if q.Header.Get("Content-Encoding") == "gzip" {
			var err error
			if body, err = gzip.NewReader(q.Body); err != nil {
				t.Error(err)
				return
			}
		}
		content, err := io.ReadAll(body)
		if err != nil {
			return // the sender was killed
		}
		request := new(collectorv1.ExportTraceServiceRequest)
		if err := proto.Unmarshal(content, request); err != nil {
			t.Errorf("received %d bytes of %s: %v", len(content), q.Header.Get("Content-Type"), err)
		}
		r.keep(request, q.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/x-protobuf")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// newGRPCReceiver starts a receiver of OTLP over gRPC.
func newGRPCReceiver(t *testing.T) *receiver {
	t.Helper()
	if encoding.GetCompressor(grpcgzip.Name) == nil {
		t.Fatal("gRPC lacks gzip")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + listener.Addr().String()}
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, r)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return r
}

// Export implements the gRPC service.
func (r *receiver) Export(
	ctx context.Context, request *collectorv1.ExportTraceServiceRequest,
) (*collectorv1.ExportTraceServiceResponse, error) {
	r.keep(request, strings.Join(metadata.ValueFromIncomingContext(ctx, "authorization"), ""))
	return new(collectorv1.ExportTraceServiceResponse), nil
}

func (r *receiver) keep(request *collectorv1.ExportTraceServiceRequest, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = append(r.tokens, token)
	r.text.WriteString(protojson.Format(request))
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
}

// got returns what the receiver has.
func (r *receiver) got() (spans []*tracev1.Span, text string, tokens []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans, r.text.String(), r.tokens
}

// newReceiverOf starts a server in place of a collector, and returns its URL.
func newReceiverOf(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.CloseClientConnections)
	return server.URL
}

// newRawReceiver starts a server that says the same to everybody, and returns its URL.
func newRawReceiver(t *testing.T, says string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, says)
			conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}
