package gateway

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/counter"
	"github.com/wxgate/wxgate/gateway/internal/sweep"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

const (
	// webTokenMargin is how long before its end a web token is renewed.
	webTokenMargin = 5 * time.Minute

	// webTokenLife is how long after the login a web token can be renewed.
	webTokenLife = 30 * 24 * time.Hour

	// webTokenPause is how soon WeChat is asked about the same token again, after a
	// failure or for a token with a short life.
	webTokenPause = time.Minute

	// webTokenWait is how long requests wait for WeChat, from its being asked on, if
	// the former token has ended.
	webTokenWait = 1500 * time.Millisecond

	// webTokenOutage is how long after a failure WeChat is asked about no token that
	// still works.
	webTokenOutage = 3 * time.Second
)

// webTokens pass the visitors' web access tokens to the site, and renew them.
// Sessions keep the tokens; webTokens hold only what a request's session may not have
// yet. They are safe for concurrent use.
type webTokens struct {
	store    session.Updater
	accounts accounts
	common   *common
	beside   *background // where WeChat is asked
	logger   zerolog.Logger

	storeErrors *counter.Counter

	mu       sync.Mutex
	grants   *sweep.Map[string, *webGrant] // by refresh token
	failedAt time.Time                     // when WeChat last gave no answer about any token
}

// webGrant is what is known about one visitor's refresh token.
type webGrant struct {
	last    *session.WebToken // the newest token for it; nil: that of the session
	refused bool              // WeChat does not take it any more
	askedAt time.Time
	failed  bool             // WeChat gave no answer at askedAt
	asking  *webTokenRenewal // that is under way; nil: there is none
}

// newWebTokens returns the tokens of the site that c describes, whose sessions are in
// store; nil if the site gets none.
func newWebTokens(
	c Site, store session.Store, accounts accounts, shared *responder, errs *fieldErrors,
) *webTokens {
	if !c.PassAccessToken {
		return nil
	}
	updater, ok := store.(session.Updater)
	if !ok && (c.Sessions == nil || store != nil) {
		errs.add("PassAccessToken", errors.New("requires Sessions with a store that is a session.Updater, "+
			"such as that of package redisstore; no cookie holds an access token"))
	}
	return &webTokens{
		store: updater, accounts: accounts, common: shared.common, storeErrors: shared.counters.storeErrors,
		beside: shared.background, logger: shared.logger,
		grants: sweep.New[string](func(g *webGrant, now time.Time) bool {
			return g.asking == nil && now.Sub(g.askedAt) >= webTokenPause
		}),
	}
}

// granted returns the token of a login, for which WeChat was asked at the given time.
// It returns nil if the site gets none: also for a snapshot user, whose token stands
// for nobody.
func (t *webTokens) granted(grant *wechat.Grant, at time.Time) *session.WebToken {
	if t == nil || grant.SnapshotUser {
		return nil
	}
	return &session.WebToken{
		Access: grant.AccessToken.Reveal(), ExpiresAt: at.Add(grant.ExpiresIn),
		Refresh: grant.RefreshToken.Reveal(), RefreshUntil: at.Add(webTokenLife),
	}
}

// access returns the access token that works for the visitor of s, who sends r; "" if
// there is none. A token that is about to end goes on while it is renewed. If it has
// ended, the request waits for the new one, but not for long.
func (t *webTokens) access(r *http.Request, s *session.Session) string {
	if t == nil || s.Token == nil {
		return ""
	}
	token, asking := t.lookup(r, s)
	if asking != nil && !works(token) {
		asking.wait(r.Context())
		t.mu.Lock()
		token = t.newest(s.Token)
		t.mu.Unlock()
	}
	if !works(token) {
		return ""
	}
	return token.Access
}

// lookup returns the newest token for the visitor of s, and its renewal if that is
// under way; it begins one that is due.
func (t *webTokens) lookup(r *http.Request, s *session.Session) (*session.WebToken, *webTokenRenewal) {
	now := time.Now()
	if s.Token.ExpiresAt.Sub(now) >= webTokenMargin {
		return s.Token, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	token := t.newest(s.Token)
	if !due(token, now) {
		return token, nil
	}
	g, known := t.grants.Get(token.Refresh)
	switch {
	case known && g.asking != nil:
		return token, g.asking
	case known && now.Sub(g.askedAt) < webTokenPause && (g.failed || works(token)),
		now.Sub(t.failedAt) < webTokenOutage && works(token):
		return token, nil
	case !known:
		g = new(webGrant)
		// A clone: the token is a part of the session, which is not to be kept.
		t.grants.Put(strings.Clone(token.Refresh), g, now)
	}
	x := t.renewal(r, s, token, g)
	if !t.beside.start(r.Context(), x.run) {
		return token, nil // the gateway is about to end
	}
	g.asking = x
	return token, x
}

// newest returns the newest token that is known for the one of a session; nil if it has
// been refused. The caller holds the lock.
func (t *webTokens) newest(stored *session.WebToken) *session.WebToken {
	g, known := t.grants.Get(stored.Refresh)
	switch {
	case known && g.refused:
		return nil
	case known && g.last != nil && g.last.ExpiresAt.After(stored.ExpiresAt):
		return g.last
	}
	return stored
}

// due reports whether the token is about to end, or has, and can be renewed.
func due(token *session.WebToken, now time.Time) bool {
	return token != nil && token.ExpiresAt.Sub(now) < webTokenMargin &&
		token.Refresh != "" && now.Before(token.RefreshUntil)
}

// works reports whether WeChat takes the token now.
func works(token *session.WebToken) bool { return token != nil && time.Now().Before(token.ExpiresAt) }
