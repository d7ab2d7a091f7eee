package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/assertion"
	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/session"
)

// sourceClient is the value of X-WX-Source for a visitor with a session.
const sourceClient = "wx_client"

// Identity is who a visitor is, as far as WeChat told.
type Identity struct {
	// OpenID names the visitor within the account AppID.
	OpenID string
	AppID  string
	// UnionID names her across the accounts of one open platform account;
	// empty where it is not known.
	UnionID string
	// Scope is what she granted: "snsapi_base" or "snsapi_userinfo".
	Scope string
	// Nickname and Avatar are empty unless she granted snsapi_userinfo.
	Nickname string
	Avatar   string
	// SnapshotUser marks the virtual account of a WeChat snapshot page: its
	// OpenID is nobody's and will not come again.
	SnapshotUser bool
	// Subscribed is whether she follows the account, where SubscribedKnown: the
	// gateway asks under [Config.RequireFollow] alone.
	Subscribed, SubscribedKnown bool
}

// IdentityFrom returns the visitor whose request carries ctx, and false where
// the request came through no gateway or without a session.
func IdentityFrom(ctx context.Context) (Identity, bool) {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok || v.session == nil {
		return Identity{}, false
	}
	return identityOf(v.session), true
}

func identityOf(s *session.Session) Identity {
	return Identity{
		OpenID:       s.OpenID,
		AppID:        s.AppID,
		UnionID:      s.UnionID,
		Scope:        s.Scope,
		Nickname:     s.Nickname,
		Avatar:       s.Avatar,
		SnapshotUser: s.SnapshotUser,

		Subscribed:      s.Subscribed,
		SubscribedKnown: !s.FollowAskedAt.IsZero(),
	}
}

// setIdentity adds the identity headers of the visitor with session s to h.
func (g *guard) setIdentity(h http.Header, s *session.Session) {
	id := identityOf(s)
	id.setHeaders(h)
	token := g.assertions.Token(assertion.Visitor{OpenID: id.OpenID, AppID: id.AppID, UnionID: id.UnionID})
	if token != "" {
		h[headers.Assertion] = []string{token}
	}
}

// setHeaders adds the identity headers of id to h, from which stripIdentity
// has removed whatever the client sent.
func (id Identity) setHeaders(h http.Header) {
	var values [9]string // all in one allocation: every request passes here
	n := 0
	set := func(name, value string) {
		if value != "" {
			values[n] = value
			h[name] = values[n : n+1 : n+1]
			n++
		}
	}
	set(headers.Source, sourceClient)
	set(headers.OpenID, id.OpenID)
	set(headers.AppID, id.AppID)
	set(headers.Scope, id.Scope)
	set(headers.UnionID, id.UnionID)
	set(headers.Nickname, percentEncoded(id.Nickname))
	set(headers.Avatar, escapeNonASCII(id.Avatar))
	if id.SnapshotUser {
		set(headers.SnapshotUser, "true")
	}
	if id.SubscribedKnown {
		set(headers.Subscribed, strconv.FormatBool(id.Subscribed))
	}
}

// percentEncoded encodes everything but letters, digits and -._~, so that those
// decoders that read + as a blank see the same text as those that do not.
func percentEncoded(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

// stripIdentity removes the client's X-WX-* headers from h in every spelling.
func stripIdentity(h http.Header) {
	for name := range h {
		if headers.IsIdentity(name) {
			delete(h, name)
		}
	}
}
