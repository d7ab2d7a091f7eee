package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/answer"
	"github.com/wxgate/wxgate/session"
)

// A page may drive the login itself: a single-page app that asks for an
// identity in the middle of what its visitor does. It fetches {prefix}/config,
// sends her to authorize_url, and hands the code and state with which she comes
// back to {prefix}/session. The secret and WeChat's tokens stay here.

// configAnswer is what a page needs to send its visitor to WeChat.
type configAnswer struct {
	AppID        string `json:"appid"`
	Scope        string `json:"scope"`
	State        string `json:"state"`
	AuthorizeURL string `json:"authorize_url"`
}

// pageConfig begins a login for a page: GET {prefix}/config. Always JSON.
func (g *guard) pageConfig(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r.Context())
	v.navigation = false
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["redirect_uri"]) > 1 {
		return &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest}
	}
	scope, err := g.askedScope(query)
	if err != nil {
		return err
	}
	redirectURI, target := query.Get("redirect_uri"), g.callingPage(r)
	switch {
	case redirectURI == "", redirectURI == g.callbackURL():
		redirectURI = g.callbackURL()
	case !g.ownPage(redirectURI) || g.returnTo(redirectURI) != redirectURI:
		return &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest}
	default:
		target = redirectURI
	}
	if g.policy.arrival(r.UserAgent()) != login {
		return &failure{Status: http.StatusForbidden, Word: wordNotAllowed}
	}
	if err := g.limiter.take(v.clientIP); err != nil {
		return err
	}
	l := &session.Login{ReturnTo: g.returnTo(target), Scope: string(scope)}
	account := g.accountFor(r, l)
	authorizeURL, err := g.begin(w, r, l, redirectURI)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, configAnswer{account.AppID, string(g.scopeAt(account, l)), l.State, authorizeURL})
	return nil
}

// pageSession finishes the login of a page: POST {prefix}/session. Always JSON.
func (g *guard) pageSession(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r.Context())
	if err := g.limiter.take(v.clientIP); err != nil {
		return err
	}
	code, state, err := handedOver(w, r)
	if err != nil {
		// Not told what it was: the text would show a piece of the code.
		return &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest}
	}
	s, err := g.pageLogin(w, r, v, code, state)
	if f, ok := errors.AsType[*failure](err); ok {
		answer := *f
		answer.Always = false
		if f.Word == wordInvalidCode { // a script can begin anew by itself
			answer.Status = http.StatusBadRequest
		}
		return &answer
	}
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, g.meOf(s))
	return nil
}

// pageLogin returns the session of the login with the given state: a new one,
// or the one that the same code and state were handed over for before.
func (g *guard) pageLogin(w http.ResponseWriter, r *http.Request, v *visit, code, state string) (*session.Session, error) {
	pending, found := g.logins.Find(r, state)
	switch {
	case found && pending.SiteState != "": // no page of this site has begun it
	case found && !pending.Spent:
		return g.finish(w, r, pending, code)
	case found && v.storeErr != nil:
		return nil, v.storeErr
	case found && v.session != nil && !v.session.IssuedAt.Before(pending.BeganAt.Truncate(time.Second)):
		// The session is that of this login, or a later one. An older one would
		// hide that this login came to nothing.
		return v.session, g.admit(v.session, pending.ReturnTo)
	}
	g.metrics.login(loginInvalidState)
	return nil, &failure{Status: http.StatusBadRequest, Word: wordInvalidState}
}

// maxHandedOver bounds what a page hands over, in bytes.
const maxHandedOver = 16 << 10

var errNotHandedOver = errors.New("no code and state")

// handedOver reads the code and state in the body of r, a form or JSON; neither
// is empty. Those of a query do not count: it stands in other servers' logs.
func handedOver(w http.ResponseWriter, r *http.Request) (code, state string, err error) {
	var given struct {
		Code  string `json:"code"`
		State string `json:"state"`
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxHandedOver)
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
			return "", "", errNotHandedOver
		}
		given.Code, given.State = r.PostForm.Get("code"), r.PostForm.Get("state")
	}
	if given.Code == "" || given.State == "" {
		return "", "", errNotHandedOver
	}
	return given.Code, given.State, nil
}
