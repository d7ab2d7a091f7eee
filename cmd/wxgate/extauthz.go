package main

import (
	"net/http"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/extauthz"
)

// newExtAuthz returns the server that Envoy asks about each request, of which
// decide says what becomes of it. It has no TLS of its own: like the admin
// listener it is for a private network, where a mesh adds what it wants.
func newExtAuthz(decide http.Handler, address string, logger zerolog.Logger) *server {
	authz := extauthz.New(decide, logger)
	return &server{
		name:      "ext_authz",
		setting:   "WXGATE_EXTAUTHZ_LISTEN",
		address:   address,
		service:   authz,
		drain:     authz.Drain,
		alongside: true, // a visitor of Envoy's is one of the gateway's
	}
}
