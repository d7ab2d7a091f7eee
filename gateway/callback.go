package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// maxAttempts is how often a login is started again by itself after a refused
// code.
const maxAttempts = 2

// callback finishes a login: GET {prefix}/callback, where WeChat sends the
// visitor back with a code and the login's state.
func (g *guard) callback(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r.Context())
	if err := g.limiter.take(v.clientIP); err != nil {
		return err
	}
	code, state := callbackParameters(r)
	pending, found := g.logins.Find(r, state)
	switch {
	case !found, pending.SiteState != "" && g.hub.siteOf(pending.ReturnTo) == "": // taken off the hub's list meanwhile
		return g.strayCallback(w, v, "/", g.loginURL("", g.scope))
	case pending.Spent && pending.SiteState != "":
		return g.sendBack(w, pending, g.exchanges.remembered(pending.State))
	case pending.Spent: // the back button, or a double of a login that is over
		return g.strayCallback(w, v, pending.ReturnTo, g.again(pending))
	case code == "" && g.hub.url != "": // the hub has no ticket left; who declines is told so there
		return g.strayCallback(w, v, pending.ReturnTo, g.again(pending))
	case code == "":
		g.metrics.login(loginDeclined)
		return &failure{Status: http.StatusForbidden, Word: wordNotAllowed, Page: pages.Declined, Always: true, LoginURL: g.again(pending)}
	}
	s, err := g.finish(w, r, pending, code)
	if f, ok := errors.AsType[*failure](err); ok && f.Word == wordInvalidCode && pending.Attempts < maxAttempts {
		// WeChat gives codes that are already used or dead (double requests, old
		// tabs, its own hiccups): a new one mends it.
		next := *pending
		next.Attempts++
		return g.depart(w, r, &next)
	}
	if err != nil {
		return err
	}
	if pending.SiteState != "" {
		return g.sendBack(w, pending, s)
	}
	redirect(w, pending.ReturnTo)
	return nil
}

// finish ends a login of this browser with the code that it came back with:
// the session is saved, unless it is another site's, or the failure says why
// there is none. Either way the login is over, and its code is never sent to
// WeChat again.
func (g *guard) finish(w http.ResponseWriter, r *http.Request, pending *session.Login, code string) (*session.Session, error) {
	account := g.accountOf(pending)
	if account == nil { // the operator has turned scan login off meanwhile
		return nil, &failure{Status: http.StatusBadRequest, Word: wordInvalidState, Always: true, LoginURL: g.again(pending)}
	}
	s, err := g.exchanges.do(r.Context(), pending.State, func(ctx context.Context) (*session.Session, error) {
		return g.signIn(ctx, account, pending, code)
	})
	if err != nil {
		return nil, g.failedLogin(w, r, pending, err)
	}
	if pending.SiteState != "" {
		g.metrics.login(loginOK)
		return s, g.logins.Spend(w.Header(), pending)
	}
	if err := g.sessions.Save(r, w.Header(), s); err != nil {
		g.metrics.storeErrors.Inc()
		return nil, &failure{Status: http.StatusServiceUnavailable, Word: wordStoreUnavailable, Always: true, Err: err, LoginURL: g.again(pending), RetryAfter: retryAfter}
	}
	if err := g.logins.Spend(w.Header(), pending); err != nil {
		return nil, err
	}
	if f, ok := errors.AsType[*failure](g.admit(s, pending.ReturnTo)); ok {
		g.metrics.login(resultOf(f))
		return nil, f
	}
	g.metrics.login(loginOK)
	return s, nil
}

// callbackParameters returns the code and state of a callback; both are empty
// where either is given twice, or where the request is a HEAD: a scanner that
// looks at the address must not spend the code.
func callbackParameters(r *http.Request) (code, state string) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || r.Method != http.MethodGet || len(query["code"]) > 1 || len(query["state"]) != 1 {
		return "", ""
	}
	return query.Get("code"), query.Get("state")
}

// strayCallback answers a callback that no login of this browser waits for:
// a crawler's, a stranger's, one whose cookie was lost or has aged out, or one
// that was answered before. It never asks WeChat and never starts a login by
// itself: it sends a visitor who is signed in on to target, and shows everyone
// else a button that leads to again.
func (g *guard) strayCallback(w http.ResponseWriter, v *visit, target, again string) error {
	if v.session != nil {
		redirect(w, target)
		return nil
	}
	g.metrics.login(loginInvalidState)
	return &failure{Status: http.StatusBadRequest, Word: wordInvalidState, Always: true, LoginURL: again}
}

