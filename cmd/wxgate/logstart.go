package main

import (
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// logStart logs the sites of the configuration, and its warnings.
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
	warnings := append(c.Warnings(), c.AccountWarnings()...)
	for _, site := range sitesOf(c) {
		if site.UsesWeChat() {
			warnings = append(warnings, site.CallbackWarnings()...)
		}
	}
	for _, w := range warnings {
		logger.Warn().Str("variable", w.Name).Str("hint", w.Hint).Msg(w.Problem)
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
