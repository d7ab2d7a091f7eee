package wechat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

const (
	maxNicknameBytes = 256
	maxAvatarBytes   = 1024
	maxRemarkBytes   = 256 // of each text in a [User]

	maxUsers = 100 // of one call of cgi-bin/user/info/batchget
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

// User is what an account knows about a follower. Nickname and picture are no
// longer part of it: see [Client.UserInfo]. Of somebody who does not follow only
// OpenID and UnionID are set.
type User struct {
	OpenID        string    // as in [Grant]
	UnionID       string    // as in [Grant]
	Subscribed    bool      // follows the account
	SubscribeTime time.Time // when that began last

	// These are valid UTF-8 without control characters, at most 256 bytes; a
	// longer text is cut.
	Language       string // empty nowadays
	Remark         string // the account's own note
	SubscribeScene string // how the follower came, such as ADD_SCENE_QR_CODE
	QRSceneStr     string // of the QR code scanned, as its maker chose it

	QRScene int64 // of the QR code scanned
	GroupID int
	TagIDs  []int
}

// User fetches what the account knows about openID, and with it whether they
// follow. A refusal by WeChat is an [*Error]: 40003 for an openid of another
// account or a unionid. An answer about somebody else is an error.
func (s *TokenSource) User(ctx context.Context, openID string) (*User, error) {
	a := followerAnswer{asked: []string{openID}}
	if err := s.call(ctx, request{
		api:   "cgi-bin/user/info",
		query: query("openid", openID),
		hide:  a.asked,
	}, &a); err != nil {
		return nil, err
	}
	return new(a.user()), nil
}

// Users is [TokenSource.User] for up to 100 openids in one call, in their order;
// more are an error. Somebody whom WeChat leaves out is missing. One openid that
// WeChat refuses may fail all.
func (s *TokenSource) Users(ctx context.Context, openIDs []string) ([]User, error) {
	const api = "cgi-bin/user/info/batchget"
	if len(openIDs) > maxUsers {
		return nil, fmt.Errorf("%s: %d openids, want at most %d", api, len(openIDs), maxUsers)
	}
	if len(openIDs) == 0 {
		return nil, nil
	}
	var body batchRequest
	for _, openID := range openIDs {
		body.Users = append(body.Users, batchUser{openID})
	}
	a := batchAnswer{asked: openIDs}
	if err := s.call(ctx, request{api: api, body: body, hide: openIDs}, &a); err != nil {
		return nil, err
	}
	given := make(map[string]User, len(a.Users))
	for _, f := range a.Users {
		given[f.OpenID] = f.user()
	}
	users := make([]User, 0, len(openIDs))
	for _, openID := range openIDs {
		if user, ok := given[openID]; ok {
			users = append(users, user)
		}
	}
	return users, nil
}

type batchRequest struct {
	Users []batchUser `json:"user_list"`
}

type batchUser struct {
	OpenID string `json:"openid"`
}

type batchAnswer struct {
	Users []followerAnswer `json:"user_info_list"`

	asked []string // openids in the request
}

func (a *batchAnswer) check() error {
	if a.Users == nil {
		return errors.New("answer without a user_info_list")
	}
	for i := range a.Users {
		a.Users[i].asked = a.asked
		if err := a.Users[i].check(); err != nil {
			return err
		}
	}
	return nil
}

type followerAnswer struct {
	Subscribe      *number   `json:"subscribe"`
	OpenID         string    `json:"openid"`
	UnionID        string    `json:"unionid"`
	Language       string    `json:"language"`
	SubscribeTime  bigNumber `json:"subscribe_time"`
	Remark         string    `json:"remark"`
	GroupID        number    `json:"groupid"`
	TagIDs         []number  `json:"tagid_list"`
	SubscribeScene string    `json:"subscribe_scene"`
	QRScene        bigNumber `json:"qr_scene"`
	QRSceneStr     string    `json:"qr_scene_str"`

	asked []string // openids in the request
}

func (a *followerAnswer) check() error {
	switch {
	case a.OpenID == "" || !visible(a.OpenID, maxIDBytes):
		return errors.New("answer without a usable openid")
	case !slices.Contains(a.asked, a.OpenID):
		return errors.New("answer about another openid")
	case !visible(a.UnionID, maxIDBytes):
		return errors.New("answer with an unusable unionid")
	case a.Subscribe == nil:
		return errors.New("answer without subscribe")
	}
	return nil
}

func (a *followerAnswer) user() User {
	u := User{OpenID: a.OpenID, UnionID: a.UnionID}
	if *a.Subscribe == 0 {
		return u
	}
	u.Subscribed = true
	if a.SubscribeTime > 0 {
		u.SubscribeTime = time.Unix(int64(a.SubscribeTime), 0)
	}
	u.Language = clean(a.Language, maxRemarkBytes)
	u.Remark = clean(a.Remark, maxRemarkBytes)
	u.SubscribeScene = clean(a.SubscribeScene, maxRemarkBytes)
	u.QRSceneStr = clean(a.QRSceneStr, maxRemarkBytes)
	u.QRScene = int64(a.QRScene)
	u.GroupID = int(a.GroupID)
	for _, id := range a.TagIDs {
		u.TagIDs = append(u.TagIDs, int(id))
	}
	return u
}
