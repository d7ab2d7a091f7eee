package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
)

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
	whole.PagesDir = c.PagesDir
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
		HubURL:            c.HubURL.String(),
		HubSites:          origins(c.HubSites),
		HubKey:            c.HubKey,
	}
}

// origins are the texts of a list.
func origins(list config.Origins) []string {
	var texts []string
	for _, origin := range list {
		texts = append(texts, origin.String())
	}
	return texts
}
