package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// A shutdown says how servers end after a signal.
type shutdown struct {
	begin   func()        // called first; nil: nothing is called
	delay   time.Duration // how long all servers then go on as before
	timeout time.Duration // how long requests in flight may take after that
}

// runServers opens all listeners, calls started, and serves until SIGTERM or
// SIGINT. A second signal ends the process at once. When runServers returns, all
// listeners are closed and the background functions have ended.
func runServers(logger zerolog.Logger, servers []*server, end shutdown, started func()) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := listen(servers, logger); err != nil {
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
	tasks := startBackground(servers, logger)
	started()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		stop() // the next signal ends the process
		drain(logger, servers, end)
	}
	for _, s := range servers {
		s.service.Close()
	}
	running.Wait()
	tasks.end(logger)
	return err
}

// listen opens the listeners of all servers, which log their errors. If one fails,
// it closes those that it opened.
func listen(servers []*server, logger zerolog.Logger) error {
	for i, s := range servers {
		if s.listener == nil {
			l, err := net.Listen("tcp", s.address)
			if err != nil {
				for _, earlier := range servers[:i] {
					earlier.listener.Close()
				}
				return fmt.Errorf("%s server: %w; %s gives the address", s.name, err, s.variable)
			}
			s.listener = l
		}
		s.accepts = newLastAccepts(s.listener)
		s.listener = s.accepts
		named := logger.With().Str("server", s.name).Logger()
		s.listener = newAcceptLog(s.listener, named)
		s.listener = stallLimit(s.stall, named).Listener(s.listener)
		if s.tls != nil {
			s.listener = tls.NewListener(s.listener, s.tls)
		}
	}
	return nil
}

// drain shuts the servers down in their order, so that health and metrics are
// served until the visitors' requests have ended.
func drain(logger zerolog.Logger, servers []*server, end shutdown) {
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
			const hint = "raise WXGATE_SHUTDOWN_TIMEOUT, and the time that your platform waits, if they need longer"
			if s.accepts != nil {
				s.accepts.stop(ctx)
			}
			if s.settle != nil {
				s.settle(ctx)
			}
			if err := s.service.Shutdown(ctx); err != nil {
				logger.Warn().Str("server", s.name).Err(err).Str("hint", hint).Msg("requests cut off")
			}
			if s.upgraded == nil {
				return
			}
			// After the requests: one may upgrade its connection.
			if err := s.upgraded(ctx); err != nil {
				logger.Warn().Str("server", s.name).Err(err).Str("hint", hint).Msg("WebSockets closed")
			}
		})
	}
	ending.Wait()
	logger.Info().Msg("stopped")
}
