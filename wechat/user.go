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

	// Nickname is valid UTF-8 without control characters, cut to at most 256
	// bytes. The visitor chose it: escape it where it is shown.
	Nickname string

	// Avatar is the address of the visitor's picture: http or https, at most
	// 1024 bytes of visible ASCII. It is empty if there is no picture or the
	// address has another form. It stops working when the picture changes.
	Avatar string

	Privilege []string // the carrier's privileges, as WeChat names them; usually none
}

// UserInfo fetches the profile of the visitor openID with the access token of a
// [Grant] that has [ScopeUserInfo]. The language lang is zh_CN, zh_TW or en;
// empty means zh_CN. A refusal by WeChat is an [*Error]: 48001 without that
// scope, [Error.Stale] when the token is no longer valid. A response about
// another visitor is an error.
func (c *Client) UserInfo(ctx context.Context, accessToken Secret, openID, lang string) (*UserInfo, error) {
	res := profileResponse{wanted: openID}
	if err := c.call(ctx, request{
		api: "sns/userinfo",
		query: query("access_token", accessToken.Reveal(), "openid", openID,
			"lang", cmp.Or(lang, "zh_CN")),
		once: true,
		hide: []string{accessToken.Reveal(), openID},
	}, &res); err != nil {
		return nil, err
	}
	return &UserInfo{
		OpenID:    res.OpenID,
		UnionID:   res.UnionID,
		Nickname:  clean(res.Nickname, maxNicknameBytes),
		Avatar:    avatar(res.Avatar),
		Privilege: res.Privilege,
	}, nil
}

type profileResponse struct {
	OpenID    string   `json:"openid"`
	UnionID   string   `json:"unionid"`
	Nickname  string   `json:"nickname"`
	Avatar    string   `json:"headimgurl"`
	Privilege []string `json:"privilege"`

	wanted string // openid of the request
}

func (r *profileResponse) check() error {
	switch {
	case r.OpenID == "" || !visible(r.OpenID, maxIDBytes):
		return errors.New("response without a usable openid")
	case r.OpenID != r.wanted:
		return errors.New("response about another openid")
	case !visible(r.UnionID, maxIDBytes):
		return errors.New("response with an unusable unionid")
	}
	return nil
}

// avatar returns raw, or empty if raw is not a usable address of a picture.
func avatar(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !visible(raw, maxAvatarBytes) {
		return ""
	}
	return raw
}

// User is what an account knows about a follower. Nickname and picture are no
// longer part of it: see [Client.UserInfo]. For a person who does not follow,
// only OpenID and UnionID are set.
type User struct {
	OpenID        string    // as in [Grant]
	UnionID       string    // as in [Grant]
	Subscribed    bool      // follows the account
	SubscribeTime time.Time // when they last began to follow

	// These are valid UTF-8 without control characters, each cut to at most 256
	// bytes.
	Language       string // of their WeChat, such as zh_CN; possibly empty
	Remark         string // the account's own note
	SubscribeScene string // how the follower came, such as ADD_SCENE_QR_CODE
	QRSceneStr     string // of the QR code scanned, as the account chose it

	QRScene int64 // of the QR code scanned
	GroupID int
	TagIDs  []int
}

// User fetches what the account knows about openID, including whether the person
// follows. A refusal by WeChat is an [*Error]: 40003 for an openid of another
// account or a unionid. A response about another openid is an error.
func (s *TokenSource) User(ctx context.Context, openID string) (*User, error) {
	res := userResponse{wanted: []string{openID}}
	if err := s.call(ctx, request{
		api:   "cgi-bin/user/info",
		query: query("openid", openID),
		hide:  res.wanted,
	}, &res); err != nil {
		return nil, err
	}
	return new(res.user()), nil
}

// Users is [TokenSource.User] for up to 100 openids in one call, in their order;
// more are an error. A user whom WeChat leaves out is missing. One openid that
// WeChat refuses may fail the whole call.
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
	res := batchResponse{wanted: openIDs}
	if err := s.call(ctx, request{api: api, body: body, hide: openIDs}, &res); err != nil {
		return nil, err
	}
	byOpenID := make(map[string]User, len(res.Users))
	for _, r := range res.Users {
		byOpenID[r.OpenID] = r.user()
	}
	users := make([]User, 0, len(openIDs))
	for _, openID := range openIDs {
		if user, ok := byOpenID[openID]; ok {
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

type batchResponse struct {
	Users []userResponse `json:"user_info_list"`

	wanted []string // openids of the request
}

func (r *batchResponse) check() error {
	if r.Users == nil {
		return errors.New("response without a user_info_list")
	}
	for i := range r.Users {
		r.Users[i].wanted = r.wanted
		if err := r.Users[i].check(); err != nil {
			return err
		}
	}
	return nil
}

type userResponse struct {
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

	wanted []string // openids of the request
}

func (r *userResponse) check() error {
	switch {
	case r.OpenID == "" || !visible(r.OpenID, maxIDBytes):
		return errors.New("response without a usable openid")
	case !slices.Contains(r.wanted, r.OpenID):
		return errors.New("response about another openid")
	case !visible(r.UnionID, maxIDBytes):
		return errors.New("response with an unusable unionid")
	case r.Subscribe == nil:
		return errors.New("response without subscribe")
	}
	return nil
}

func (r *userResponse) user() User {
	u := User{OpenID: r.OpenID, UnionID: r.UnionID}
	if *r.Subscribe == 0 {
		return u
	}
	u.Subscribed = true
	if r.SubscribeTime > 0 {
		u.SubscribeTime = time.Unix(int64(r.SubscribeTime), 0)
	}
	u.Language = clean(r.Language, maxRemarkBytes)
	u.Remark = clean(r.Remark, maxRemarkBytes)
	u.SubscribeScene = clean(r.SubscribeScene, maxRemarkBytes)
	u.QRSceneStr = clean(r.QRSceneStr, maxRemarkBytes)
	u.QRScene = int64(r.QRScene)
	u.GroupID = int(r.GroupID)
	for _, id := range r.TagIDs {
		u.TagIDs = append(u.TagIDs, int(id))
	}
	return u
}
