package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// A server is one HTTP server on one address.
type server struct {
	name     string
	setting  string // what gave the address
	address  string
	listener net.Listener // opened by runServers where it is nil
	http     *http.Server
	tls      *tls.Config // nil: plain HTTP
}

// newHTTPServer returns a server for handler that bounds what a slow or idle
// client costs, and sets no bound to bodies: a page may stream for hours.
func newHTTPServer(handler http.Handler, logger zerolog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// "OPTIONS *" is the handler's to refuse like any other request.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(serverLog{logger}, "", 0),
	}
}

// serverLog receives what net/http has to say about connections.
type serverLog struct{ logger zerolog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	l.logger.Debug().Str("detail", strings.TrimSpace(string(line))).Msg("http server")
	return len(line), nil
}

// shutdown is how servers end after a signal.
type shutdown struct {
	begin   func()        // told at once, nil: nobody
	delay   time.Duration // the servers go on as before for so long
	timeout time.Duration // then requests in flight get so long to end
}

// runServers opens all listeners, calls started, and serves until SIGTERM or
// SIGINT. A second signal ends the process at once. Nothing listens when it
// returns.
func runServers(logger zerolog.Logger, servers []*server, end shutdown, started func()) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := listen(servers); err != nil {
		return err
	}
	failed := make(chan error, len(servers))
	var running sync.WaitGroup
	for _, s := range servers {
		logger.Info().Str("server", s.name).Str("address", s.listener.Addr().String()).Msg("listening")
		running.Go(func() {
			if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("%s server: %w", s.name, err)
			}
		})
	}
	started()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		stop() // from here on a signal has its usual effect
		err = drain(logger, servers, end)
	}
	for _, s := range servers {
		s.http.Close()
	}
	running.Wait()
	return err
}

// listen opens the listeners of all servers, or none.
func listen(servers []*server) error {
	for i, s := range servers {
		if s.listener == nil {
			l, err := net.Listen("tcp", s.address)
			if err != nil {
				for _, before := range servers[:i] {
					before.listener.Close()
				}
				return fmt.Errorf("%s server: %w; %s gives the address", s.name, err, s.setting)
			}
			s.listener = l
		}
		if s.tls != nil {
			s.listener = tls.NewListener(s.listener, s.tls)
		}
	}
	return nil
}

// drain ends the servers in order: the first, which serves visitors, before
// those that tell how it does.
func drain(logger zerolog.Logger, servers []*server, end shutdown) error {
	if end.begin != nil {
		end.begin()
	}
	logger.Info().Dur("drain_delay_ms", end.delay).Dur("shutdown_timeout_ms", end.timeout).Msg("shutting down")
	time.Sleep(end.delay)
	ctx, cancel := context.WithTimeout(context.Background(), end.timeout)
	defer cancel()
	for _, s := range servers {
		if err := s.http.Shutdown(ctx); err != nil {
			logger.Warn().Str("server", s.name).Err(err).Msg("requests cut off")
		}
	}
	logger.Info().Msg("stopped")
	return nil
}
