package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// logins start logins and finish those that come back from WeChat. A login that
// was finished, with or without success, is spent: its cookie is kept, so that a
// repeated callback is recognized. Logins through a hub: see hublogin.go.
type logins struct {
	site      *site
	accounts  accounts
	pending   *session.Logins // in cookies of the visitor's browser, spent ones too
	exchanges exchanges
	shared    Exchanges // nil: this replica exchanges for itself
	hub       hubRole
	before    beforeLogin
	warnings  loginWarnings
}

// loginWarnings are the log messages about logins that clients can trigger.
type loginWarnings struct {
	host   everyMinute // a login started under a host that is not the public URL's
	scheme everyMinute // a proxy says http, and a cookie that needs https came back
	site   everyMinute // a login for a site that is not the hub's
	ticket everyMinute // three tickets of one visitor refused
}

// login starts a login on request: GET {prefix}/login.
func (l *logins) login(w *recorder, r *http.Request, q *facts, v visitor) error {
	if l.leadsToHTTPS(w, r, q, v) {
		return nil
	}
	r = l.site.asVisited(r, q)
	query := r.URL.Query()
	if query.Has("redirect_uri") { // for another site, which has decided which browsers may sign in
		login, err := l.hubLogin(query)
		if err != nil {
			return err
		}
		return l.startLogin(w, r, q, login)
	}
	scope, err := l.scopeIn(query)
	if err != nil {
		return err
	}
	switch l.site.policy.loginAnswer(r.UserAgent()).action {
	case signIn:
		return l.redirectToLogin(w, r, q, query.Get("return_to"), scope)
	case openInWeChat:
		l.before.openInWeChat(w, r, l.site.loginURL(l.site.returnTo(query.Get("return_to")), scope))
		return nil
	default:
		return refusal.NotAllowed()
	}
}

// signIn lets the visitor of page load r sign in, who then comes back to its
// address.
func (l *logins) signIn(w *recorder, r *http.Request, q *facts) error {
	target := l.site.returnTarget(r)
	if l.before.keepsFragment(r) {
		l.before.readFragment(w, http.StatusOK, target)
		return nil
	}
	return l.redirectToLogin(w, r, q, target, l.site.scope)
}

// scopeIn is the scope that a login's query asks for, by default the site's.
func (l *logins) scopeIn(query url.Values) (wechat.Scope, error) {
	scope := l.site.scope
	if text := query.Get("scope"); text != "" {
		if err := scope.UnmarshalText([]byte(text)); err != nil {
			return "", refusal.InvalidRequest(err)
		}
	}
	return scope, nil
}

// redirectToLogin starts a login of this site that leads to target.
func (l *logins) redirectToLogin(w *recorder, r *http.Request, q *facts, target string, scope wechat.Scope) error {
	return l.startLogin(w, r, q, &session.Login{ReturnTo: l.site.returnTo(target), Scope: string(scope)})
}

// startLogin counts a login against the login rate and starts it. At another host
// than the public URL's it redirects there first. startAgain does neither.
func (l *logins) startLogin(w *recorder, r *http.Request, q *facts, login *session.Login) error {
	if address := l.loginAtPublicURL(r, login); address != "" {
		redirect(w, address)
		return nil
	}
	l.warnOfHost(r)
	if err := l.site.countLogin(r, q); err != nil {
		return err
	}
	return l.redirectToWeChat(w, r, login)
}

// warnOfHost warns if the host of r is not the public URL's: WeChat sends the
// visitor back to the public URL, where the login cookie will be missing.
func (l *logins) warnOfHost(r *http.Request) {
	host := strings.ToLower(r.Host)
	if host == l.site.public.Host || l.site.cookieDomain != "" {
		return
	}
	l.warnings.host.do(func() {
		l.site.logger.Warn().Str("host", access.Short(host)).Str("public_url", l.site.publicURL).
			Str("hint", "send visitors to the public URL, or correct it; if a proxy in front rewrites Host, "+
				"let it send the visitor's as X-Forwarded-Host, and list its address in WXGATE_TRUSTED_PROXIES").
			Msg("login started under another host than the public URL's")
	})
}

// redirectToWeChat makes login a new login of this browser and redirects to
// WeChat, or to the hub.
func (l *logins) redirectToWeChat(w *recorder, r *http.Request, login *session.Login) error {
	authorizeURL, err := l.newLogin(w, r, login, l.site.callbackURL())
	if err != nil {
		return err
	}
	redirect(w, authorizeURL)
	return nil
}

// newLogin gives login a state of its own, keeps it in the visitor's browser, and
// returns the address at WeChat, or at the hub, that leads on to redirectURI.
func (l *logins) newLogin(w *recorder, r *http.Request, login *session.Login, redirectURI string) (string, error) {
	account := l.accounts.forLogin(login, r.UserAgent())
	login.State, login.BeganAt, login.AppID = session.NewState(), time.Now(), ""
	if account == l.accounts.scan {
		login.AppID = account.AppID
	}
	if err := l.pending.Begin(r, w.Header(), login); err != nil {
		return "", err
	}
	if l.hub.url != "" {
		return hubLoginURL(l.hub.url+l.site.prefix, login, redirectURI, login.State), nil
	}
	return l.accounts.authorizeURL(account, login, redirectURI, r.UserAgent()), nil
}

// retryURL is the address that starts a login like this one again.
func (l *logins) retryURL(login *session.Login) string {
	if login.ForOtherSite() {
		return hubLoginURL(l.site.publicURL+l.site.prefix, login, login.ReturnTo, login.SiteState)
	}
	return l.site.loginURL(login.ReturnTo, wechat.Scope(login.Scope))
}
