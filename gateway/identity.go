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

// Identity is who a visitor is, as far as WeChat tells.
type Identity struct {
	// OpenID names the visitor within the account AppID.
	OpenID string
	AppID  string
	// UnionID names them across the accounts of one open platform account; empty:
	// not known.
	UnionID string
	// Scope is what they granted: "snsapi_base" or "snsapi_userinfo".
	Scope string
	// Nickname and Avatar are empty unless they granted snsapi_userinfo.
	Nickname string
	Avatar   string
	// SnapshotUser marks the virtual account of a WeChat snapshot page, whose
	// OpenID stands for nobody and will not come again.
	SnapshotUser bool
	// Subscribed is whether they follow the account, if SubscribedKnown: the
	// gateway asks WeChat only under [Site.RequireFollow].
	Subscribed, SubscribedKnown bool
}

type identityKey struct{}

// IdentityFrom returns the visitor whose request has the context ctx, and false
// if the request came through no [Gateway.Wrap] or without a session. It may be
// called from any goroutine.
func IdentityFrom(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(Identity)
	return id, ok
}

// identityOf returns the identity of the visitor with session s.
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

// setIdentity adds the identity headers of the visitor with session v, who sends r, to
// h, with the secrets: the assertion and the access token.
func (s *site) setIdentity(h http.Header, r *http.Request, v *session.Session) {
	id := identityOf(v)
	id.setHeaders(h)
	s.setAssertion(h, id)
	s.setAccessToken(h, r, v)
}

// setAssertion adds the assertion of id to h, if the site has keys for it.
func (s *site) setAssertion(h http.Header, id Identity) {
	token := s.assertions.Token(assertion.Visitor{OpenID: id.OpenID, AppID: id.AppID, UnionID: id.UnionID})
	if token != "" {
		h[headers.Assertion] = []string{token}
	}
}

// setAccessToken adds the access token of the visitor with session v, who sends r, to
// h, if they have one.
func (s *site) setAccessToken(h http.Header, r *http.Request, v *session.Session) {
	if token := s.webTokens.access(r, v); token != "" {
		h[headers.AccessToken] = []string{token}
	}
}

// setHeaders adds the identity headers of id to h. stripIdentity has to remove
// the client's before.
func (id Identity) setHeaders(h http.Header) {
	var values [9]string // one allocation: every request passes here
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

// percentEncoded encodes all but letters, digits and -._~. Without a + the text
// is the same for decoders that read + as a space and for those that do not.
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
