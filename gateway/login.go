package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// loginEndpoint starts a login that somebody asked for: GET {prefix}/login.
func (g *guard) loginEndpoint(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	if query.Has("redirect_uri") { // from which browsers, the site has decided
		l, err := g.loginForSite(query)
		if err != nil {
			return err
		}
		return g.start(w, r, l)
	}
	scope, err := g.askedScope(query)
	if err != nil {
		return err
	}
	switch g.policy.arrival(r.UserAgent()) {
	case login:
		return g.login(w, r, query.Get("return_to"), scope)
	case openInWeChat:
		g.openInWeChat(w, r)
		return nil
	default:
		return &failure{Status: http.StatusForbidden, Word: wordNotAllowed}
	}
}

// askedScope is the scope that a login's query asks for, by default the site's.
func (g *guard) askedScope(query url.Values) (wechat.Scope, error) {
	scope := g.scope
	if asked := query.Get("scope"); asked != "" {
		if err := scope.UnmarshalText([]byte(asked)); err != nil {
			return "", &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest, Err: err}
		}
	}
	return scope, nil
}

// login sends the visitor to WeChat, to come back to target.
func (g *guard) login(w http.ResponseWriter, r *http.Request, target string, scope wechat.Scope) error {
	return g.start(w, r, &session.Login{ReturnTo: g.returnTo(target), Scope: string(scope)})
}

// start begins a login that a visitor asks for, not one that is tried again by
// itself: it counts against her rate, and goes by the public URL.
func (g *guard) start(w http.ResponseWriter, r *http.Request, l *session.Login) error {
	if g.aliases && g.cookies.Domain == "" && canonicalHost(r.Host) != canonicalHost(g.publicURL.Host) {
		// A login cookie set here would be missing where WeChat sends her back to.
		redirect(w, g.again(l))
		return nil
	}
	g.warnOfHost(r)
	if err := g.limiter.take(visitOf(r.Context()).clientIP); err != nil {
		return err
	}
	return g.depart(w, r, l)
}

// warnOfHost says that logins begin under a name to which WeChat does not
// send them back: there, the login cookie set here will be missing.
func (g *guard) warnOfHost(r *http.Request) {
	host := strings.ToLower(r.Host)
	if host == g.publicURL.Host || g.cookies.Domain != "" {
		return
	}
	g.warn.host.do(func() {
		g.logger.Warn().Str("host", access.Short(host)).Str("public_url", g.publicURL.String()).
			Str("mend", "send visitors to the public URL, or correct it; where a proxy in front only changes the Host header, nothing is amiss").
			Msg("login begun under another host than the public URL's")
	})
}

// depart begins l under a state of its own and redirects to WeChat, or to the hub.
func (g *guard) depart(w http.ResponseWriter, r *http.Request, l *session.Login) error {
	authorizeURL, err := g.begin(w, r, l, g.callbackURL())
	if err != nil {
		return err
	}
	redirect(w, authorizeURL)
	return nil
}

func (g *guard) callbackURL() string {
	return g.publicURL.String() + g.prefix + "/callback"
}

// begin begins l under a state of its own and returns the address at WeChat, or
// at the hub, that leads the visitor on to redirectURI.
func (g *guard) begin(w http.ResponseWriter, r *http.Request, l *session.Login, redirectURI string) (string, error) {
	account := g.accountFor(r, l)
	l.State, l.BeganAt, l.AppID = session.NewState(), time.Now(), ""
	if account == g.scan {
		l.AppID = account.AppID
	}
	if err := g.logins.Begin(r, w.Header(), l); err != nil {
		return "", err
	}
	return g.authorizeURL(r, account, l, redirectURI), nil
}

// loginURL is the address that starts a login leading to target. It is
// absolute: the login cookie has to be set on the host that WeChat returns to.
func (g *guard) loginURL(target string, scope wechat.Scope) string {
	address := g.publicURL.String() + g.prefix + "/login"
	query := make(url.Values)
	if target != "" && target != "/" {
		query.Set("return_to", target)
	}
	if scope != "" && scope != g.scope {
		query.Set("scope", string(scope))
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// openInWeChat shows the page that asks to open the present address in WeChat.
func (g *guard) openInWeChat(w http.ResponseWriter, r *http.Request) {
	address := g.publicURL.String() + requestTarget(r)
	setOwnHeaders(w.Header())
	g.pages.Render(w, r, http.StatusOK, pages.OpenInWeChat, pages.Data{Address: address})
}

// redirect sends the visitor on. Never 301: it would be kept, with one
// visitor's state in it.
func redirect(w http.ResponseWriter, location string) {
	setOwnHeaders(w.Header())
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusFound)
}
