package extauthz_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wxgate/wxgate/gateway/extauthz"
)

// start starts a server on loopback. It returns the server and a client's connection.
func start(tb testing.TB, decide http.Handler, logger zerolog.Logger) (*extauthz.Server, *grpc.ClientConn) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := extauthz.New(decide, logger)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		conn.Close()
		server.Close()
		if err := <-served; err != http.ErrServerClosed {
			tb.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
		}
	})
	return server, conn
}

// check sends one CheckRequest to a server that uses decide.
func check(t *testing.T, decide http.HandlerFunc, request *authv3.CheckRequest) *authv3.CheckResponse {
	t.Helper()
	_, conn := start(t, decide, zerolog.Nop())
	response, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), request)
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	return response
}

// checkRequest returns the CheckRequest of a GET of /shop?item=1 by a visitor of
// h5.example.com, changed by change.
func checkRequest(change func(*authv3.AttributeContext_HttpRequest)) *authv3.CheckRequest {
	request := &authv3.AttributeContext_HttpRequest{
		Id: "1", Method: "GET", Path: "/shop?item=1", Host: "h5.example.com", Scheme: "https", Protocol: "HTTP/2",
		Headers: map[string]string{
			":authority": "h5.example.com", ":method": "GET", ":path": "/shop?item=1", ":scheme": "https",
			"accept": "text/html", "cookie": "theme=dark; wxgate=abc", "x-request-id": "7f6d",
		},
	}
	if change != nil {
		change(request)
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source:  peer("203.0.113.7", 41234),
		Request: &authv3.AttributeContext_Request{Http: request},
	}}
}

func peer(address string, port uint32) *authv3.AttributeContext_Peer {
	socket := &corev3.SocketAddress{
		Address: address, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
	}
	return &authv3.AttributeContext_Peer{
		Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: socket}},
	}
}

// header is one header field of a response. With add, it does not replace others.
type header struct {
	name, value string
	add         bool
}

func headersOf(options []*corev3.HeaderValueOption) []header {
	var all []header
	for _, o := range options {
		add := o.AppendAction == corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD
		all = append(all, header{o.Header.Key, o.Header.Value, add})
	}
	return all
}

// atUpstream returns the headers of a request after Envoy has applied an OK response:
// it sets headers, then removes some.
func atUpstream(sent map[string]string, ok *authv3.OkHttpResponse) map[string]string {
	got := make(map[string]string)
	for name, value := range sent {
		if name[0] != ':' {
			got[name] = value
		}
	}
	for _, h := range ok.Headers {
		got[h.Header.Key] = h.Header.Value
	}
	for _, name := range ok.HeadersToRemove {
		delete(got, name)
	}
	return got
}

func pass(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func sorted(values ...string) []string {
	slices.Sort(values)
	return values
}

// bytesCodec sends bytes as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}
func (bytesCodec) Name() string { return "proto" }

// checkBytes sends a CheckRequest in the form of bytes, and returns the response so.
func checkBytes(ctx context.Context, conn *grpc.ClientConn, request []byte) ([]byte, error) {
	const method = "/envoy.service.auth.v3.Authorization/Check"
	var response []byte
	err := conn.Invoke(ctx, method, request, &response, grpc.ForceCodec(bytesCodec{}))
	return response, err
}
