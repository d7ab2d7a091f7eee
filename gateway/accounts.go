package gateway

import (
	"errors"
	"strings"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// scopeLogin is the only scope of WeChat's scan login for websites.
const scopeLogin wechat.Scope = "snsapi_login"

// accounts are those that visitors of one site sign in to.
type accounts struct {
	official *wechat.Client
	scan     *wechat.Client // a website application, for browsers other than WeChat's; nil: official is
}

// newAccounts returns the accounts of the site that c describes.
func newAccounts(c Site, errs *fieldErrors) accounts {
	a := accounts{official: c.Account}
	if c.Account == nil || c.Account.AppID == "" {
		errs.add("Account", errors.New("an account with an AppID is required"))
		a.official = new(wechat.Client)
	}
	if c.OutsideWeChat != OutsideQRConnect {
		return a
	}
	switch a.scan = c.ScanAccount; {
	case a.scan == nil || a.scan.AppID == "":
		errs.add("ScanAccount", errors.New("OutsideWeChat qrconnect requires an account with an AppID"))
		a.scan = nil
	case a.scan.AppID == a.official.AppID:
		errs.add("ScanAccount", errors.New("expected a website application, which has an AppID of its own"))
	case c.RequireFollow:
		errs.add("RequireFollow", errors.New("WeChat does not tell which visitors of a scan login follow the account; "+
			"choose another OutsideWeChat than qrconnect"))
	}
	return a
}

// accept reports whether visitors of this site may have signed in to an account.
func (a accounts) accept(appID string) bool {
	return a.named(appID) != nil
}

// named returns the account that visitors of this site may have signed in to; nil if
// it is none of them.
func (a accounts) named(appID string) *wechat.Client {
	switch {
	case appID == a.official.AppID:
		return a.official
	case a.scan != nil && appID == a.scan.AppID:
		return a.scan
	default:
		return nil
	}
}

// forLogin returns the account that a visitor with the given browser signs in to
// with l.
func (a accounts) forLogin(l *session.Login, userAgent string) *wechat.Client {
	switch {
	case l.ForOtherSite(): // the other site has chosen
		return a.of(l)
	case a.scan != nil && !wechat.IsWeChat(userAgent):
		return a.scan
	default:
		return a.official
	}
}

// of returns the account that the visitor of a pending login went to; nil if it
// is none of this site's any more.
func (a accounts) of(l *session.Login) *wechat.Client {
	switch {
	case l.AppID == "":
		return a.official
	case a.scan != nil && l.AppID == a.scan.AppID:
		return a.scan
	default:
		return nil
	}
}

// scope returns the scope that account is asked for in l.
func (a accounts) scope(account *wechat.Client, l *session.Login) wechat.Scope {
	if account == a.scan {
		return scopeLogin
	}
	return wechat.Scope(l.Scope)
}

// authorizeURL returns the address at WeChat where a visitor with the given
// browser grants l to account, and comes back to redirectURI.
func (a accounts) authorizeURL(account *wechat.Client, l *session.Login, redirectURI, userAgent string) string {
	ask := wechat.Authorize{RedirectURI: redirectURI, Scope: a.scope(account, l), State: l.State}
	if account == a.scan {
		// The page with the code to scan takes the same parameters in the same
		// order, and no others.
		return strings.Replace(account.AuthorizeURL(ask), "/connect/oauth2/authorize?", "/connect/qrconnect?", 1)
	}
	// It keeps the callback from arriving twice, but has been reported to break
	// the page of the desktop clients.
	ask.ConnectRedirect = !wechat.IsDesktop(userAgent)
	return account.AuthorizeURL(ask)
}
