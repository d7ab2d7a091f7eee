package main

import (
	"io"

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
	tokens := tokenSource(cfg)
	g, err := gateway.New(gatewayConfig(cfg, tokens, logger, registry))
	if err != nil {
		return usageError{err}
	}
	operator := admin.New(admin.Config{Metrics: registry, Token: cfg.AdminToken, Tokens: tokens, Logger: logger})

	main := &server{name: "gateway", setting: "WXGATE_LISTEN", address: cfg.Listen, service: newHTTPServer(g, logger)}
	servers := []*server{main}
	if cfg.TLSCertFile != "" {
		if main.tls, err = loadCertificate(cfg.TLSCertFile, cfg.TLSKeyFile, logger); err != nil {
			return usageError{err}
		}
	}
	if cfg.RelayListen != "" {
		forward, err := newRelay(cfg, tokens, logger, registry)
		if err != nil {
			return usageError{err}
		}
		servers = append(servers, &server{name: "relay", address: cfg.RelayListen, service: newHTTPServer(forward, logger)})
	}
	if cfg.AdminListen != "" {
		servers = append(servers, &server{name: "admin", setting: "WXGATE_ADMIN_LISTEN", address: cfg.AdminListen, service: newHTTPServer(operator, logger)})
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
		if cfg.DenyOpenIDsFile != "" && cfg.OutsideWeChat == string(gateway.OutsideQRConnect) {
			logger.Warn().Str("mend", "list unionids: by scan login a visitor has another openid").Msg("the deny list may miss visitors who scan")
		}
	})
}

// gatewayConfig is the gateway's view of the configuration.
func gatewayConfig(c *config.Config, tokens *wechat.TokenSource, logger zerolog.Logger, registry prometheus.Registerer) gateway.Config {
	upstreams := make([]gateway.Upstream, len(c.Upstream))
	for i, u := range c.Upstream {
		upstreams[i] = gateway.Upstream{Prefix: u.Prefix, URL: u.URL}
	}
	var tickets *wechat.TicketSource
	if c.JSSDK {
		tickets = &wechat.TicketSource{Tokens: tokens}
	}
	return gateway.Config{
		PublicURL:         c.PublicURL.String(),
		Account:           tokens.Client,
		Tokens:            tokens,
		Tickets:           tickets,
		ScanAccount:       scanAccount(c),
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
		KeepFragment:      c.KeepFragment,
		RequireFollow:     c.RequireFollow,
		FollowQRURL:       string(c.FollowQRURL),
		FollowRecheck:     c.FollowRecheck,
		AllowOpenIDsFile:  c.AllowOpenIDsFile,
		DenyOpenIDsFile:   c.DenyOpenIDsFile,
		PagesDir:          c.PagesDir,
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

// scanAccount is the website application that visitors outside WeChat sign in
// to by scanning; nil: there is none.
func scanAccount(c *config.Config) *wechat.Client {
	if c.OutsideWeChat != string(gateway.OutsideQRConnect) {
		return nil
	}
	scan := account(c)
	scan.AppID, scan.AppSecret = c.QRAppID, c.QRAppSecret
	return scan
}

// tokenSource is the account's access token, of which a process has one.
func tokenSource(c *config.Config) *wechat.TokenSource {
	return &wechat.TokenSource{Client: account(c), Legacy: c.TokenMode == "legacy"}
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
