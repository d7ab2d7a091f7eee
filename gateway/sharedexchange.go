package gateway

import (
	"context"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// Exchanges have the code of each login exchanged once over all replicas, so that a
// callback that reaches two of them at the same time brings the session twice.
// Implementations are safe for concurrent use. See package
// [github.com/wxgate/wxgate/session/redisstore].
type Exchanges interface {
	// Once returns the result of exchange for the login with the given state, which is
	// secret, as the result is. Another call for the same state, on any replica, waits
	// and returns that result. An error is that of this call's exchange: no error is
	// passed on to another call.
	//
	// Once must call exchange at once if the replicas cannot be asked.
	Once(ctx context.Context, state string, exchange func(context.Context) ([]byte, error)) ([]byte, error)
}

// identifyOnce is identify, unless another replica has identified the visitor of the
// same login: then it returns that session.
func (l *logins) identifyOnce(
	ctx context.Context, account *wechat.Client, login *session.Login, code string,
) (*session.Session, error) {
	if l.shared == nil || l.hub.url != "" { // every replica of the site can open a hub's ticket
		return l.identify(ctx, account, login, code)
	}
	var own *session.Session
	result, err := l.shared.Once(ctx, login.State, func(ctx context.Context) (_ []byte, err error) {
		if own, err = l.identify(ctx, account, login, code); err != nil {
			return nil, err
		}
		return own.MarshalBinary()
	})
	if own != nil || err != nil {
		return own, err
	}
	other := new(session.Session)
	if other.UnmarshalBinary(result) != nil || other.AppID != account.AppID {
		return l.identify(ctx, account, login, code)
	}
	if l.site.webTokens == nil || login.ForOtherSite() {
		other.Token = nil
	}
	return l.check(ctx, login, other)
}
