package main

import (
	"io"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/gateway/relay"
	"github.com/wxgate/wxgate/wechat"
)

// serve runs the gateway until a signal ends it.
func serve(c *call) error {
	if err := c.noArguments("serve"); err != nil {
		return err
	}
	cfg, err := config.Load(c.environ)
	if err != nil {
		return err
	}
	logger := newLogger(cfg, c.stdout)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	observe, err := gateway.ObserveWeChat(registry)
	if err != nil {
		return err
	}
	accounts := newAccounts(observe)
	g, err := newGateway(cfg, accounts, logger, registry)
	if err != nil {
		return err
	}
	main := &server{name: "gateway", setting: "WXGATE_LISTEN", address: cfg.Listen, service: newHTTPServer(g, logger)}
	servers := []*server{main}
	if cfg.TLSCertFile != "" {
		if main.tls, err = loadCertificate(cfg.TLSCertFile, cfg.TLSKeyFile, logger); err != nil {
			return usageError{err}
		}
	}
	if cfg.ExtAuthzListen != "" {
		servers = append(servers, newExtAuthz(http.HandlerFunc(g.Authorize), cfg.ExtAuthzListen, logger))
	}
	if cfg.RelayListen != "" {
		forward, err := newRelay(cfg, accounts.tokens(cfg), logger, registry)
		if err != nil {
			return usageError{err}
		}
		servers = append(servers, &server{name: "relay", setting: "WXGATE_RELAY_LISTEN", address: cfg.RelayListen, service: newHTTPServer(forward, logger)})
	}
	operator, err := admin.New(admin.Config{Metrics: registry, Token: cfg.AdminToken, Tokens: accounts.all, Logger: logger})
	if err != nil {
		return err
	}
	if cfg.AdminListen != "" {
		servers = append(servers, &server{name: "admin", setting: "WXGATE_ADMIN_LISTEN", address: cfg.AdminListen, service: newHTTPServer(operator, logger)})
	}
	defer runtime.KeepAlive(new([heapFloor]byte))
	return runServers(logger, servers, shutdown{
		begin:   operator.Drain,
		delay:   cfg.DrainDelay,
		timeout: cfg.ShutdownTimeout,
	}, func() {
		tellStart(cfg, logger)
	})
}

// heapFloor is the size of an object that is never touched, and so takes no
// memory: the collector counts it as live and waits for as much garbage before
// it runs. A gateway keeps so little that it would run at every few hundred
// requests, which took a fifth of the processor time of a forward-auth check.
const heapFloor = 32 << 20

// tellStart logs what was understood of the configuration.
func tellStart(c *config.Config, logger zerolog.Logger) {
	event := logger.Info().Str("version", buildVersion())
	if len(c.Sites) == 0 {
		describe(event, c).Msg("started")
	} else {
		event.Int("sites", len(c.Sites)).Msg("started")
		for _, site := range c.Sites {
			describe(logger.Info(), site.Config).Msg("site")
		}
	}
	for _, site := range sitesOf(c) {
		if site.Mode == modeForwardAuth && len(site.Upstream) > 0 {
			logger.Warn().Str("public_url", site.PublicURL.String()).Str("mend", "drop WXGATE_UPSTREAM, or set WXGATE_MODE=proxy").Msg("nothing is forwarded to the upstream in forward-auth mode")
		}
		if site.DenyOpenIDsFile != "" && site.OutsideWeChat == string(gateway.OutsideQRConnect) {
			logger.Warn().Str("public_url", site.PublicURL.String()).Str("mend", "list unionids: by scan login a visitor has another openid").Msg("the deny list may miss visitors who scan")
		}
	}
}

// describe adds a site to a log line.
func describe(event *zerolog.Event, c *config.Config) *zerolog.Event {
	event = event.
		Str("public_url", c.PublicURL.String()).
		Str("appid", c.AppID).
		Str("session_store", c.SessionStore)
	if c.Mode == modeForwardAuth {
		event = event.Str("mode", c.Mode)
	} else {
		event = event.Stringer("upstream", c.Upstream)
	}
	if !c.HubURL.IsZero() {
		event = event.Str("hub", c.HubURL.String())
	}
	if len(c.HubSites) > 0 {
		event = event.Strs("hub_sites", origins(c.HubSites))
	}
	return event
}

// newRelay returns the handler of the API relay.
func newRelay(c *config.Config, tokens *wechat.TokenSource, logger zerolog.Logger, registry prometheus.Registerer) (*relay.Relay, error) {
	return relay.New(relay.Config{
		Tokens:    tokens,
		Paths:     c.RelayPaths,
		APIURL:    string(c.WeChatAPIURL),
		Timeout:   c.WeChatTimeout,
		Logger:    logger,
		AccessLog: c.AccessLog,
		Metrics:   registry,
	})
}

// newLogger returns the one logger of the process.
func newLogger(c *config.Config, w io.Writer) zerolog.Logger {
	if c.LogFormat == "console" {
		w = zerolog.ConsoleWriter{Out: w}
	}
	return zerolog.New(w).Level(c.LogLevel).With().Timestamp().Logger()
}
