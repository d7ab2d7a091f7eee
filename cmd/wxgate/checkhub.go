package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/session"
)

// checkHub starts a login at the hub, as a visitor's browser would. The hub's
// redirect shows whether it signs visitors in for this site.
func checkHub(ctx context.Context, report *report, c *config.Config) {
	if isOver(ctx, report, "hub") {
		return
	}
	hub, site := c.HubURL.String(), c.PublicURL.String()
	res, err := startHubLogin(ctx, c)
	if isPlain(err) {
		report.fail("hub", hub+" does not speak TLS", "use http:// in WXGATE_HUB_URL, or name the port with TLS")
		return
	}
	if (err != nil || res.StatusCode == http.StatusBadRequest) && expectsTLS(ctx, hub) {
		report.fail("hub", hub+" expects TLS", "use https:// in WXGATE_HUB_URL, or name the port without TLS")
		return
	}
	if err != nil {
		report.note("hub", hub+" does not answer this machine; only visitors' browsers must reach it")
		return
	}
	res.Body.Close()
	location, err := res.Location()
	switch {
	case res.StatusCode == http.StatusBadRequest:
		report.fail("hub", hub+" does not sign visitors in for "+site,
			"add exactly this origin to the hub's WXGATE_HUB_SITES")
	case res.StatusCode == http.StatusNotFound:
		report.fail("hub", "there is no "+c.Prefix+"/login at "+hub,
			"set the same WXGATE_PREFIX for hub and site, or correct WXGATE_HUB_URL")
	case res.StatusCode != http.StatusFound || err != nil:
		report.fail("hub", hub+" answers "+res.Status,
			"check that WXGATE_HUB_URL is the origin of a wxgate, and read its log")
	case location.Query().Get("redirect_uri") != hub+c.Prefix+"/callback":
		report.fail("hub", hub+c.Prefix+"/login does not belong to a hub",
			"correct WXGATE_HUB_URL, or set the same WXGATE_PREFIX for hub and site")
	case location.Query().Get("appid") != c.AppID:
		report.fail("hub", hub+" signs visitors in to another account than "+c.AppID,
			"set the same WXGATE_APP_ID for hub and site")
	default:
		report.pass("hub", hub+" signs visitors in for this site; "+
			"whether both have the same WXGATE_HUB_KEY shows at the first login")
	}
}

// startHubLogin requests the hub's login for the site in c.
func startHubLogin(ctx context.Context, c *config.Config) (*http.Response, error) {
	query := url.Values{
		"redirect_uri": {c.PublicURL.String() + c.Prefix + "/callback"},
		"state":        {session.NewState()},
		"scope":        {string(c.Scope)},
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout/4)
	defer cancel()
	login := c.HubURL.String() + c.Prefix + "/login?" + query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, login, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultTransport.RoundTrip(r)
}
