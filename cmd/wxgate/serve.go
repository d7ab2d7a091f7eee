package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/cmd/wxgate/internal/heap"
	"github.com/wxgate/wxgate/cmd/wxgate/internal/tracing"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/gateway/relay"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/wechat"
)

// newServe returns the command serve.
func newServe(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "run the gateway; also without a command",
		Long: `Runs the gateway until a signal ends it. Environment variables configure it, ` + "`wxgate env`" + `
lists them; ` + "`wxgate check`" + ` tries them. The log goes to stdout.

SIGTERM and SIGINT: readiness answers 503, new requests are accepted for WXGATE_DRAIN_DELAY,
then requests in flight get WXGATE_SHUTDOWN_TIMEOUT to end. A second signal ends at once.
SIGHUP: the openid lists, assertion keys, certificate and key are reread at once, and the log
says so; nothing ends, and no other configuration is read.`,
		Example: `wxgate serve
WXGATE_LOG_FORMAT=console wxgate`,
		Annotations: exits(`0 a signal ended it; 1 it could not listen, or a server failed; 2 the arguments or the
configuration are wrong, and nothing listens (for the same fault, wxgate check exits with 1)`),
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return serve(inv) },
	}
}

// serve runs the gateway until a signal ends it.
func serve(inv *invocation) error {
	heap.Tune(inv.environ)
	cfg, err := config.Load(inv.environ)
	if err != nil {
		return err
	}
	logger, closeLog := newLogger(cfg, inv.log, inv.environ)
	defer closeLog()
	registry := newRegistry()
	logLibraries(logger)
	observe, err := observeWeChat(cfg, registry)
	if err != nil {
		return err
	}
	redis, err := openRedis(cfg, logger)
	if err != nil {
		return err
	}
	if err := observeRedis(cfg, redis, registry); err != nil {
		return err
	}
	traces, err := newTracing(cfg, logger)
	if err != nil {
		return err
	}
	accounts := newAccounts(observe, redis)
	g, err := newGateway(cfg, accounts, redis, logger, registry, tracerOf(traces))
	if err != nil {
		return err
	}
	if err := observeFiles(cfg, g.Files(), registry); err != nil {
		return err
	}
	servers, err := visitorServers(cfg, g, logger, registry)
	if err != nil {
		return usageError{err}
	}
	servers[0].background = append(servers[0].background, connections(redis, traces)...)
	if cfg.RelayListen != "" {
		relay, err := relayServer(cfg, accounts.tokens(cfg), logger, registry)
		if err != nil {
			return usageError{err}
		}
		servers = append(servers, relay)
	}
	operator, err := admin.New(admin.Config{
		Metrics:     registry,
		Token:       cfg.AdminToken,
		Tokens:      accounts.all,
		Ready:       readyWith(cfg, redis),
		Logger:      logger,
		Exemplars:   traces != nil,
		Revocations: operatorRevocations(cfg, redis),
	})
	if err != nil {
		return err
	}
	if cfg.AdminListen != "" {
		s := httpServer("admin", "WXGATE_ADMIN_LISTEN", cfg.AdminListen, operator, logger, cfg.StallTimeout)
		servers = append(servers, s)
	}
	return runServers(logger, servers, shutdown{
		begin:   operator.Drain,
		delay:   cfg.DrainDelay,
		timeout: cfg.ShutdownTimeout,
	}, func() {
		logStart(cfg, logger)
	})
}

// connections returns the background functions of the connections to Redis and to the
// collector of traces. Either may be nil.
func connections(redis *redisstore.Client, traces *tracing.Tracing) (run []func(context.Context)) {
	if redis != nil {
		run = append(run, redis.Run)
	}
	if traces != nil {
		run = append(run, traces.Run)
	}
	return run
}

// visitorServers returns the servers for visitors: the gateway's own, and that of
// ext_authz if it has an address.
func visitorServers(
	c *config.Config, g *gateway.Gateway, logger zerolog.Logger, registry prometheus.Registerer,
) ([]*server, error) {
	main := httpServer("gateway", "WXGATE_LISTEN", c.Listen, g, logger, c.StallTimeout)
	reread := []func(){g.Reread}
	main.upgraded = g.Shutdown
	servers := []*server{main}
	if c.TLSCertFile != "" {
		pair, err := openCertificate(c.TLSCertFile, c.TLSKeyFile, logger)
		if err != nil {
			return nil, err
		}
		if err := observeCertificate(pair, registry); err != nil {
			return nil, err
		}
		main.tls = serving(pair)
		main.background = append(main.background, pair.Run)
		reread = append(reread, pair.Reread)
	}
	main.background = append(main.background, g.Run, onHangup(logger, reread))
	if c.ExtAuthzListen != "" {
		servers = append(servers, newExtAuthz(http.HandlerFunc(g.Authorize), c.ExtAuthzListen, logger, c.StallTimeout))
	}
	return servers, nil
}

// relayServer returns the server of the API relay.
func relayServer(
	c *config.Config, tokens *wechat.TokenSource, logger zerolog.Logger, registry prometheus.Registerer,
) (*server, error) {
	handler, err := relay.New(relay.Config{
		Tokens:    tokens,
		Paths:     c.RelayPaths,
		Hosts:     c.RelayHosts,
		APIURL:    string(c.WeChatAPIURL),
		Timeout:   c.WeChatTimeout,
		Logger:    logger,
		AccessLog: c.AccessLog,
		Metrics:   registry,
		Site:      relaySite(c),
	})
	if err != nil {
		return nil, err
	}
	return httpServer("relay", "WXGATE_RELAY_LISTEN", c.RelayListen, handler, logger, c.StallTimeout), nil
}

// httpServer returns a server for handler on the address that the variable gave.
func httpServer(
	name, variable, address string, handler http.Handler, logger zerolog.Logger, stalled time.Duration,
) *server {
	logger = logger.With().Str("server", name).Logger()
	end := newDraining(handler)
	service := newHTTPServer(end, logger, stalled)
	service.ConnState = end.connState
	return &server{
		name: name, variable: variable, address: address, service: service, stall: stalled,
		drain: end.begin, settle: end.settle,
	}
}
