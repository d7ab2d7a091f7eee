package gateway

import (
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/answer"
	"github.com/wxgate/wxgate/session"
)

// meAnswer is what a page may know of its own visitor. What WeChat did not
// tell is left out.
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

// me tells a page who its visitor is: GET {prefix}/me. Always JSON.
func (g *guard) me(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r.Context())
	v.navigation = false
	switch {
	case v.storeErr != nil:
		return v.storeErr
	case v.session == nil:
		return &failure{Status: http.StatusUnauthorized, Word: wordUnauthorized, LoginURL: g.loginURL(g.callingPage(r), g.scope)}
	case g.lists.refuse(v.session):
		return g.refusal(barred, "")
	}
	g.renew(r, w.Header(), v)
	answer.JSON(w, http.StatusOK, g.meOf(v.session))
	return nil
}

// meOf is what a page may know of the visitor with session s.
func (g *guard) meOf(s *session.Session) meAnswer {
	var subscribed *bool
	if !s.FollowAskedAt.IsZero() {
		subscribed = new(s.Subscribed)
	}
	return meAnswer{
		OpenID:       s.OpenID,
		UnionID:      s.UnionID,
		AppID:        s.AppID,
		Scope:        s.Scope,
		Nickname:     s.Nickname,
		Avatar:       s.Avatar,
		SnapshotUser: s.SnapshotUser,
		Subscribed:   subscribed,
		IssuedAt:     s.IssuedAt.UTC().Truncate(time.Second),
		ExpiresAt:    g.lifetime.ExpiresAt(s).UTC().Truncate(time.Second),
	}
}
