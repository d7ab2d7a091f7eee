package main

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/panics"
)

// A server is one service on one address.
type server struct {
	name      string
	variable  string // the variable that gave the address; for errors
	address   string
	listener  net.Listener  // runServers opens it if it is nil
	accepts   *lastAccepts  // the innermost part of listener, from runServers; nil: none
	stall     time.Duration // see package stall; 0: no limit
	service   service
	tls       *tls.Config // nil: no TLS
	drain     func()      // called when the shutdown begins; nil: nothing is called
	alongside bool        // shut down together with the server before it in the list

	// settle waits, between the end of the listener and the shutdown, for requests on
	// connections that are new; nil: nothing is called.
	settle func(context.Context)

	background []func(context.Context) // run while the servers serve, until their ctx ends

	// upgraded ends the WebSockets, which service does not know; nil: there are none.
	upgraded func(context.Context) error
}

// A service serves the connections of a listener, as [http.Server] does.
type service interface {
	Serve(net.Listener) error // http.ErrServerClosed after Shutdown or Close
	Shutdown(context.Context) error
	Close() error
}

// newHTTPServer returns a server for handler, whose panics it logs. It limits the
// time for a request's header and for idle connections, but not for bodies: a page
// may stream for hours. stalled limits how long a client may stall; its listener
// has to be made by [stallLimit] too.
func newHTTPServer(handler http.Handler, logger zerolog.Logger, stalled time.Duration) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:   panics.Handler(stallLimit(stalled, logger).Handler(handler), logger),
		Protocols: protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          100,
			MaxReceiveBufferPerConnection: 1 << 20,
			// Less than the connection's: an upload that the site does not read leaves
			// room for others.
			MaxReceiveBufferPerStream: 256 << 10,
		},
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      stalled, // of net/http's own responses: package stall takes it from all others
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// net/http would answer "OPTIONS *" with 200 before the handler sees it.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(serverLog{logger}, "", 0),
	}
}
