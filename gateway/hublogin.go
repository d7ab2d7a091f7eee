package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/gateway/hub"
	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// WeChat allows an account a few callback domains. Further sites sign their
// visitors in through a hub, a gateway on such a domain:
//
//	site: {prefix}/login ─► hub: {prefix}/login?redirect_uri=…&state=… ─► WeChat
//	site: {prefix}/callback?code=TICKET&state=… ◄─ hub: {prefix}/callback ◄─┘
//
// The hub is to the site what WeChat is to others, and the ticket is the code.
// The state is that of a login in the visitor's browser at the site.

// hubRole is a site's part in logins through a hub: url is set at a site that
// uses a hub, sites at the hub.
type hubRole struct {
	url     string          // origin of the hub
	sites   []origin.Origin // for which this site is the hub
	tickets *hub.Tickets
}

// newHubRole returns the zero hubRole if c names neither a hub nor sites.
func newHubRole(c Site, public origin.Origin, errs *fieldErrors) (h hubRole) {
	if c.HubURL == "" && len(c.HubSites) == 0 {
		return h
	}
	if c.HubURL != "" {
		o, err := origin.Parse(c.HubURL)
		switch {
		case err != nil:
			errs.add("HubURL", err)
		case len(c.HubSites) > 0:
			errs.add("HubURL", errors.New("set beside HubSites: a hub cannot send its own visitors to a hub"))
		case o == public:
			errs.add("HubURL", errors.New("expected another gateway's PublicURL"))
		}
		h.url = o.String()
	}
	for _, site := range c.HubSites {
		o, err := origin.Parse(site)
		switch {
		case err != nil:
			errs.add("HubSites", err)
		case o == public:
			errs.add("HubSites", errors.New("the hub's own site needs no ticket"))
		}
		h.sites = append(h.sites, o)
	}
	var err error
	h.tickets, err = hub.New(c.HubKey)
	errs.add("HubKey", err)
	return h
}

// siteOf returns the origin of the hub's site that redirectURI belongs to; "" if
// there is none.
func (h hubRole) siteOf(redirectURI string) string {
	for _, site := range h.sites {
		if _, ok := site.Behind(redirectURI); ok {
			return site.String()
		}
	}
	return ""
}

// hubLoginURL is the address that signs a visitor in as l says, for the site with
// redirectURI and state. The hub's endpoints, maybe this gateway's own, are below
// endpoints.
func hubLoginURL(endpoints string, l *session.Login, redirectURI, state string) string {
	address := endpoints + "/login?redirect_uri=" + url.QueryEscape(redirectURI) + "&state=" + url.QueryEscape(state) +
		"&scope=" + url.QueryEscape(l.Scope)
	if l.AppID != "" {
		address += "&appid=" + url.QueryEscape(l.AppID)
	}
	return address
}

// hubLogin returns the login for which another gateway has sent its visitor here.
// Its redirect_uri becomes a Location header unchanged, with a ticket for the
// server there: it must be on one of the hub's sites to the letter, and no
// address that would lead to a login again.
func (l *logins) hubLogin(query url.Values) (*session.Login, error) {
	scope, err := l.scopeIn(query)
	if err != nil {
		return nil, err
	}
	redirectURI, state := query.Get("redirect_uri"), query.Get("state")
	site := l.hub.siteOf(redirectURI)
	login := &session.Login{ReturnTo: redirectURI, Scope: string(scope), AppID: query.Get("appid"), SiteState: state}
	switch {
	case len(query["redirect_uri"]) != 1 || len(query["state"]) != 1 || !isState(state),
		len(redirectURI) > session.MaxReturnTo || escapeNonASCII(redirectURI) != redirectURI:
		return nil, refusal.InvalidRequest(nil).In(refusal.FormPage)
	case site == "" || l.site.leadsToLogin(redirectURI) && upTo(redirectURI, "?#") != site+l.site.prefix+"/callback":
		return nil, l.refuseSite(redirectURI,
			"add the site's origin to WXGATE_HUB_SITES here, or correct WXGATE_HUB_URL there")
	case l.accounts.of(login) == nil:
		return nil, l.refuseSite(redirectURI,
			"set the same WXGATE_OUTSIDE_WECHAT and WXGATE_QR_APP_ID at hub and site, whose visitors use scan login")
	}
	return login, nil
}

// isState reports whether state has the form of [session.NewState]'s.
func isState(state string) bool {
	return len(state) == 32 && strings.Trim(state, "0123456789abcdef") == ""
}

// refuseSite refuses a login for another site, and logs what to do about it.
func (l *logins) refuseSite(redirectURI, hint string) error {
	l.warnings.site.do(func() {
		l.site.logger.Warn().Str("redirect_uri", access.Short(upTo(redirectURI, "?#"))).Str("hint", hint).
			Msg("login for another site refused")
	})
	return refusal.InvalidRequest(nil).In(refusal.FormPage)
}

// sendBack sends the visitor back to the site that they came from: with a ticket
// for the session s, or, if s is nil, without one.
func (l *logins) sendBack(w *recorder, login *session.Login, s *session.Session) error {
	query := "state=" + url.QueryEscape(login.SiteState)
	if s != nil {
		ticket, err := l.hub.tickets.Seal(l.hub.siteOf(login.ReturnTo), login.SiteState, s)
		if err != nil {
			return err
		}
		query = "code=" + url.QueryEscape(ticket) + "&" + query
	}
	address, fragment, hasFragment := strings.Cut(withoutOldCode(login.ReturnTo), "#")
	if strings.Contains(address, "?") {
		address += "&" + query
	} else {
		address += "?" + query
	}
	if hasFragment {
		address += "#" + fragment
	}
	redirectBack(w, address)
	return nil
}

// redeem returns the session for a ticket with which the hub has sent a visitor
// back from a login at account.
func (l *logins) redeem(account *wechat.Client, login *session.Login, ticket string) (*session.Session, error) {
	s, err := l.hub.tickets.Open(ticket, l.site.publicURL, login.State)
	if err != nil {
		if login.Attempts >= maxRestarts { // a single one may be a slow phone's
			l.warnings.ticket.do(func() {
				l.site.logger.Warn().
					Str("hint", "set the same WXGATE_HUB_KEY at hub and site, and synchronise their clocks").
					Msg("three tickets of one visitor refused")
			})
		}
		return nil, refusal.InvalidCode(err)
	}
	if s.AppID != account.AppID {
		return nil, refusal.WeChatError(
			fmt.Errorf("the hub signs visitors in to %s, this site to %s", s.AppID, account.AppID),
			"set the same WXGATE_APP_ID at hub and site")
	}
	return s, nil
}
