package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/cmd/wxgate/internal/stall"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/wechat"
)

// modeForwardAuth is the mode without upstreams.
const modeForwardAuth = "forward-auth"

// sitesOf returns the configurations of all sites; of the only one if c has no
// numbered sites.
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

// newGateway returns the gateway that c describes. What the gateway refuses is a
// [*config.Faults], which names the variables.
func newGateway(
	c *config.Config, accounts *accounts, redis *redisstore.Client,
	logger zerolog.Logger, registry prometheus.Registerer, tracer trace.Tracer,
) (*gateway.Gateway, error) {
	g, err := gateway.New(gatewayConfig(c, accounts, redis, logger, registry, tracer))
	if wrong, ok := errors.AsType[*gateway.ConfigError](err); ok {
		return nil, faultsOf(c, wrong)
	}
	return g, err
}

// gatewayConfig returns the configuration of the gateway that c describes.
func gatewayConfig(
	c *config.Config, accounts *accounts, redis *redisstore.Client,
	logger zerolog.Logger, registry prometheus.Registerer, tracer trace.Tracer,
) gateway.Config {
	all := gateway.Config{
		Prefix:         c.Prefix,
		TrustedProxies: c.TrustedProxies,
		LoginRate:      c.LoginRate,
		PagesDir:       c.PagesDir,
		Logger:         logger,
		AccessLog:      c.AccessLog,
		AccessLogSkip:  c.AccessLogSkip,
		Metrics:        registry,
		Tracer:         tracer,
		Revocations:    checkedRevocations(c, redis),

		UnreadBodyTimeout: stall.UnreadBody(c.StallTimeout),
	}
	if len(c.Sites) == 0 {
		all.Sites = []gateway.Site{siteConfig(c, nil, accounts)}
	}
	for _, site := range c.Sites {
		all.Sites = append(all.Sites, siteConfig(site.Config, site.Hosts, accounts))
	}
	if redis != nil {
		all.SharedRate = redis.CountLogins
	}
	for i, site := range sitesOf(c) {
		all.Sites[i].Sessions = sessionsIn(site, redis, c.RedisGrace)
		all.Sites[i].Exchanges = exchangesIn(site, redis)
	}
	return all
}

// siteConfig returns the gateway's configuration of the site that c describes. A
// site without hosts is the only one.
func siteConfig(c *config.Config, hosts []string, accounts *accounts) gateway.Site {
	tokens := accounts.tokens(c)
	var upstreams []gateway.Upstream
	if c.Mode != modeForwardAuth {
		upstreams = upstreamsOf(c.Upstream)
	}
	var tickets *wechat.TicketSource
	if c.JSSDK {
		tickets = accounts.ticketsOf(c)
	}
	return gateway.Site{
		Hosts:             hosts,
		PublicURL:         c.PublicURL.String(),
		Account:           accounts.client(c),
		Tokens:            tokens,
		Tickets:           tickets,
		ScanAccount:       accounts.scanAccount(c),
		CookieKeys:        c.CookieKeys,
		Upstreams:         upstreams,
		UpstreamTimeout:   c.UpstreamTimeout,
		UpstreamCAs:       c.UpstreamCAs,
		MaxBodyBytes:      int64(c.MaxBody),
		Scope:             c.Scope,
		PublicPaths:       c.PublicPaths,
		APIPaths:          c.APIPaths,
		AccessLogSkip:     c.AccessLogSkip,
		OutsideWeChat:     gateway.OutsideWeChat(c.OutsideWeChat),
		DenySnapshotUsers: c.SnapshotUsers == "deny",
		KeepFragment:      c.KeepFragment,
		RequireFollow:     c.RequireFollow,
		FollowQRURL:       string(c.FollowQRURL),
		FollowRecheck:     c.FollowRecheck,
		AllowOpenIDsFile:  c.AllowOpenIDsFile,
		DenyOpenIDsFile:   c.DenyOpenIDsFile,
		AssertionKeysFile: c.AssertionKeysFile,
		PassAccessToken:   c.PassAccessToken,
		PagesDir:          c.PagesDir,
		ReturnHosts:       c.ReturnHosts,
		VerifyFiles:       c.VerifyFiles,
		CookieName:        c.CookieName,
		CookieDomain:      c.CookieDomain,
		SessionTTL:        c.SessionTTL,
		SessionMaxTTL:     c.SessionMaxTTL,
		HubURL:            c.HubURL.String(),
		HubSites:          origins(c.HubSites),
		HubKey:            c.HubKey,
	}
}

// upstreamsOf returns the gateway's form of a list of upstreams.
func upstreamsOf(list config.Upstreams) []gateway.Upstream {
	var upstreams []gateway.Upstream
	for _, u := range list {
		upstreams = append(upstreams, gateway.Upstream{Prefix: u.Prefix, URL: u.URL})
	}
	return upstreams
}

// origins returns the texts of a list of origins.
func origins(list config.Origins) []string {
	var texts []string
	for _, origin := range list {
		texts = append(texts, origin.String())
	}
	return texts
}
