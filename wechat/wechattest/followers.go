package wechattest

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"
)

// Sizes of follower calls [WeChat's guides to the user list and to user info].
const (
	followersPerPage = 10_000
	followersPerCall = 100
)

// SetFollowers makes n the number of an account's followers. Visitors who
// follow stand first in the list; the rest is made up of people who exist in
// it only and cost no memory. With n below the number of following visitors,
// the last of these stop following. An unknown AppID is ignored.
func (e *Emulator) SetFollowers(appID string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.account(appID)
	if a == nil {
		return
	}
	people := e.following(appID)
	for _, v := range people[min(max(n, 0), len(people)):] {
		v.setFollows(appID, false, e.now())
	}
	a.synthetic = max(0, n-len(people))
}

// following are the visitors who follow an account, in the list's order.
func (e *Emulator) following(appID string) []*visitor {
	return slices.DeleteFunc(slices.Clone(e.visitors), func(v *visitor) bool {
		_, follows := v.follows[appID]
		return !follows
	})
}

// syntheticOpenID is the openid of the i-th follower who is no visitor. The
// number stands in it, masked, so that it can be found again without a table.
func syntheticOpenID(appID string, i int) string {
	var b [20]byte
	binary.BigEndian.PutUint32(b[16:], uint32(i))
	copy(b[:16], digest("follower", appID, string(b[16:])))
	for j := range 4 {
		b[16+j] ^= b[j] ^ b[4+j]
	}
	return "o" + base64.RawURLEncoding.EncodeToString(b[:])
}

// syntheticIndex finds the number that an openid of an account's synthetic
// followers has.
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
func (c *call) followerRequest() (*account, *refusal) {
	a, refused := c.tokenAccount()
	if refused != nil {
		return nil, refused
	}
	if !a.Verified || a.Kind == KindSubscription {
		return nil, refuse(48001)
	}
	return a, c.countCall(a)
}

// followers is a page of the list. Its next_openid is the page's last one, on
// the last page too; after the end there is no data.
func (c *call) followers() (any, *refusal) {
	a, refused := c.followerRequest()
	if refused != nil {
		return nil, refused
	}
	people := c.following(a.AppID)
	start := 0
	if after := c.query.Get("next_openid"); after != "" {
		at := slices.IndexFunc(people, func(v *visitor) bool { return c.OpenID(a.AppID, v.ID) == after })
		if i, ok := a.syntheticIndex(after); ok {
			at = len(people) + i
		}
		if at < 0 {
			return nil, refuse(40003)
		}
		start = at + 1
	}
	type openIDs struct {
		OpenID []string `json:"openid"`
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
			page.Data.OpenID[i] = c.OpenID(a.AppID, people[n].ID)
		} else {
			page.Data.OpenID[i] = syntheticOpenID(a.AppID, n-len(people))
		}
	}
	page.Next = page.Data.OpenID[page.Count-1]
	return page, nil
}

// followerInfo is what an account may know about a follower. Nickname and
// picture stopped on 2021-12-27, sex and region on 2021-10-20.
type followerInfo struct {
	Subscribe     int    `json:"subscribe"`
	OpenID        string `json:"openid"`
	Language      string `json:"language"`
	SubscribeTime int64  `json:"subscribe_time"`
	UnionID       string `json:"unionid,omitempty"`
	Remark        string `json:"remark"`
	GroupID       int    `json:"groupid"`
	TagIDs        []int  `json:"tagid_list"`
	Scene         string `json:"subscribe_scene"`
	QRScene       int    `json:"qr_scene"`
	QRSceneText   string `json:"qr_scene_str"`
}

// stranger is what an account may know about anybody else.
type stranger struct {
	Subscribe int    `json:"subscribe"`
	OpenID    string `json:"openid"`
	UnionID   string `json:"unionid,omitempty"`
	TagIDs    []int  `json:"tagid_list"`
}

func (c *call) followerInfo(a *account, openID string) (any, *refusal) {
	var since time.Time
	var unionID string
	if i, ok := a.syntheticIndex(openID); ok {
		// One follower a minute, up to the moment at which the account was made.
		since = a.followed.Add(time.Duration(i-a.synthetic) * time.Minute)
		unionID = c.unionID(a.AppID, openID)
	} else {
		v := c.visitorByOpenID(a.AppID, openID)
		if v == nil {
			return nil, refuse(40003)
		}
		unionID = c.unionID(a.AppID, v.ID)
		follows := false
		if since, follows = v.follows[a.AppID]; !follows {
			return stranger{OpenID: openID, UnionID: unionID, TagIDs: []int{}}, nil
		}
	}
	return followerInfo{
		Subscribe: 1, OpenID: openID, SubscribeTime: since.Unix(), UnionID: unionID,
		TagIDs: []int{}, Scene: "ADD_SCENE_QR_CODE",
	}, nil
}

func (c *call) follower() (any, *refusal) {
	a, refused := c.followerRequest()
	if refused != nil {
		return nil, refused
	}
	openID := c.query.Get("openid")
	if openID == "" {
		return nil, refuse(41009)
	}
	return c.followerInfo(a, openID)
}

func (c *call) followerBatch() (any, *refusal) {
	a, refused := c.followerRequest()
	if refused != nil {
		return nil, refused
	}
	var asked struct {
		Users []struct {
			OpenID string `json:"openid"`
		} `json:"user_list"`
	}
	if refused := c.decode(&asked); refused != nil {
		return nil, refused
	}
	if n := len(asked.Users); n == 0 || n > followersPerCall {
		return nil, refuse(40032)
	}
	var answer struct {
		Users []any `json:"user_info_list"`
	}
	for _, user := range asked.Users {
		info, refused := c.followerInfo(a, user.OpenID)
		if refused != nil {
			return nil, refused
		}
		answer.Users = append(answer.Users, info)
	}
	return answer, nil
}
