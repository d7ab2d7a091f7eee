package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/gateway/hub"
	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// WeChat allows an account a few callback domains. Sites beyond those sign their
// visitors in at a hub, a gateway on such a domain:
//
//	site: {prefix}/login ─► hub: {prefix}/login?redirect_uri=…&state=… ─► WeChat
//	site: {prefix}/callback?code=TICKET&state=… ◄─ hub: {prefix}/callback ◄─┘
//
// To the site the hub is what WeChat is to others, and the ticket is the code.
// The state is the site's own, of a login begun in the visitor's browser there.

// hubConfig is a gateway's part in logins by way of a hub: that of a site where
// url is set, that of the hub where sites are.
type hubConfig struct {
	url     string          // origin of the hub
	sites   map[string]bool // origins that the hub signs in for
	tickets *hub.Tickets
}

// newHubConfig returns the zero hubConfig where c names neither a hub nor sites.
func newHubConfig(c Config, publicURL *url.URL) (h hubConfig, err error) {
	if c.HubURL == "" && len(c.HubSites) == 0 {
		return h, nil
	}
	if c.HubURL != "" {
		if len(c.HubSites) > 0 {
			return h, errors.New("HubURL and HubSites: a hub that sends its own visitors to a hub would go round in circles")
		}
		u, err := parseOrigin(c.HubURL)
		if err != nil {
			return h, fmt.Errorf("HubURL: %w", err)
		}
		if h.url = u.String(); h.url == publicURL.String() {
			return h, errors.New("HubURL: expected another gateway's PublicURL")
		}
	}
	h.sites = make(map[string]bool)
	for _, site := range c.HubSites {
		u, err := parseOrigin(site)
		if err != nil {
			return h, fmt.Errorf("HubSites: %w", err)
		}
		if u.String() == publicURL.String() {
			return h, errors.New("HubSites: the hub's own site needs no ticket")
		}
		h.sites[u.String()] = true
	}
	if h.tickets, err = hub.New(c.HubKey); err != nil {
		return h, fmt.Errorf("HubKey: %w", err)
	}
	return h, nil
}

// siteOf returns the site at whose address redirectURI is, "" where it is none's.
func (h hubConfig) siteOf(redirectURI string) string {
	for site := range h.sites {
		if _, ok := behindOrigin(redirectURI, site); ok {
			return site
		}
	}
	return ""
}

// hubLoginURL is the address that signs a visitor in as l says, for the site with
// redirectURI and state. The origin is that of the hub, which may be this gateway.
func (g *guard) hubLoginURL(origin string, l *session.Login, redirectURI, state string) string {
	address := origin + g.prefix + "/login?redirect_uri=" + url.QueryEscape(redirectURI) + "&state=" + url.QueryEscape(state) + "&scope=" + url.QueryEscape(l.Scope)
	if l.AppID != "" {
		address += "&appid=" + url.QueryEscape(l.AppID)
	}
	return address
}

// loginForSite is the login that another gateway has sent its visitor here for.
// Its redirect_uri goes into a Location header as it is, with a ticket for whoever
// is there: it is on one of the hub's sites to the letter, and no address that
// would only lead on to a login again.
func (g *guard) loginForSite(query url.Values) (*session.Login, error) {
	scope, err := g.askedScope(query)
	if err != nil {
		return nil, err
	}
	redirectURI, state := query.Get("redirect_uri"), query.Get("state")
	site := g.hub.siteOf(redirectURI)
	l := &session.Login{ReturnTo: redirectURI, Scope: string(scope), AppID: query.Get("appid"), SiteState: state}
	switch {
	case len(query["redirect_uri"]) != 1 || len(query["state"]) != 1 || len(redirectURI) > session.MaxReturnTo || escapeNonASCII(redirectURI) != redirectURI,
		len(state) != 32 || strings.Trim(state, "0123456789abcdef") != "":
		return nil, &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest, Always: true}
	case site == "" || g.leadsToLogin(redirectURI) && before(redirectURI, "?#") != site+g.prefix+"/callback":
		return nil, g.refuseSite(redirectURI, "name the site's origin in WXGATE_HUB_SITES here, or correct WXGATE_HUB_URL there")
	case g.accountOf(l) == nil:
		return nil, g.refuseSite(redirectURI, "give hub and site the same WXGATE_OUTSIDE_WECHAT and WXGATE_QR_APP_ID: the site's visitors come for scan login")
	}
	return l, nil
}

// refuseSite refuses a login for another site, and says what to mend.
func (g *guard) refuseSite(redirectURI, mend string) error {
	g.warn.site.do(func() {
		g.logger.Warn().Str("redirect_uri", access.Short(before(redirectURI, "?#"))).Str("mend", mend).
			Msg("login for another site refused")
	})
	return &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest, Always: true}
}

// sendBack sends the visitor back to the site that she came from: with a ticket
// that says she is s, or, where s is nil, without one, to go on as she is.
func (g *guard) sendBack(w http.ResponseWriter, l *session.Login, s *session.Session) error {
	query := "state=" + url.QueryEscape(l.SiteState)
	if s != nil {
		ticket, err := g.hub.tickets.Seal(g.hub.siteOf(l.ReturnTo), l.SiteState, s)
		if err != nil {
			return err
		}
		query = "code=" + url.QueryEscape(ticket) + "&" + query
	}
	address, fragment, hasFragment := strings.Cut(l.ReturnTo, "#")
	if strings.Contains(address, "?") {
		address += "&" + query
	} else {
		address += "?" + query
	}
	if hasFragment {
		address += "#" + fragment
	}
	redirect(w, address)
	return nil
}

// redeem returns who the visitor is whom the hub has sent back from a login at
// account with a ticket.
func (g *guard) redeem(account *wechat.Client, pending *session.Login, ticket string) (*session.Session, error) {
	s, err := g.hub.tickets.Open(ticket, g.publicURL.String(), pending.State)
	if err != nil {
		if pending.Attempts >= maxAttempts { // one may be a slow phone's
			g.warn.ticket.do(func() {
				g.logger.Warn().
					Str("mend", "give hub and site the same WXGATE_HUB_KEY, and clocks that agree").
					Msg("three tickets of one visitor refused")
			})
		}
		return nil, &failure{Status: http.StatusForbidden, Word: wordInvalidCode, Always: true, Err: err}
	}
	if s.AppID != account.AppID {
		return nil, &failure{
			Status: http.StatusBadGateway, Word: wordWeChatError, Always: true,
			Err:  fmt.Errorf("the hub signs visitors in to %s, this site to %s", s.AppID, account.AppID),
			Mend: "give hub and site the same WXGATE_APP_ID",
		}
	}
	return s, nil
}
