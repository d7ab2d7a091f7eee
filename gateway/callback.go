package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
)

// maxRestarts is how often a login is started again after a refused code.
const maxRestarts = 2

// callback finishes a login: GET {prefix}/callback, where WeChat sends the
// visitor back with a code and the login's state.
func (l *logins) callback(w *recorder, r *http.Request, q *facts, v visitor) error {
	if err := l.site.countLogin(r, q); err != nil {
		return err
	}
	code, state := callbackParameters(r)
	login, found := l.pending.Find(r, state)
	if found && login.Spent {
		login.ReturnTo = l.exchanges.target(login)
	}
	switch {
	case !found, login.ForOtherSite() && l.hub.siteOf(login.ReturnTo) == "": // a site no longer in HubSites
		return l.strayCallback(w, v, "/", l.site.loginURL("", l.site.scope))
	case login.Spent && login.ForOtherSite():
		return l.sendBack(w, login, l.remembered(login.State))
	case login.Spent, // the back button, or a repeated callback
		code == "" && l.hub.url != "": // the hub no longer has the session; it tells those who declined itself
		return l.strayCallback(w, v, login.ReturnTo, l.retryURL(login))
	case code == "":
		l.site.counters.login(loginDeclined)
		return refusal.Declined(l.retryURL(login))
	}
	s, err := l.finish(w, r, login, code)
	if err != nil {
		return l.startAgain(w, r, login, err)
	}
	if login.ForOtherSite() {
		return l.sendBack(w, login, s)
	}
	redirectBack(w, login.ReturnTo)
	return nil
}

// callbackParameters returns the code and state of a callback. Both are empty if
// either is there twice, or if the request is a HEAD: a scanner that looks at the
// address must not use up the code.
func callbackParameters(r *http.Request) (code, state string) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || r.Method != http.MethodGet || len(query["code"]) > 1 || len(query["state"]) != 1 {
		return "", ""
	}
	return query.Get("code"), query.Get("state")
}

// strayCallback answers a callback for which no login of this browser waits: a
// crawler's, a stranger's, one whose cookie was lost or has expired, or one that
// was answered before. It neither asks WeChat nor starts a login: a visitor with
// a session is sent on to target, others see a button that leads to retryURL.
func (l *logins) strayCallback(w *recorder, v visitor, target, retryURL string) error {
	if v.session != nil {
		redirectBack(w, target)
		return nil
	}
	l.site.counters.login(loginInvalidState)
	return refusal.InvalidState(retryURL).In(refusal.FormPage)
}

// startAgain starts a login again if err says that its code was refused, at most
// twice: WeChat gives codes that are used or expired already (double requests,
// old tabs, its own hiccups), and a new code helps. It returns any other error.
func (l *logins) startAgain(w *recorder, r *http.Request, login *session.Login, err error) error {
	refused, ok := errors.AsType[*refusal.Error](err)
	if !ok || refused.Word != refusal.WordInvalidCode || login.Attempts >= maxRestarts {
		return err
	}
	next := *login
	next.Attempts++
	return l.redirectToWeChat(w, r, &next)
}

// finish exchanges the code of a login of this browser for a session and saves it,
// unless the login is for another site. With or without an error the login is
// over, and its code is never sent to WeChat again.
func (l *logins) finish(w *recorder, r *http.Request, login *session.Login, code string) (*session.Session, error) {
	account := l.accounts.of(login)
	if account == nil { // scan login was turned off meanwhile
		return nil, refusal.InvalidState(l.retryURL(login)).In(refusal.FormPage)
	}
	ctx, span := l.site.startSpan(r.Context(), "exchange code")
	s, err := l.exchanges.do(ctx, login.State, func(ctx context.Context) (*session.Session, error) {
		return l.identifyOnce(ctx, account, login, code)
	})
	if err == nil && l.site.revocations.Revoked(s) {
		err = refusal.InvalidCode(errRevoked)
	}
	endExchange(span, err)
	if err != nil {
		return nil, l.failedLogin(w, r, login, err)
	}
	if login.ForOtherSite() {
		if err := l.spend(w, login); err != nil {
			return nil, err
		}
		l.site.counters.login(loginOK)
		return s, nil
	}
	if err := l.site.sessions.Save(r, w.Header(), s); err != nil {
		l.site.counters.storeErrors.Inc()
		e := refusal.StoreUnavailable(err).In(refusal.FormPage)
		e.LoginURL = l.retryURL(login)
		l.site.counters.login(e.Result())
		return nil, e
	}
	if err := l.spend(w, login); err != nil {
		return nil, err
	}
	if e := l.admit(r, s, login.ReturnTo); e != nil {
		l.site.counters.login(e.Result())
		return nil, e
	}
	l.site.counters.login(loginOK)
	return s, nil
}

// remembered returns the session of an earlier exchange for state; nil if it brought
// none, is not known here, or has been revoked.
func (l *logins) remembered(state string) *session.Session {
	s := l.exchanges.remembered(state)
	if s != nil && l.site.revocations.Revoked(s) {
		return nil
	}
	return s
}

// spend marks a login that brought a session as spent. A repeated callback leads to
// the same address.
func (l *logins) spend(w *recorder, login *session.Login) error {
	l.exchanges.keepTarget(login)
	return l.pending.Spend(w.Header(), login)
}

// admit returns why the visitor with the session of a finished login may not
// enter; nil if they may. The button of its page leads to target.
func (l *logins) admit(r *http.Request, s *session.Session, target string) *refusal.Error {
	v := visitor{session: s}
	a := l.site.admission(v)
	if a == admitted {
		return nil
	}
	return l.site.refusal(a, v, r, target).In(refusal.FormPage)
}

// failedLogin ends a login whose code brought no session, and returns why.
func (l *logins) failedLogin(w *recorder, r *http.Request, login *session.Login, err error) error {
	if r.Context().Err() != nil {
		return errVisitorLeft
	}
	// Spend keeps the cookie. Without it, the page after a reload would say that the
	// browser keeps no cookies.
	if err := l.pending.Spend(w.Header(), login); err != nil {
		return err
	}
	e := loginRefusal(err).In(refusal.FormPage) // a copy: other callbacks of this login may share err
	e.LoginURL = l.retryURL(login)
	l.site.counters.login(e.Result())
	return e
}

// loginRefusal returns err if it is a refusal. It takes any other error for one of
// WeChat's API.
func loginRefusal(err error) *refusal.Error {
	if e, ok := errors.AsType[*refusal.Error](err); ok {
		return e
	}
	return refusal.Exchange(err)
}
