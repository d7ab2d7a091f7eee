package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/session"
)

// checkHub begins a login at the hub as a visitor's browser would, and looks
// where that leads: the hub tells by it what it makes of this site.
func checkHub(ctx context.Context, report *report, c *config.Config) {
	hub := c.HubURL.String()
	query := url.Values{
		"redirect_uri": {c.PublicURL.String() + c.Prefix + "/callback"},
		"state":        {session.NewState()},
		"scope":        {string(c.Scope)},
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout/4)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, hub+c.Prefix+"/login?"+query.Encode(), nil)
	if err != nil {
		report.fail("hub", err.Error(), "correct WXGATE_HUB_URL")
		return
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		report.note("hub", hub+" does not answer this machine; it has to answer the visitors")
		return
	}
	res.Body.Close()
	location, err := res.Location()
	switch {
	case res.StatusCode == http.StatusBadRequest:
		report.fail("hub", hub+" does not sign visitors in for "+c.PublicURL.String(), "name this origin in the hub's WXGATE_HUB_SITES, to the letter")
	case res.StatusCode == http.StatusNotFound:
		report.fail("hub", "there is no "+c.Prefix+"/login at "+hub, "give hub and site the same WXGATE_PREFIX, or correct WXGATE_HUB_URL")
	case res.StatusCode != http.StatusFound || err != nil:
		report.fail("hub", hub+" answers "+res.Status, "see that WXGATE_HUB_URL is that of a wxgate, and look at its log")
	case location.Query().Get("redirect_uri") != hub+c.Prefix+"/callback":
		report.fail("hub", hub+c.Prefix+"/login is no hub's", "correct WXGATE_HUB_URL, or give hub and site the same WXGATE_PREFIX")
	case location.Query().Get("appid") != c.AppID:
		report.fail("hub", hub+" signs visitors in to another account than "+c.AppID, "give hub and site the same WXGATE_APP_ID")
	default:
		report.pass("hub", hub+" signs visitors in for this site; that both have the same WXGATE_HUB_KEY shows at the first login")
	}
}
