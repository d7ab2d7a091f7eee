package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// codeNoRight is WeChat's errcode for a call that the account has no right to.
const codeNoRight = 48001

// identify returns the new session of the visitor who comes back from a login
// with code. The code is used up in any case.
func (l *logins) identify(
	ctx context.Context, account *wechat.Client, login *session.Login, code string,
) (s *session.Session, err error) {
	// Before WeChat is asked: a revocation meanwhile is to end this session.
	generation := l.site.revocations.Generation()
	if l.hub.url != "" {
		s, err = l.redeem(account, login, code)
	} else {
		s, err = l.askWeChat(ctx, account, login, code)
	}
	if err != nil {
		return nil, err
	}
	s.Generation = generation
	s.IssuedAt = time.Now()
	s.RenewedAt = s.IssuedAt
	return l.check(ctx, login, s)
}

// check returns the session of a login with the newest answer about following, or why
// the site refuses it.
func (l *logins) check(ctx context.Context, login *session.Login, s *session.Session) (*session.Session, error) {
	if login.ForOtherSite() { // the other site applies its own rules
		return s, nil
	}
	if s.SnapshotUser && l.site.policy.denySnapshot {
		return nil, refusal.SnapshotUser()
	}
	if l.site.lists.refuse(s) {
		return nil, refusal.NotAllowed()
	}
	if f := l.site.follow; f != nil {
		// A visitor about whom WeChat gives no answer gets a session all the same,
		// since the code is used up. The next request asks again.
		s = f.refresh(ctx, s, f.atLogin())
	}
	return s, nil
}

// askWeChat asks WeChat who the visitor is who comes back from account with code.
func (l *logins) askWeChat(
	ctx context.Context, account *wechat.Client, login *session.Login, code string,
) (*session.Session, error) {
	began := time.Now()
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
	if !login.ForOtherSite() {
		s.Token = l.site.webTokens.granted(grant, began)
	}
	wanted := wechat.Scope(login.Scope) == wechat.ScopeUserInfo &&
		(grant.Has(wechat.ScopeUserInfo) || grant.Has(scopeLogin))
	refused := s.SnapshotUser && l.site.policy.denySnapshot && login.SiteState == ""
	if wanted && !refused {
		if err := addProfile(ctx, account, s, grant); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// addProfile asks once for nickname and avatar. If WeChat does not give them, the
// login fails.
func addProfile(ctx context.Context, account *wechat.Client, s *session.Session, grant *wechat.Grant) error {
	info, err := account.UserInfo(ctx, grant.AccessToken, grant.OpenID, "zh_CN")
	if err != nil {
		e := refusal.WeChatUnavailable(err)
		if refused, ok := errors.AsType[*wechat.Error](err); ok {
			if refused.Code == codeNoRight && grant.SnapshotUser {
				return nil // seen for snapshot users; their profile would be made up anyway
			}
			e.Hint = refused.Hint()
		}
		return e
	}
	s.Nickname, s.Avatar = info.Nickname, info.Avatar
	if info.UnionID != "" {
		s.UnionID = info.UnionID
	}
	return nil
}
