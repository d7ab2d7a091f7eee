package gateway

import (
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
)

// meAnswer is what a page may know about its visitor. What WeChat did not tell
// is left out.
type meAnswer struct {
	OpenID       string    `json:"openid"`
	UnionID      string    `json:"unionid,omitempty"`
	AppID        string    `json:"appid"`
	Scope        string    `json:"scope,omitempty"`
	Nickname     string    `json:"nickname,omitempty"`
	Avatar       string    `json:"avatar,omitempty"`
	SnapshotUser bool      `json:"snapshot_user"`
	Subscribed   *bool     `json:"subscribed,omitempty"`
	IssuedAt     time.Time `json:"issued_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// me tells a page who its visitor is: GET {prefix}/me.
func (e *endpoints) me(w *recorder, r *http.Request, q *facts, v visitor) error {
	s := e.site
	switch {
	case v.err != nil:
		return v.err
	case v.session == nil:
		return refusal.Unauthorized(s.loginURL(s.callingPage(r), s.scope))
	case s.lists.refuse(v.session):
		return refusal.NotAllowed()
	}
	v = s.renew(r, w.Header(), q, v)
	refusal.WriteJSON(w, http.StatusOK, s.me(v.session))
	return nil
}

// me is what a page may know about the visitor with the given session.
func (s *site) me(v *session.Session) meAnswer {
	var subscribed *bool
	if !v.FollowAskedAt.IsZero() {
		subscribed = new(v.Subscribed)
	}
	return meAnswer{
		OpenID:       v.OpenID,
		UnionID:      v.UnionID,
		AppID:        v.AppID,
		Scope:        v.Scope,
		Nickname:     v.Nickname,
		Avatar:       v.Avatar,
		SnapshotUser: v.SnapshotUser,
		Subscribed:   subscribed,
		IssuedAt:     v.IssuedAt.UTC().Truncate(time.Second),
		ExpiresAt:    s.lifetime.ExpiresAt(v).UTC().Truncate(time.Second),
	}
}