// signIn returns the new session of the visitor who comes back from a login with
// code. The code is used up whatever comes of it.
func (g *guard) signIn(ctx context.Context, account *wechat.Client, pending *session.Login, code string) (s *session.Session, err error) {
	if g.hub.url != "" {
		s, err = g.redeem(account, pending, code)
	} else {
		s, err = g.identify(ctx, account, pending, code)
	}
	if err != nil || pending.SiteState != "" { // another site's rules are its own to keep
		return s, err
	}
	if s.SnapshotUser && g.denySnap {
		return nil, &failure{Status: http.StatusForbidden, Word: wordNotAllowed, Page: pages.Snapshot, Always: true}
	}
	if g.lists.refuse(s) {
		return nil, &failure{Status: http.StatusForbidden, Word: wordNotAllowed, Always: true}
	}
	s.IssuedAt = time.Now()
	s.RenewedAt = s.IssuedAt
	if g.follow != nil {
		// A visitor of whom WeChat says nothing is signed in all the same, and
		// asked about again when she comes: her code is used up.
		s = g.follow.settle(ctx, s, g.follow.atLogin())
	}
	return s, nil
}

// identify asks WeChat who the visitor is who comes back from a login at account
// with code.
func (g *guard) identify(ctx context.Context, account *wechat.Client, pending *session.Login, code string) (*session.Session, error) {
	grant, err := account.Exchange(ctx, code)
	if err != nil {
		return nil, err
	}
	s := &session.Session{
		AppID:        account.AppID,
		OpenID:       grant.OpenID,
		UnionID:      grant.UnionID,
		Scope:        grant.Scope,
		SnapshotUser: grant.SnapshotUser,
	}
	asked := wechat.Scope(pending.Scope) == wechat.ScopeUserInfo && (grant.Has(wechat.ScopeUserInfo) || grant.Has(scopeLogin))
	refused := s.SnapshotUser && g.denySnap && pending.SiteState == ""
	if asked && !refused {
		if err := g.addProfile(ctx, account, s, grant); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// addProfile asks once for nickname and avatar. A login that was to bring them
// and cannot is no login.
func (g *guard) addProfile(ctx context.Context, account *wechat.Client, s *session.Session, grant *wechat.Grant) error {
	info, err := account.UserInfo(ctx, grant.AccessToken, grant.OpenID, "zh_CN")
	if err != nil {
		// Snapshot visitors have been seen to be refused their own profile
		// (48001); it would be a made-up one anyway.
		if refusal, ok := errors.AsType[*wechat.Error](err); ok && refusal.Code == 48001 && grant.SnapshotUser {
			return nil
		}
		f := &failure{Status: http.StatusServiceUnavailable, Word: wordWeChatUnavailable, Always: true, Err: err, RetryAfter: retryAfter}
		if refusal, ok := errors.AsType[*wechat.Error](err); ok {
			f.Mend = refusal.Mend()
		}
		return f
	}
	s.Nickname, s.Avatar = info.Nickname, info.Avatar
	if info.UnionID != "" {
		s.UnionID = info.UnionID
	}
	return nil
}

// failedLogin ends a login whose code brought no session, and says why.
func (g *guard) failedLogin(w http.ResponseWriter, r *http.Request, pending *session.Login, err error) error {
	if r.Context().Err() != nil {
		return errVisitorLeft
	}
	// Not forgotten: a reload would find a browser without cookies and tell the
	// visitor that hers keeps none.
	if err := g.logins.Spend(w.Header(), pending); err != nil {
		return err
	}
	again := g.again(pending)
	if f, ok := errors.AsType[*failure](err); ok {
		g.metrics.login(resultOf(f))
		answer := *f // shared with whoever asked at the same time
		answer.LoginURL = again
		return &answer
	}
	refusal, ok := errors.AsType[*wechat.Error](err)
	switch {
	case !ok || refusal.Class() == wechat.Later:
		g.metrics.login(loginAway)
		return &failure{Status: http.StatusServiceUnavailable, Word: wordWeChatUnavailable, Always: true, Err: err, LoginURL: again, RetryAfter: retryAfter}
	case refusal.CodeRefused():
		g.metrics.login(loginCodeRefused)
		return &failure{Status: http.StatusForbidden, Word: wordInvalidCode, Always: true, Err: err, LoginURL: again}
	case refusal.Class() == wechat.Visitor:
		g.metrics.login(loginForbidden)
		return &failure{Status: http.StatusForbidden, Word: wordNotAllowed, Always: true, Err: err, LoginURL: again}
	default:
		g.metrics.login(loginMisconfigured)
		return &failure{Status: http.StatusBadGateway, Word: wordWeChatError, Always: true, Err: err, LoginURL: again, Mend: refusal.Mend()}
	}
}

// again is the address that starts a login like this one.
func (g *guard) again(l *session.Login) string {
	if l.SiteState != "" {
		return g.hubLoginURL(g.publicURL.String(), l, l.ReturnTo, l.SiteState)
	}
	return g.loginURL(l.ReturnTo, wechat.Scope(l.Scope))
}

func resultOf(f *failure) string {
	switch {
	case f.Word == wordInvalidCode:
		return loginCodeRefused
	case f.Word == wordWeChatError:
		return loginMisconfigured
	case f.Status == http.StatusForbidden:
		return loginForbidden
	default:
		return loginAway
	}
}
