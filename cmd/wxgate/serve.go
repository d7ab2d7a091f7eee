package main

import (
	"io"
	"net/http"

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
	accounts := newAccounts()
	g, err := gateway.New(gatewayConfig(cfg, accounts, logger, registry))
	if err != nil {
		return usageError{err}
	}
	operator := admin.New(admin.Config{Metrics: registry, Token: cfg.AdminToken, Tokens: accounts.all, Logger: logger})

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
		logger.Info().Str("version", buildVersion()).Int("sites", max(1, len(cfg.Sites))).Msg("started")
		for _, site := range sitesOf(cfg) {
			tellOf(site, logger)
		}
	})
}

// sitesOf are the sites' configurations: the only one's, or those of several.
func sitesOf(c *config.Config) []*config.Config {
	if len(c.Sites) == 0 {
		return []*config.Config{c}
	}
	sites := make([]*config.Config, len(c.Sites))
	for i, site := range c.Sites {
		sites[i] = site.Config
	}
	return sites
}

// tellOf logs what was understood of a site, and what of it may not be meant.
func tellOf(c *config.Config, logger zerolog.Logger) {
	event := logger.Info().
		Str("public_url", c.PublicURL.String()).
		Str("appid", c.AppID).
		Str("mode", c.Mode).
		Str("session_store", c.SessionStore)
	if c.Mode == modeForwardAuth {
		if len(c.Upstream) > 0 {
			logger.Warn().Str("public_url", c.PublicURL.String()).Str("mend", "drop it, or set WXGATE_MODE=proxy").Msg("WXGATE_UPSTREAM is not used in forward-auth mode")
		}
	} else {
		event = event.Stringer("upstream", c.Upstream)
	}
	if !c.HubURL.IsZero() {
		event = event.Str("hub", c.HubURL.String())
	}
	event.Msg("guarding")
	if c.DenyOpenIDsFile != "" && c.OutsideWeChat == string(gateway.OutsideQRConnect) {
		logger.Warn().Str("mend", "list unionids: by scan login a visitor has another openid").Msg("the deny list may miss visitors who scan")
	}
}

// modeForwardAuth is the mode in which nothing is forwarded.
const modeForwardAuth = "forward-auth"

// gatewayConfig is the gateway's view of the configuration.
func gatewayConfig(c *config.Config, accounts *accounts, logger zerolog.Logger, registry prometheus.Registerer) gateway.Config {
	var whole gateway.Config
	if len(c.Sites) == 0 {
		whole = siteConfig(c, accounts)
	}
	for _, site := range c.Sites {
		whole.Sites = append(whole.Sites, gateway.Site{Hosts: site.Hosts, Config: siteConfig(site.Config, accounts)})
	}
	whole.Prefix = c.Prefix
	whole.TrustedProxies = c.TrustedProxies
	whole.LoginRate = gateway.Rate(c.LoginRate)
	whole.Logger = logger
	whole.AccessLog = c.AccessLog
	whole.Metrics = registry
	return whole
}

// siteConfig is the gateway's view of one site.
func siteConfig(c *config.Config, accounts *accounts) gateway.Config {
	tokens := accounts.tokens(c)
	var upstreams []gateway.Upstream
	if c.Mode != modeForwardAuth {
		for _, u := range c.Upstream {
			upstreams = append(upstreams, gateway.Upstream{Prefix: u.Prefix, URL: u.URL})
		}
	}
	var hubURL string
	if !c.HubURL.IsZero() {
		hubURL = c.HubURL.String()
	}
	hubSites := make([]string, len(c.HubSites))
	for i, site := range c.HubSites {
		hubSites[i] = site.String()
	}
	var tickets *wechat.TicketSource
	if c.JSSDK {
		tickets = accounts.ticketsOf(c)
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
		AssertionKeysFile: c.AssertionKeysFile,
		PagesDir:          c.PagesDir,
		ReturnHosts:       c.ReturnHosts,
		VerifyFiles:       c.VerifyFiles,
		CookieName:        c.CookieName,
		CookieDomain:      c.CookieDomain,
		SessionTTL:        c.SessionTTL,
		SessionMaxTTL:     c.SessionMaxTTL,
		HubURL:            hubURL,
		HubSites:          hubSites,
		HubKey:            c.HubKey,
	}
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
