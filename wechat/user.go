package wechat

import (
	"cmp"
	"context"
	"errors"
	"net/url"
)

const (
	maxNicknameBytes = 256
	maxAvatarBytes   = 1024
)

// UserInfo is a visitor's profile. WeChat also sends sex and region, which have
// been empty for everybody since October 2021.
type UserInfo struct {
	OpenID  string // as in [Grant]
	UnionID string // as in [Grant]

	// Nickname is valid UTF-8 without control characters, at most 256 bytes;
	// a longer one is cut. The visitor chose it: escape it wherever it is shown.
	Nickname string

	// Avatar is the address of the visitor's picture, http or https and at most
	// 1024 bytes of visible ASCII. It is empty without a picture, or with an
	// address of another form, and dies when the picture changes.
	Avatar string

	Privilege []string // the carrier's privileges, as WeChat names them; mostly none
}

// UserInfo fetches the profile of the visitor openID with the access token of a
// [Grant] that has [ScopeUserInfo]. The language lang is zh_CN, zh_TW or en;
// empty means zh_CN. A refusal by WeChat is an [*Error]: 48001 without that
// scope, [Error.Stale] when the token is no longer good. An answer about another
// visitor is an error.
func (c *Client) UserInfo(ctx context.Context, accessToken Secret, openID, lang string) (*UserInfo, error) {
	a := userAnswer{asked: openID}
	if err := c.call(ctx, request{
		api: "sns/userinfo",
		query: query("access_token", accessToken.Reveal(), "openid", openID,
			"lang", cmp.Or(lang, "zh_CN")),
		once: true,
		hide: []string{accessToken.Reveal(), openID},
	}, &a); err != nil {
		return nil, err
	}
	return &UserInfo{
		OpenID:    a.OpenID,
		UnionID:   a.UnionID,
		Nickname:  clean(a.Nickname, maxNicknameBytes),
		Avatar:    avatar(a.Avatar),
		Privilege: a.Privilege,
	}, nil
}

type userAnswer struct {
	OpenID    string   `json:"openid"`
	UnionID   string   `json:"unionid"`
	Nickname  string   `json:"nickname"`
	Avatar    string   `json:"headimgurl"`
	Privilege []string `json:"privilege"`

	asked string // openid in the request
}

func (a *userAnswer) check() error {
	switch {
	case a.OpenID == "" || !visible(a.OpenID, maxIDBytes):
		return errors.New("answer without a usable openid")
	case a.OpenID != a.asked:
		return errors.New("answer about another openid")
	case !visible(a.UnionID, maxIDBytes):
		return errors.New("answer with an unusable unionid")
	}
	return nil
}

// avatar is raw, or empty if that is no address of a picture.
func avatar(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !visible(raw, maxAvatarBytes) {
		return ""
	}
	return raw
}
