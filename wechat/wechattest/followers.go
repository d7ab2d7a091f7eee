package wechattest

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"
)

// Limits of the follower calls [WeChat's guides to the user list and to user
// info].
const (
	followersPerPage = 10_000
	followersPerCall = 100
)

// SetFollowers sets the number of an account's followers. The list starts with the
// visitors who follow; the rest are synthetic followers, who need no memory. If n
// is below the number of visitors who follow, the last of them stop following. An
// unknown AppID is ignored.
func (e *Emulator) SetFollowers(appID string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.accounts.find(appID)
	if a == nil {
		return
	}
	people := e.visitors.following(appID)
	for _, v := range people[min(max(n, 0), len(people)):] {
		v.setFollows(appID, false, e.clock.now())
	}
	a.synthetic = max(0, n-len(people))
}

// syntheticOpenID is the openid of an account's i-th synthetic follower. It
// contains i, masked, so that syntheticIndex needs no table.
func syntheticOpenID(appID string, i int) string {
	var b [20]byte
	binary.BigEndian.PutUint32(b[16:], uint32(i))
	copy(b[:16], digest("follower", appID, string(b[16:])))
	for j := range 4 {
		b[16+j] ^= b[j] ^ b[4+j]
	}
	return "o" + base64.RawURLEncoding.EncodeToString(b[:])
}

// syntheticIndex is the reverse of syntheticOpenID. It returns false for an openid
// that is not one of the account's synthetic followers.
func (a *account) syntheticIndex(openID string) (int, bool) {
	if len(openID) != 28 {
		return 0, false
	}
	b, err := base64.RawURLEncoding.DecodeString(openID[1:])
	if err != nil {
		return 0, false
	}
	for j := range 4 {
		b[16+j] ^= b[j] ^ b[4+j]
	}
	i := int(binary.BigEndian.Uint32(b[16:]))
	return i, i < a.synthetic && syntheticOpenID(a.AppID, i) == openID
}

// followerRequest makes the checks that the three calls share.
func followerRequest(x *transaction) (*account, *refusal) {
	a, refused := x.tokenAccount()
	if refused != nil {
		return nil, refused
	}
	if !a.Verified || a.Kind == KindSubscription {
		return nil, refuse(48001)
	}
	return a, x.countCall(a)
}

// followerPage is cgi-bin/user/get: a page of the list. Its next_openid is its
// last openid, even on the last page. The page after the end has no data.
func followerPage(x *transaction) (any, *refusal) {
	a, refused := followerRequest(x)
	if refused != nil {
		return nil, refused
	}
	people := x.visitors.following(a.AppID)
	start := 0
	if after := x.query.Get("next_openid"); after != "" {
		at := slices.IndexFunc(people, func(v *visitor) bool { return openIDOf(a.AppID, v.ID) == after })
		if i, ok := a.syntheticIndex(after); ok {
			at = len(people) + i
		}
		if at < 0 {
			return nil, refuse(40003)
		}
		start = at + 1
	}
	page := struct {
		Total int      `json:"total"`
		Count int      `json:"count"`
		Data  *openIDs `json:"data,omitempty"`
		Next  string   `json:"next_openid"`
	}{Total: len(people) + a.synthetic}
	page.Count = min(followersPerPage, page.Total-start)
	if page.Count == 0 {
		return page, nil
	}
	page.Data = &openIDs{make([]string, page.Count)}
	for i := range page.Data.OpenID {
		if n := start + i; n < len(people) {
			page.Data.OpenID[i] = openIDOf(a.AppID, people[n].ID)
		} else {
			page.Data.OpenID[i] = syntheticOpenID(a.AppID, n-len(people))
		}
	}
	page.Next = page.Data.OpenID[page.Count-1]
	return page, nil
}

// followerBody is what an account may know about a follower. Sex and region are
// empty since 2021-10-20, nickname and picture since 2021-12-27.
type followerBody struct {
	Subscribe     int    `json:"subscribe"`
	OpenID        string `json:"openid"`
	Nickname      string `json:"nickname"`
	Sex           int    `json:"sex"`
	Language      string `json:"language"`
	City          string `json:"city"`
	Province      string `json:"province"`
	Country       string `json:"country"`
	Picture       string `json:"headimgurl"`
	SubscribeTime int64  `json:"subscribe_time"`
	UnionID       string `json:"unionid,omitempty"`
	Remark        string `json:"remark"`
	GroupID       int    `json:"groupid"`
	TagIDs        []int  `json:"tagid_list"`
	Scene         string `json:"subscribe_scene"`
	QRScene       int    `json:"qr_scene"`
	QRSceneText   string `json:"qr_scene_str"`
}

// strangerBody is what an account may know about a person who does not follow.
type strangerBody struct {
	Subscribe int    `json:"subscribe"`
	OpenID    string `json:"openid"`
	UnionID   string `json:"unionid,omitempty"`
	TagIDs    []int  `json:"tagid_list"`
}

// personInfo is what cgi-bin/user/info tells an account about an openid.
func personInfo(x *transaction, a *account, openID string) (any, *refusal) {
	var since time.Time
	var unionID, language string
	if i, ok := a.syntheticIndex(openID); ok {
		// One new follower a minute until the account was added.
		since = a.added.Add(time.Duration(i-a.synthetic) * time.Minute)
		unionID = x.accounts.unionID(a.AppID, openID)
	} else {
		v := x.visitors.byOpenID(a.AppID, openID)
		if v == nil {
			return nil, refuse(40003)
		}
		unionID = x.accounts.unionID(a.AppID, v.ID)
		follows := false
		if since, follows = v.follows[a.AppID]; !follows {
			return strangerBody{OpenID: openID, UnionID: unionID, TagIDs: []int{}}, nil
		}
		language = v.Language
	}
	return followerBody{
		Subscribe: 1, OpenID: openID, Language: cmp.Or(language, "zh_CN"), SubscribeTime: since.Unix(),
		UnionID: unionID, TagIDs: a.tags.of(openID), Scene: "ADD_SCENE_QR_CODE",
	}, nil
}

// userInfo is cgi-bin/user/info.
func userInfo(x *transaction) (any, *refusal) {
	a, refused := followerRequest(x)
	if refused != nil {
		return nil, refused
	}
	openID := x.query.Get("openid")
	if openID == "" {
		return nil, refuse(41009)
	}
	return personInfo(x, a, openID)
}

// userInfoBatch is cgi-bin/user/info/batchget. One unknown openid refuses the
// whole call.
func userInfoBatch(x *transaction) (any, *refusal) {
	a, refused := followerRequest(x)
	if refused != nil {
		return nil, refused
	}
	var request struct {
		Users []struct {
			OpenID string `json:"openid"`
		} `json:"user_list"`
	}
	if refused := x.decode(&request); refused != nil {
		return nil, refused
	}
	if n := len(request.Users); n == 0 || n > followersPerCall {
		return nil, refuse(40032)
	}
	var body struct {
		Users []any `json:"user_info_list"`
	}
	for _, user := range request.Users {
		info, refused := personInfo(x, a, user.OpenID)
		if refused != nil {
			return nil, refused
		}
		body.Users = append(body.Users, info)
	}
	return body, nil
}
