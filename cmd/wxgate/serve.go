package main

import (
	"io"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/admin"
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
	g, err := gateway.New(gatewayConfig(cfg, logger, registry))
	if err != nil {
		return usageError{err}
	}
	operator := admin.New(registry)

	main := &server{name: "gateway", setting: "WXGATE_LISTEN", address: cfg.Listen, http: newHTTPServer(g, logger)}
	servers := []*server{main}
	if cfg.TLSCertFile != "" {
		if main.tls, err = loadCertificate(cfg.TLSCertFile, cfg.TLSKeyFile, logger); err != nil {
			return usageError{err}
		}
	}
	if cfg.AdminListen != "" {
		servers = append(servers, &server{name: "admin", setting: "WXGATE_ADMIN_LISTEN", address: cfg.AdminListen, http: newHTTPServer(operator, logger)})
	}
	return runServers(logger, servers, shutdown{
		begin:   operator.Drain,
		delay:   cfg.DrainDelay,
		timeout: cfg.ShutdownTimeout,
	}, func() {
		logger.Info().
			Str("version", buildVersion()).
			Str("public_url", cfg.PublicURL.String()).
			Str("appid", cfg.AppID).
			Stringer("upstream", cfg.Upstream).
			Str("session_store", cfg.SessionStore).
			Msg("started")
	})
}

// gatewayConfig is the gateway's view of the configuration.
func gatewayConfig(c *config.Config, logger zerolog.Logger, registry prometheus.Registerer) gateway.Config {
	upstreams := make([]gateway.Upstream, len(c.Upstream))
	for i, u := range c.Upstream {
		upstreams[i] = gateway.Upstream{Prefix: u.Prefix, URL: u.URL}
	}
	return gateway.Config{
		PublicURL:         c.PublicURL.String(),
		Account:           account(c),
		CookieKeys:        c.CookieKeys,
		Upstreams:         upstreams,
		UpstreamTimeout:   c.UpstreamTimeout,
		UpstreamCAs:       c.UpstreamCAs,
		MaxBodyBytes:      int64(c.MaxBody),
		Prefix:            c.Prefix,
		Scope:             c.Scope,
		PublicPaths:       c.PublicPaths,
		APIPaths:          c.APIPaths,
		OutsideWeChat:     gateway.OutsideWeChat(c.OutsideWeChat),
		DenySnapshotUsers: c.SnapshotUsers == "deny",
		ReturnHosts:       c.ReturnHosts,
		VerifyFiles:       c.VerifyFiles,
		CookieName:        c.CookieName,
		CookieDomain:      c.CookieDomain,
		SessionTTL:        c.SessionTTL,
		SessionMaxTTL:     c.SessionMaxTTL,
		TrustedProxies:    c.TrustedProxies,
		LoginRate:         gateway.Rate(c.LoginRate),
		Logger:            logger,
		AccessLog:         c.AccessLog,
		Metrics:           registry,
	}
}

// account is the official account that the configuration names.
func account(c *config.Config) *wechat.Client {
	return &wechat.Client{
		AppID:     c.AppID,
		AppSecret: c.AppSecret,
		APIURL:    string(c.WeChatAPIURL),
		OpenURL:   string(c.WeChatOpenURL),
		Timeout:   c.WeChatTimeout,
	}
}

// newLogger returns the one logger of the process.
func newLogger(c *config.Config, w io.Writer) zerolog.Logger {
	if c.LogFormat == "console" {
		w = zerolog.ConsoleWriter{Out: w}
	}
	return zerolog.New(w).Level(c.LogLevel).With().Timestamp().Logger()
}
