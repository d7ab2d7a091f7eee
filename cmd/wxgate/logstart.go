package main

import (
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// logStart logs the sites of the configuration, and what is odd about them.
func logStart(c *config.Config, logger zerolog.Logger) {
	event := logger.Info().Str("version", buildVersion())
	if len(c.Sites) == 0 {
		addSite(event, c).Msg("started")
	} else {
		event.Int("sites", len(c.Sites)).Msg("started")
		for _, site := range c.Sites {
			addSite(logger.Info(), site.Config).Msg("site")
		}
	}
	for _, site := range sitesOf(c) {
		warn := logger.With().Str("public_url", site.PublicURL.String()).Logger()
		if site.Mode == modeForwardAuth && len(site.Upstream) > 0 {
			warn.Warn().Str("hint", "remove WXGATE_UPSTREAM, or set WXGATE_MODE=proxy").
				Msg("upstream ignored in forward-auth mode")
		}
		if site.DenyOpenIDsFile != "" && site.OutsideWeChat == string(gateway.OutsideQRConnect) {
			warn.Warn().Str("hint", "list unionids: a visitor has another openid in a scan login").
				Msg("deny list may miss scan logins")
		}
	}
}

// addSite adds the settings of a site to a log line.
func addSite(event *zerolog.Event, c *config.Config) *zerolog.Event {
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
