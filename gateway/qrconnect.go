package gateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// scopeLogin is the one scope of WeChat's scan login for websites.
const scopeLogin wechat.Scope = "snsapi_login"

// scanAccount returns the website application that visitors of other browsers
// sign in to, nil where they do not.
func scanAccount(c Config) (*wechat.Client, error) {
	switch {
	case c.OutsideWeChat != OutsideQRConnect:
		return nil, nil
	case c.ScanAccount == nil || c.ScanAccount.AppID == "":
		return nil, errors.New("OutsideWeChat qrconnect: a ScanAccount with an AppID is required")
	case c.ScanAccount.AppID == c.Account.AppID:
		return nil, errors.New("ScanAccount: scan login needs a website application, which has another AppID than the official account")
	case c.RequireFollow:
		return nil, errors.New("RequireFollow: WeChat does not tell who of a scan login follows the official account; choose another OutsideWeChat than qrconnect")
	}
	return c.ScanAccount, nil
}

// accountFor is the account that the visitor who makes r signs in to with l.
func (g *guard) accountFor(r *http.Request, l *session.Login) *wechat.Client {
	switch {
	case l.SiteState != "": // the other site has chosen
		return g.accountOf(l)
	case g.scan != nil && !wechat.IsWeChat(r.UserAgent()):
		return g.scan
	default:
		return g.account
	}
}

// accountOf is the account that the visitor of a login has left for, nil where
// the gateway no longer knows it.
func (g *guard) accountOf(l *session.Login) *wechat.Client {
	switch {
	case l.AppID == "":
		return g.account
	case g.scan != nil && l.AppID == g.scan.AppID:
		return g.scan
	default:
		return nil
	}
}

// authorizeURL is the address at WeChat, or at the hub, where the visitor who
// makes r grants l.
func (g *guard) authorizeURL(r *http.Request, account *wechat.Client, l *session.Login, redirectURI string) string {
	if g.hub.url != "" {
		return g.hubLoginURL(g.hub.url, l, redirectURI, l.State)
	}
	ask := wechat.Authorize{RedirectURI: redirectURI, Scope: g.scopeAt(account, l), State: l.State}
	if account == g.scan {
		// The page with the code to scan takes the same parameters in the same
		// order, and no others.
		return strings.Replace(account.AuthorizeURL(ask), "/connect/oauth2/authorize?", "/connect/qrconnect?", 1)
	}
	// It keeps the callback from arriving twice, but has been reported to break
	// the page of the desktop clients.
	ask.ConnectRedirect = !wechat.IsDesktop(r.UserAgent())
	return account.AuthorizeURL(ask)
}

// scopeAt is the scope with which account is asked for l.
func (g *guard) scopeAt(account *wechat.Client, l *session.Login) wechat.Scope {
	if account == g.scan {
		return scopeLogin
	}
	return wechat.Scope(l.Scope)
}
