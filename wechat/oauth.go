package wechat

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// A Grant is a visitor's identity and what the visitor allowed.
type Grant struct {
	// AccessToken is this visitor's web token, for the sns calls only: not the
	// account's [Token].
	AccessToken  Secret
	RefreshToken Secret        // for [Client.Refresh], good for 30 days
	ExpiresIn    time.Duration // of AccessToken, two hours at present

	// OpenID names the visitor to this account, and differs between accounts:
	// 1 to 128 bytes of visible ASCII.
	OpenID string

	// UnionID names the visitor to all accounts bound to one open-platform
	// account: as OpenID, or empty.
	UnionID string

	Scope string // what was granted, comma-separated

	// SnapshotUser says that WeChat shows the visitor a snapshot page and that
	// OpenID and UnionID are virtual, not to be kept as somebody's.
	SnapshotUser bool
}

// Has reports whether s was granted.
func (g *Grant) Has(s Scope) bool {
	return slices.Contains(strings.Split(g.Scope, ","), string(s))
}

// Exchange trades the code of one callback for the visitor's identity. A code
// works once, within five minutes of WeChat issuing it, so that Exchange sends
// it at most once, whatever happens to the connection.
//
// A refusal by WeChat is an [*Error], about the code itself when
// [Error.CodeRefused]. After any other error WeChat may or may not have used up
// the code: the visitor needs a new one.
func (c *Client) Exchange(ctx context.Context, code string) (*Grant, error) {
	return c.grant(ctx, request{
		api: "sns/oauth2/access_token",
		query: query("appid", c.AppID, "secret", c.AppSecret.Reveal(),
			"code", code, "grant_type", "authorization_code"),
		once: true,
		hide: []string{code},
	})
}

// Refresh gives a living access token to the holder of a refresh token: the
// former one prolonged, or a new one. The Grant's UnionID and SnapshotUser are
// not set, since WeChat does not repeat them. Like [Client.Exchange], it sends
// the token at most once. A refusal by WeChat is an [*Error].
func (c *Client) Refresh(ctx context.Context, refreshToken Secret) (*Grant, error) {
	return c.grant(ctx, request{
		api: "sns/oauth2/refresh_token",
		query: query("appid", c.AppID, "grant_type", "refresh_token",
			"refresh_token", refreshToken.Reveal()),
		once: true,
		hide: []string{refreshToken.Reveal()},
	})
}

// CheckToken asks WeChat whether an access token of a [Grant] is still good for
// the visitor openID: nil if it is, an [*Error] if not.
func (c *Client) CheckToken(ctx context.Context, accessToken Secret, openID string) error {
	return c.call(ctx, request{
		api:   "sns/auth",
		query: query("access_token", accessToken.Reveal(), "openid", openID),
		hide:  []string{accessToken.Reveal(), openID},
	}, new(okAnswer))
}

func (c *Client) grant(ctx context.Context, req request) (*Grant, error) {
	var a grantAnswer
	if err := c.call(ctx, req, &a); err != nil {
		return nil, err
	}
	return &Grant{
		AccessToken:  Secret(a.AccessToken),
		RefreshToken: Secret(a.RefreshToken),
		ExpiresIn:    time.Duration(a.ExpiresIn) * time.Second,
		OpenID:       a.OpenID,
		UnionID:      a.UnionID,
		Scope:        a.Scope,
		SnapshotUser: a.SnapshotUser != 0,
	}, nil
}

type grantAnswer struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    number `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	OpenID       string `json:"openid"`
	Scope        string `json:"scope"`
	UnionID      string `json:"unionid"`
	SnapshotUser number `json:"is_snapshotuser"`
}

func (a *grantAnswer) check() error {
	switch {
	case a.OpenID == "" || !visible(a.OpenID, maxIDBytes):
		return errors.New("answer without a usable openid")
	case !visible(a.UnionID, maxIDBytes):
		return errors.New("answer with an unusable unionid")
	case a.AccessToken == "" || !visible(a.AccessToken, maxTokenBytes) || !visible(a.RefreshToken, maxTokenBytes):
		return errors.New("answer without usable tokens")
	case !visible(a.Scope, maxScopeBytes):
		return errors.New("answer with an unusable scope")
	case a.ExpiresIn < 0:
		return errors.New("answer with a token that has expired")
	}
	return nil
}

// An okAnswer is one that says no more than errcode 0, but says it.
type okAnswer struct {
	Code *number `json:"errcode"`
}

func (a *okAnswer) check() error {
	if a.Code == nil {
		return errors.New("answer without an errcode")
	}
	return nil
}
