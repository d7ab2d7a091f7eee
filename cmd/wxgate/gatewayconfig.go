package main

import (
	"errors"

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

// newGateway returns the gateway that c describes. Whatever is wrong with its
// configuration is a [*config.Faults].
func newGateway(c *config.Config, accounts *accounts, logger zerolog.Logger, registry prometheus.Registerer) (*gateway.Gateway, error) {
	whole := gateway.Config{
		Prefix:         c.Prefix,
		TrustedProxies: c.TrustedProxies,
		LoginRate:      c.LoginRate,
		PagesDir:       c.PagesDir,
		Logger:         logger,
		AccessLog:      c.AccessLog,
		Metrics:        registry,
	}
	if len(c.Sites) == 0 {
		whole.Sites = []gateway.Site{siteConfig(c, nil, accounts)}
	}
	for _, site := range c.Sites {
		whole.Sites = append(whole.Sites, siteConfig(site.Config, site.Hosts, accounts))
	}
	g, err := gateway.New(whole)
	if wrong, ok := errors.AsType[*gateway.ConfigError](err); ok {
		return nil, faultsOf(c, wrong)
	}
	return g, err
}

// faultsOf tells by the names of variables what the gateway refuses.
func faultsOf(c *config.Config, wrong *gateway.ConfigError) *config.Faults {
	faults := new(config.Faults)
	for _, field := range wrong.Fields {
		name := fieldVariables[field.Field]
		if name == "" {
			name = field.Field
		}
		if field.Site >= 0 && len(c.Sites) > 0 {
			name += " of " + c.Sites[field.Site].Name
		}
		faults.List = append(faults.List, config.Fault{Name: name, Problem: field.Err.Error()})
	}
	return faults
}

// fieldVariables are the variables by the field of [gateway.Config] or
// [gateway.Site] that each of them sets.
var fieldVariables = map[string]string{
	"Account":           "WXGATE_APP_ID",
	"AllowOpenIDsFile":  "WXGATE_ALLOW_OPENIDS_FILE",
	"APIPaths":          "WXGATE_API_PATHS",
	"AssertionKeysFile": "WXGATE_ASSERTION_KEYS_FILE",
	"CookieDomain":      "WXGATE_COOKIE_DOMAIN",
	"CookieKeys":        "WXGATE_COOKIE_KEYS",
	"CookieName":        "WXGATE_COOKIE_NAME",
	"DenyOpenIDsFile":   "WXGATE_DENY_OPENIDS_FILE",
	"FollowQRURL":       "WXGATE_FOLLOW_QR_URL",
	"FollowRecheck":     "WXGATE_FOLLOW_RECHECK",
	"HubKey":            "WXGATE_HUB_KEY",
	"HubSites":          "WXGATE_HUB_SITES",
	"HubURL":            "WXGATE_HUB_URL",
	"LoginRate":         "WXGATE_LOGIN_RATE",
	"MaxBodyBytes":      "WXGATE_MAX_BODY",
	"OutsideWeChat":     "WXGATE_OUTSIDE_WECHAT",
	"PagesDir":          "WXGATE_PAGES_DIR",
	"Prefix":            "WXGATE_PREFIX",
	"PublicPaths":       "WXGATE_PUBLIC_PATHS",
	"PublicURL":         "WXGATE_PUBLIC_URL",
	"RequireFollow":     "WXGATE_REQUIRE_FOLLOW",
	"ReturnHosts":       "WXGATE_RETURN_HOSTS",
	"ScanAccount":       "WXGATE_QR_APP_ID",
	"Scope":             "WXGATE_SCOPE",
	"SessionMaxTTL":     "WXGATE_SESSION_MAX_TTL",
	"SessionTTL":        "WXGATE_SESSION_TTL",
	"Tickets":           "WXGATE_JSSDK",
	"Upstreams":         "WXGATE_UPSTREAM",
	"UpstreamTimeout":   "WXGATE_UPSTREAM_TIMEOUT",
	"VerifyFiles":       "WXGATE_VERIFY_FILES",
}

// siteConfig is the gateway's view of one site. Without hosts it is the only one.
func siteConfig(c *config.Config, hosts []string, accounts *accounts) gateway.Site {
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
	return gateway.Site{
		Hosts:             hosts,
		PublicURL:         c.PublicURL.String(),
		Account:           tokens.Client,
		Tokens:            tokens,
		Tickets:           tickets,
		ScanAccount:       accounts.scan(c),
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
