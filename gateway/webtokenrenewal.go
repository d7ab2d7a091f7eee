package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// errOtherVisitor is the error of a renewal whose answer is about somebody else.
var errOtherVisitor = errors.New("WeChat renewed the access token of another visitor")

// webTokenRenewal renews the web token of one session, and stores the new one.
type webTokenRenewal struct {
	tokens  *webTokens
	grant   *webGrant
	account *wechat.Client
	openID  string
	update  session.Update
	former  *session.WebToken
	began   time.Time
	done    chan struct{} // closed at the end

	asked bool
	token *session.WebToken // the newest one; nil: none
	err   error             // why WeChat gave none
}

// renewal returns the renewal of token, that of session s, which Load returned for r.
func (t *webTokens) renewal(
	r *http.Request, s *session.Session, token *session.WebToken, g *webGrant,
) *webTokenRenewal {
	return &webTokenRenewal{
		tokens: t, grant: g, account: t.accounts.named(s.AppID), openID: s.OpenID, update: t.store.Update(r, s),
		former: token, token: token, began: time.Now(), done: make(chan struct{}),
	}
}

// wait waits for the end of the renewal, but not for long.
func (x *webTokenRenewal) wait(ctx context.Context) {
	timer := time.NewTimer(time.Until(x.began.Add(webTokenWait)))
	defer timer.Stop()
	select {
	case <-x.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// run renews the token, unless another replica has.
func (x *webTokenRenewal) run(ctx context.Context) {
	err := errors.New("panic")
	defer func() { // after a panic too, so that WeChat is asked again
		x.tokens.renewed(x, err)
		close(x.done)
	}()
	err = x.update(ctx, func(s *session.Session) bool { return x.change(ctx, s) })
	x.log(ctx, err)
}

// change puts the new token into s, the session as the store has it, and reports
// whether it did. It asks WeChat once.
func (x *webTokenRenewal) change(ctx context.Context, s *session.Session) bool {
	if !sameToken(s.Token, x.former) {
		x.token = s.Token // another replica was faster
		return false
	}
	if !x.asked {
		x.asked = true
		x.token, x.err = x.ask(ctx)
	}
	if x.err != nil {
		return false
	}
	s.Token = x.token
	return true
}

// ask asks WeChat for the new token. It returns nil if WeChat refuses the visitor's
// refresh token, and the former token with an error if WeChat gave no answer.
func (x *webTokenRenewal) ask(ctx context.Context) (*session.WebToken, error) {
	began := time.Now()
	grant, err := x.account.Refresh(ctx, wechat.Secret(x.former.Refresh))
	refused, ok := errors.AsType[*wechat.Error](err)
	switch {
	case ok && refused.Class() == wechat.Visitor:
		return nil, nil
	case err != nil:
		return x.former, err
	case grant.OpenID != x.openID:
		return x.former, errOtherVisitor
	}
	return &session.WebToken{
		Access:       grant.AccessToken.Reveal(),
		ExpiresAt:    began.Add(grant.ExpiresIn),
		Refresh:      cmp.Or(grant.RefreshToken.Reveal(), x.former.Refresh),
		RefreshUntil: x.former.RefreshUntil,
	}, nil
}

// renewed notes the result of a renewal. err is that of the store.
func (t *webTokens) renewed(x *webTokenRenewal, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, g := time.Now(), x.grant
	g.asking, g.askedAt = nil, now
	g.failed = x.err != nil || err != nil
	g.refused = x.token == nil
	g.last = x.token
	if x.err != nil {
		t.failedAt = now
	}
}

// log logs why a token was not renewed. A visitor whose token WeChat refuses, or who
// has signed out, is no failure. err is that of the store.
func (x *webTokenRenewal) log(ctx context.Context, err error) {
	t := x.tokens
	if err != nil && !errors.Is(err, session.ErrNone) {
		t.storeErrors.Inc()
		t.common.warnings.webToken.do(func() {
			t.logger.Warn().Err(err).Msg("access token not stored")
		})
	}
	if x.err == nil || ctx.Err() != nil {
		return
	}
	t.common.warnings.webToken.do(func() {
		event := t.logger.Warn()
		if refused, ok := errors.AsType[*wechat.Error](x.err); ok && refused.Class() != wechat.Later {
			event = t.logger.Error().Str("hint", refused.Hint())
		} else if hint := refusal.AwayHint(x.err); hint != "" {
			event = event.Str("hint", hint)
		}
		event.Err(x.err).Msg("access token not renewed")
	})
}

// sameToken reports whether two tokens are the same as far as a session keeps them.
func sameToken(a, b *session.WebToken) bool {
	return a != nil && b != nil &&
		a.Access == b.Access && a.Refresh == b.Refresh && a.ExpiresAt.Unix() == b.ExpiresAt.Unix()
}
