package main

import (
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/extauthz"
)

// newExtAuthz returns the gRPC server that Envoy asks about each request; decide
// answers. It has no TLS of its own: like the admin listener, it is for a private
// network.
func newExtAuthz(decide http.Handler, address string, logger zerolog.Logger, stalled time.Duration) *server {
	authz := extauthz.New(decide, logger)
	return &server{
		name:      "ext_authz",
		variable:  "WXGATE_EXTAUTHZ_LISTEN",
		address:   address,
		service:   authz,
		stall:     stalled,
		drain:     authz.Drain,
		alongside: true, // it serves visitors too, through Envoy
	}
}
