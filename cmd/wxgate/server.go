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

// A server is one service on one address.
type server struct {
	name      string
	setting   string // the variable that gives the address
	address   string
	listener  net.Listener // opened by runServers where it is nil
	service   service
	tls       *tls.Config // nil: none
	drain     func()      // told when the end is near; nil: nobody
	alongside bool        // ends together with the server before it
}

// service is what answers: an [http.Server], or what begins and ends as one.
type service interface {
	Serve(net.Listener) error // http.ErrServerClosed after one of the others
	Shutdown(context.Context) error
	Close() error
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
			if err := s.service.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
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
		s.service.Close()
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

// drain ends the servers in order: those that serve visitors before those that
// tell how they do.
func drain(logger zerolog.Logger, servers []*server, end shutdown) error {
	if end.begin != nil {
		end.begin()
	}
	for _, s := range servers {
		if s.drain != nil {
			s.drain()
		}
	}
	logger.Info().Dur("drain_delay_ms", end.delay).Dur("shutdown_timeout_ms", end.timeout).Msg("shutting down")
	time.Sleep(end.delay)
	ctx, cancel := context.WithTimeout(context.Background(), end.timeout)
	defer cancel()
	var ending sync.WaitGroup
	for _, s := range servers {
		if !s.alongside {
			ending.Wait()
		}
		ending.Go(func() {
			if err := s.service.Shutdown(ctx); err != nil {
				logger.Warn().Str("server", s.name).Err(err).Msg("requests cut off")
			}
		})
	}
	ending.Wait()
	logger.Info().Msg("stopped")
	return nil
}
