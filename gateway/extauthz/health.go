package extauthz

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// health is the standard health service. It has no Watch, which Envoy and the kubelet
// do not use: an open Watch would delay Shutdown.
type health struct {
	healthv1.UnimplementedHealthServer
	draining *atomic.Bool
}

// Check reports the same status for the server as a whole and for Envoy's service.
func (h *health) Check(_ context.Context, r *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	if r.GetService() != "" && r.GetService() != serviceName {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	response := &healthv1.HealthCheckResponse{Status: healthv1.HealthCheckResponse_SERVING}
	if h.draining.Load() {
		response.Status = healthv1.HealthCheckResponse_NOT_SERVING
	}
	return response, nil
}
