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
	// AccessToken is this visitor's web access token. It is for the sns calls
	// only and is not the account's [Token].
	AccessToken  Secret
	RefreshToken Secret        // for [Client.Refresh], valid for 30 days
	ExpiresIn    time.Duration // of AccessToken, two hours at present

	// OpenID identifies the visitor to this account; every account has another
	// one. It is 1 to 128 bytes of visible ASCII.
	OpenID string

	// UnionID identifies the visitor to all accounts bound to one open-platform
	// account. It has the form of OpenID, or is empty.
	UnionID string

	Scope string // what was granted, comma-separated

	// SnapshotUser reports that WeChat shows the visitor a snapshot page.
	// OpenID and UnionID are then virtual and must not be stored as a visitor's.
	SnapshotUser bool
}

// Has reports whether s was granted.
func (g *Grant) Has(s Scope) bool {
	return slices.Contains(strings.Split(g.Scope, ","), string(s))
}

// Exchange exchanges the code of one callback for the visitor's identity. A code
// works once, within five minutes of WeChat issuing it, so Exchange sends it at
// most once, even if the connection breaks.
//
// A refusal by WeChat is an [*Error]; [Error.CodeRefused] tells whether it is
// about the code itself. After any other error WeChat may or may not have used up
// the code, so the visitor needs a new one.
func (c *Client) Exchange(ctx context.Context, code string) (*Grant, error) {
	return c.grant(ctx, request{
		api: "sns/oauth2/access_token",
		query: query("appid", c.AppID, "secret", c.AppSecret.Reveal(),
			"code", code, "grant_type", "authorization_code"),
		once: true,
		hide: []string{code},
	})
}

// Refresh returns a valid web access token for a refresh token: the former one
// with a new lifetime, or a new one. The Grant has neither UnionID nor
// SnapshotUser, since WeChat does not repeat them. Like [Client.Exchange],
// Refresh sends the token at most once. A refusal by WeChat is an [*Error].
func (c *Client) Refresh(ctx context.Context, refreshToken Secret) (*Grant, error) {
	return c.grant(ctx, request{
		api: "sns/oauth2/refresh_token",
		query: query("appid", c.AppID, "grant_type", "refresh_token",
			"refresh_token", refreshToken.Reveal()),
		once: true,
		hide: []string{refreshToken.Reveal()},
	})
}

// CheckToken asks WeChat whether the web access token of a [Grant] is still valid
// for the visitor openID. It returns nil if it is, and an [*Error] if not.
func (c *Client) CheckToken(ctx context.Context, accessToken Secret, openID string) error {
	return c.call(ctx, request{
		api:   "sns/auth",
		query: query("access_token", accessToken.Reveal(), "openid", openID),
		hide:  []string{accessToken.Reveal(), openID},
	}, new(okResponse))
}

func (c *Client) grant(ctx context.Context, req request) (*Grant, error) {
	var res grantResponse
	if err := c.call(ctx, req, &res); err != nil {
		return nil, err
	}
	return &Grant{
		AccessToken:  Secret(res.AccessToken),
		RefreshToken: Secret(res.RefreshToken),
		ExpiresIn:    time.Duration(res.ExpiresIn) * time.Second,
		OpenID:       res.OpenID,
		UnionID:      res.UnionID,
		Scope:        res.Scope,
		SnapshotUser: res.SnapshotUser != 0,
	}, nil
}

type grantResponse struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    number `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	OpenID       string `json:"openid"`
	Scope        string `json:"scope"`
	UnionID      string `json:"unionid"`
	SnapshotUser number `json:"is_snapshotuser"`
}

func (r *grantResponse) check() error {
	switch {
	case r.OpenID == "" || !visible(r.OpenID, maxIDBytes):
		return errors.New("response without a usable openid")
	case !visible(r.UnionID, maxIDBytes):
		return errors.New("response with an unusable unionid")
	case r.AccessToken == "" || !visible(r.AccessToken, maxTokenBytes) || !visible(r.RefreshToken, maxTokenBytes):
		return errors.New("response without usable tokens")
	case !visible(r.Scope, maxScopeBytes):
		return errors.New("response with an unusable scope")
	case r.ExpiresIn < 0:
		return errors.New("response with an expired token")
	}
	return nil
}

// An okResponse has errcode 0 and nothing else; the errcode must be present.
type okResponse struct {
	Code *number `json:"errcode"`
}

func (r *okResponse) check() error {
	if r.Code == nil {
		return errors.New("response without an errcode")
	}
	return nil
}
