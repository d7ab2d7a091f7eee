package gateway

import (
	"net/http"
	"time"
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
	IssuedAt     time.Time `json:"issued_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// me tells a page who its visitor is: GET {prefix}/me. Always JSON.
func (g *Gateway) me(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r.Context())
	v.navigation = false
	switch {
	case v.storeErr != nil:
		return v.storeErr
	case v.session == nil:
		return &failure{Status: http.StatusUnauthorized, Word: wordUnauthorized, LoginURL: g.loginURL(g.callingPage(r), g.scope)}
	}
	g.renew(r, w.Header(), v)
	s := v.session
	writeJSON(w, http.StatusOK, meAnswer{
		OpenID:       s.OpenID,
		UnionID:      s.UnionID,
		AppID:        s.AppID,
		Scope:        s.Scope,
		Nickname:     s.Nickname,
		Avatar:       s.Avatar,
		SnapshotUser: s.SnapshotUser,
		IssuedAt:     s.IssuedAt.UTC(),
		ExpiresAt:    g.lifetime.ExpiresAt(s).UTC(),
	})
	return nil
}
