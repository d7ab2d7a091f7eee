package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
)

// A page may drive the login itself: a single-page app that needs an identity in
// the middle of its work. It fetches {prefix}/config, sends the visitor to
// authorize_url, and hands the code and state that come back to {prefix}/session.
// The AppSecret and WeChat's tokens stay here.

// configAnswer is what a page needs to send its visitor to WeChat.
type configAnswer struct {
	AppID        string `json:"appid"`
	Scope        string `json:"scope"`
	State        string `json:"state"`
	AuthorizeURL string `json:"authorize_url"`
}

// pageConfig starts a login for a page: GET {prefix}/config.
func (l *logins) pageConfig(w *recorder, r *http.Request, q *facts, v visitor) error {
	s := l.site
	if l.leadsToHTTPS(w, r, q, v) {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["redirect_uri"]) > 1 {
		return refusal.InvalidRequest(nil)
	}
	scope, err := l.scopeIn(query)
	if err != nil {
		return err
	}
	redirectURI, target := withoutOldCode(query.Get("redirect_uri")), withoutOldCode(s.callingPage(r))
	switch {
	case redirectURI == "", redirectURI == s.callbackURL():
		redirectURI = s.callbackURL()
	case !s.ownPage(redirectURI) || s.returnTo(redirectURI) != redirectURI:
		return refusal.InvalidRequest(nil)
	default:
		target = redirectURI
	}
	if s.policy.loginAnswer(r.UserAgent()).action != signIn {
		return refusal.NotAllowed()
	}
	if err := s.countLogin(r, q); err != nil {
		return err
	}
	login := &session.Login{ReturnTo: s.returnTo(target), Scope: string(scope)}
	account := l.accounts.forLogin(login, r.UserAgent())
	authorizeURL, err := l.newLogin(w, r, login, redirectURI)
	if err != nil {
		return err
	}
	answer := configAnswer{account.AppID, string(l.accounts.scope(account, login)), login.State, authorizeURL}
	refusal.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// pageSession finishes the login of a page: POST {prefix}/session.
func (l *logins) pageSession(w *recorder, r *http.Request, q *facts, v visitor) error {
	if err := l.site.countLogin(r, q); err != nil {
		return err
	}
	code, state, err := readCodeAndState(w, r)
	if err != nil {
		return refusal.InvalidRequest(nil) // the error would show a piece of the code
	}
	s, err := l.pageLogin(w, r, v, code, state)
	if e, ok := errors.AsType[*refusal.Error](err); ok && e.Word == refusal.WordInvalidCode {
		e.Status = http.StatusBadRequest // a script can start again
	}
	if err != nil {
		return err
	}
	refusal.WriteJSON(w, http.StatusOK, l.site.me(s))
	return nil
}

// pageLogin returns the session of the login with the given state: a new one, or
// the one for which the same code and state were handed over before.
func (l *logins) pageLogin(w *recorder, r *http.Request, v visitor, code, state string) (*session.Session, error) {
	login, found := l.pending.Find(r, state)
	switch {
	case found && login.ForOtherSite(): // started by no page of this site
	case found && !login.Spent:
		return l.finish(w, r, login, code)
	case found && v.err != nil:
		return nil, v.err
	case found && v.session != nil && !v.session.IssuedAt.Before(login.BeganAt.Truncate(time.Second)):
		// The session is that of this login, or a later one. An older session would
		// hide that this login failed.
		if e := l.admit(r, v.session, login.ReturnTo); e != nil {
			return nil, e
		}
		return v.session, nil
	}
	l.site.counters.login(loginInvalidState)
	return nil, refusal.InvalidState("")
}

// maxCodeBody limits the body with the code and state, in bytes.
const maxCodeBody = 16 << 10

var errNoCodeAndState = errors.New("no code and state")

// readCodeAndState reads the code and state in the body of r, a form or JSON;
// neither is empty. Those of a query do not count: servers in between log it.
func readCodeAndState(w http.ResponseWriter, r *http.Request) (code, state string, err error) {
	var given struct {
		Code  string `json:"code"`
		State string `json:"state"`
	}
	r = limitBody(w, r, maxCodeBody)
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	switch media {
	case "application/json":
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &given)
		}
		if err != nil {
			return "", "", err
		}
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return "", "", err
		}
		if len(r.PostForm["code"]) > 1 || len(r.PostForm["state"]) > 1 {
			return "", "", errNoCodeAndState
		}
		given.Code, given.State = r.PostForm.Get("code"), r.PostForm.Get("state")
	}
	if given.Code == "" || given.State == "" {
		return "", "", errNoCodeAndState
	}
	return given.Code, given.State, nil
}
