package extauthz_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	server, conn := start(t, http.HandlerFunc(pass), zerolog.Nop())
	client := healthv1.NewHealthClient(conn)
	expect := func(want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for _, service := range []string{"", "envoy.service.auth.v3.Authorization"} {
			got, err := client.Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
			if err != nil || got.Status != want {
				t.Errorf("health of %q = %v, %v; want %v", service, got, err, want)
			}
		}
	}
	expect(healthv1.HealthCheckResponse_SERVING)
	_, err := client.Check(t.Context(), &healthv1.HealthCheckRequest{Service: "other"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("health of another service = %v, want %v", err, codes.NotFound)
	}
	server.Drain()
	expect(healthv1.HealthCheckResponse_NOT_SERVING)
	response, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), checkRequest(nil))
	if err != nil || response.GetOkResponse() == nil {
		t.Errorf("while draining Check = %v, %v; want OK", response, err)
	}
}

// slow returns a handler that sends to called, and then waits until pass is closed or
// the request is canceled.
func slow() (decide http.HandlerFunc, called, pass chan struct{}) {
	called, pass = make(chan struct{}), make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request) {
		called <- struct{}{}
		select {
		case <-pass:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusOK)
	}, called, pass
}

func TestShutdownWaitsForChecks(t *testing.T) {
	t.Parallel()
	decide, called, pass := slow()
	server, conn := start(t, decide, zerolog.Nop())
	client := authv3.NewAuthorizationClient(conn)
	checked := make(chan error, 1)
	go func() {
		got, err := client.Check(t.Context(), checkRequest(nil))
		if err == nil && got.GetOkResponse() == nil {
			err = errors.New("denied")
		}
		checked <- err
	}()
	<-called
	ended := make(chan error, 1)
	go func() { ended <- server.Shutdown(t.Context()) }()
	for err := error(nil); status.Code(err) != codes.Unavailable; { // until Shutdown has begun
		_, err = healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	}
	if got, err := client.Check(t.Context(), checkRequest(nil)); status.Code(err) != codes.Unavailable {
		t.Errorf("a new check = %v, %v; want %v", got, err, codes.Unavailable)
	}
	select {
	case err := <-ended:
		t.Fatalf("Shutdown = %v with a check in flight", err)
	default:
	}
	close(pass)
	if err := <-checked; err != nil {
		t.Errorf("the check in flight: %v, want OK", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Shutdown = %v, want nil", err)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	decide, called, _ := slow()
	server, conn := start(t, decide, zerolog.Nop())
	checked := make(chan error, 1)
	go func() {
		_, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), checkRequest(nil))
		checked <- err
	}()
	<-called
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown = %v, want %v", err, context.DeadlineExceeded)
	}
	if err := <-checked; status.Code(err) != codes.Unavailable {
		t.Errorf("the check in flight: %v, want %v", err, codes.Unavailable)
	}
}

func TestWatchDoesNotDelayShutdown(t *testing.T) {
	t.Parallel()
	server, conn := start(t, http.HandlerFunc(pass), zerolog.Nop())
	watch, err := healthv1.NewHealthClient(conn).Watch(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("Watch = %v, want %v", err, codes.Unimplemented)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown = %v, want nil", err)
	}
}

// The context of decide's request ends when the visitor leaves.
func TestContextOfDecide(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	left := make(chan struct{})
	_, conn := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
		close(left)
	}), zerolog.Nop())
	_, err := authv3.NewAuthorizationClient(conn).Check(ctx, checkRequest(nil))
	if status.Code(err) != codes.Canceled {
		t.Errorf("Check = %v, want %v", err, codes.Canceled)
	}
	<-left
}
