// Package extauthz answers Envoy's external authorization over gRPC, the
// service envoy.service.auth.v3.Authorization: Envoy asks about each request
// before it routes it. What to answer is decided by an [http.Handler]; this
// package turns Envoy's question into the visitor's own request and the
// handler's answer into Envoy's.
//
// Every question gets an answer: one that cannot be understood is denied, for a
// gRPC error is what an Envoy with failure_mode_allow reads as leave to pass.
// Errors that come from outside (a timeout, a message over 4 MiB, a process
// that is gone) still are such errors: leave failure_mode_allow off.
//
// Whoever reaches the service can ask in any visitor's name from any address,
// and there is no TLS: it belongs on a listener of a private network.
package extauthz

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// serviceName is the gRPC service that Envoy asks.
const serviceName = "envoy.service.auth.v3.Authorization"

// Server is the gRPC server, with the standard health service beside Envoy's.
// It begins and ends as an [http.Server] does. Its methods are safe for
// concurrent use; make one with [New].
type Server struct {
	decide   http.Handler
	logger   zerolog.Logger
	grpc     *grpc.Server
	draining atomic.Bool
}

// New returns a server that asks decide about every request that Envoy
// received.
//
// Decide sees the visitor's own request: method, target, host and headers as
// Envoy has them, RemoteAddr that of Envoy's client, no body. It lets a request
// pass by the status 200; the X-WX-… headers that it then sets are set on the
// request to the upstream, all others of that kind are taken out. A Cookie
// header in its answer replaces the visitor's, an empty one takes it out. Its
// Set-Cookie headers are added to the upstream's answer; an Envoy before 1.31,
// which ignores append_action, puts the last of them in the place of the
// upstream's own. Any other status is, with its headers and up to 1 MiB of body,
// what the visitor gets. A handler that answers nothing or panics denies with
// 503 or 500.
//
// Logger is told of panics, and at debug level of questions that were not
// understood; the zero value discards them.
func New(decide http.Handler, logger zerolog.Logger) *Server {
	s := &Server{decide: decide, logger: logger}
	s.grpc = grpc.NewServer(
		grpc.ForceServerCodecV2(newCodec()),
		grpc.ConnectionTimeout(10*time.Second),
		grpc.MaxHeaderListSize(64<<10),
		// An Envoy with connection_keepalive pings as often as it likes, busy or
		// not; gRPC's own limit of five minutes would end its connection.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime:             5 * time.Second,
			PermitWithoutStream: true,
		}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	)
	// By hand, since the generated registration knows no question but one that
	// was understood.
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: serviceName,
		Methods:     []grpc.MethodDesc{{MethodName: "Check", Handler: s.check}},
		Metadata:    "envoy/service/auth/v3/external_auth.proto",
	}, nil)
	healthv1.RegisterHealthServer(s.grpc, &health{draining: &s.draining})
	return s
}

// Serve answers on l until [Server.Shutdown] or [Server.Close] ends it, and then
// returns [http.ErrServerClosed]. It closes l.
func (s *Server) Serve(l net.Listener) error {
	if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return http.ErrServerClosed
}

// Drain makes the health service answer NOT_SERVING from now on, so that Envoy
// asks another replica. Checks are answered as before.
func (s *Server) Drain() { s.draining.Store(true) }

// Shutdown accepts nothing new and waits for the checks in flight. When ctx
// ends first, they are cut off and the error is that of ctx.
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
		s.grpc.Stop() // which ends GracefulStop too
		return ctx.Err()
	}
}

// Close ends at once and cuts off the checks in flight. Its error is always
// nil.
func (s *Server) Close() error {
	s.grpc.Stop()
	return nil
}

// check is the service's one method, in the form in which gRPC calls it.
func (s *Server) check(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	q := new(question)
	if err := decode(q); err != nil {
		return nil, err // the connection's, not the question's
	}
	return s.answer(ctx, q), nil
}

// answer asks decide about one request.
func (s *Server) answer(ctx context.Context, q *question) (response *authv3.CheckResponse) {
	r, err := newRequest(ctx, q)
	if err != nil {
		s.logger.Debug().Err(err).Msg("check not understood")
		return denied(http.StatusForbidden, nil, "")
	}
	defer func() {
		if p := recover(); p != nil {
			// Its type alone: its text may hold what no log line may.
			s.logger.Error().Str("panic", fmt.Sprintf("%T", p)).Bytes("stack", debug.Stack()).Msg("check panicked")
			response = denied(http.StatusInternalServerError, nil, "")
		}
	}()
	w := &writer{header: make(http.Header)}
	s.decide.ServeHTTP(w, r)
	switch {
	case w.status == http.StatusOK:
		return passed(q.message.GetAttributes().GetRequest().GetHttp(), w.header)
	case w.status == 0:
		return denied(http.StatusServiceUnavailable, nil, "")
	case w.tooLarge:
		return denied(http.StatusInternalServerError, nil, "")
	default:
		return denied(w.status, w.header, w.body.String())
	}
}
