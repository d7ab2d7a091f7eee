// Package extauthz implements Envoy's external authorization over gRPC, the service
// envoy.service.auth.v3.Authorization, which Envoy calls for each request before it
// routes it. An [http.Handler] decides. This package converts a CheckRequest to the
// visitor's request, and the handler's response to a CheckResponse.
//
// A CheckRequest that is malformed is denied. It does not get a gRPC error, for which
// an Envoy with failure_mode_allow lets the request pass. Other errors remain: a
// timeout, a message over 4 MiB or one that does not arrive within ten seconds, a
// process that does not run. Leave failure_mode_allow off.
//
// The service has no authentication and no TLS. Its clients can claim any visitor and
// any address, so it must listen on a private network.
package extauthz

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/wxgate/wxgate/gateway/panics"
)

// serviceName is the name of Envoy's gRPC service.
const serviceName = "envoy.service.auth.v3.Authorization"

// Server is a gRPC server with Envoy's service and the standard health service. It
// starts and stops as an [http.Server] does. Its methods are safe for concurrent use;
// make one with [New].
type Server struct {
	decide   http.Handler
	logger   zerolog.Logger
	grpc     *grpc.Server
	draining atomic.Bool
}

// New returns a server that calls decide for each CheckRequest.
//
// The request that decide gets is the visitor's: method, target, host and headers as
// Envoy received them, RemoteAddr the address of Envoy's client, no body.
//
// Status 200 lets the request pass. Of the response header, these fields have an
// effect, and the body has none:
//
//   - X-WX-… are set on the request to the upstream. All other X-WX-… headers of
//     the request are removed, and so are names such as Content_Length, which only some
//     upstreams read.
//   - Cookie replaces the request's. An empty one removes it.
//   - Set-Cookie is added to the upstream's response. An Envoy before 1.31 ignores
//     append_action: the last Set-Cookie replaces the upstream's.
//
// Any other status, with its header and at most 1 MiB of body, is the response to the
// visitor. If decide writes no response the request is denied with 503, if it panics
// or the body is longer, with 500.
//
// logger receives panics, and at debug level the reasons for which a CheckRequest is
// malformed; the zero value discards them.
func New(decide http.Handler, logger zerolog.Logger) *Server {
	s := &Server{decide: panics.Handler(decide, logger), logger: logger}
	s.grpc = grpc.NewServer(
		grpc.ForceServerCodecV2(newCodec()),
		grpc.ConnectionTimeout(10*time.Second),
		grpc.MaxHeaderListSize(64<<10),
		grpc.MaxConcurrentStreams(100), // an Envoy with more checks opens another connection
		grpc.InTapHandle(limitReceive),
		// An Envoy with connection_keepalive may ping often, even without requests.
		// gRPC's default of five minutes would close its connection.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: 5 * time.Second, PermitWithoutStream: true,
		}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	)
	// Not by the generated function, whose handler accepts no malformed CheckRequest.
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: serviceName,
		Methods:     []grpc.MethodDesc{{MethodName: "Check", Handler: s.check}},
		Metadata:    "envoy/service/auth/v3/external_auth.proto",
	}, nil)
	healthv1.RegisterHealthServer(s.grpc, &health{draining: &s.draining})
	return s
}

// Serve accepts connections on l until [Server.Shutdown] or [Server.Close], and then
// returns [http.ErrServerClosed]. It closes l.
func (s *Server) Serve(l net.Listener) error {
	if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return http.ErrServerClosed
}

// Drain makes the health service report NOT_SERVING from now on, so that Envoy uses
// another replica. Checks continue as before.
func (s *Server) Drain() { s.draining.Store(true) }

// Shutdown stops accepting connections and checks, and waits for the checks in
// flight. If ctx ends first, it cancels them and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		s.grpc.Stop() // also ends GracefulStop
		return ctx.Err()
	}
}

// Close stops the server at once and cancels the checks in flight. The error is
// always nil.
func (s *Server) Close() error {
	s.grpc.Stop()
	return nil
}

// check is the handler of the service's only method, Check.
func (s *Server) check(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(checkRequest)
	if err := decode(in); err != nil {
		return nil, err // of the connection: codec does not fail
	}
	received(ctx)
	return s.respond(ctx, in), nil
}

// respond returns the response to one CheckRequest.
func (s *Server) respond(ctx context.Context, check *checkRequest) (response *authv3.CheckResponse) {
	defer func() { // gRPC would end the process
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler { // not of decide, whose panics are logged
				panics.Log(s.logger, v)
			}
			response = denied(http.StatusInternalServerError, nil, "")
		}
	}()
	r, err := newRequest(ctx, check)
	if err != nil {
		s.logger.Debug().Err(err).Msg("malformed check request")
		if errors.Is(err, errMethod) {
			return denied(http.StatusBadRequest, nil, "")
		}
		return denied(http.StatusForbidden, nil, "")
	}
	w := &writer{header: make(http.Header)}
	s.decide.ServeHTTP(w, r)
	switch {
	case w.status == http.StatusOK:
		return allowed(check.message.GetAttributes().GetRequest().GetHttp(), w.header)
	case w.status == 0:
		return denied(http.StatusServiceUnavailable, nil, "")
	case w.tooLarge:
		return denied(http.StatusInternalServerError, nil, "")
	default:
		return denied(w.status, w.header, w.body.String())
	}
}
