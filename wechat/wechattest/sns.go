package wechattest

import "time"

// Lifetimes [WeChat's web authorization guide; the open platform's guide to
// website applications].
const (
	codeLife         = 5 * time.Minute
	websiteCodeLife  = 10 * time.Minute
	webTokenLife     = 2 * time.Hour
	refreshTokenLife = 30 * 24 * time.Hour
)

// Scopes of a grant.
const (
	scopeBase     = "snsapi_base"
	scopeUserInfo = "snsapi_userinfo"
	scopeLogin    = "snsapi_login" // website applications
)

// identity is who a visitor is to one account.
type identity struct {
	appID     string
	visitorID string
	openID    string // virtual in a snapshot
	unionID   string
	scope     string
	snapshot  bool
}

// grant is what a code stands for.
type grant struct {
	identity
	made time.Time
	used bool
}

// webToken is a visitor's access token.
type webToken struct {
	identity
	token string
	made  time.Time // voided by a later change of the password
	ends  time.Time
}

type refreshToken struct {
	token  string
	made   time.Time
	access *webToken
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	OpenID       string `json:"openid"`
	Scope        string `json:"scope"`
	UnionID      string `json:"unionid,omitempty"`
	Snapshot     int    `json:"is_snapshotuser,omitempty"`
}

// exchange trades a code for a web token.
func (c *call) exchange() (any, *refusal) {
	a, refused := c.credentials(c.query.Get("appid"), c.query.Get("secret"))
	if refused != nil {
		if refused.code == 40125 && c.switches.WrongSecret40001 {
			return nil, refuse(40001)
		}
		return nil, refused
	}
	code := c.query.Get("code")
	if code == "" {
		return nil, refuse(41008)
	}
	if c.query.Get("grant_type") != "authorization_code" {
		return nil, refuse(40002)
	}
	if c.switches.IPListOnSNS && !a.allowsIP(c.clientIP()) {
		return nil, c.unlistedIP()
	}
	if refused := c.countCall(a); refused != nil {
		return nil, refused
	}
	g, ok := c.grants.get(code)
	if !ok || g.appID != a.AppID {
		return nil, refuse(40029)
	}
	life := codeLife
	if a.Kind == KindWebsite {
		life = websiteCodeLife
	}
	if c.time.Sub(g.made) > life {
		if c.switches.ExpiredCode42003 {
			return nil, refuse(42003)
		}
		return nil, refuse(40029)
	}
	if g.used {
		c.warn("code used before")
		if c.switches.UsedCode40029 {
			return nil, refuse(40029)
		}
		return nil, refuse(40163)
	}
	if v := c.visitor(g.visitorID); v != nil && v.Banned {
		return nil, refuse(50002)
	}
	g.used = true

	access := c.newWebToken(g.identity)
	refresh := &refreshToken{token: c.word(tokenAlphabet, 96), made: c.time, access: access}
	c.refresh.put(c.time, refresh.token, refresh)
	answer := refresh.answer()
	if g.scope != scopeBase {
		answer.UnionID = g.unionID
	}
	if g.snapshot && !c.switches.HideSnapshotFlag {
		answer.Snapshot = 1
	}
	return answer, nil
}

func (c *call) newWebToken(who identity) *webToken {
	t := &webToken{identity: who, token: "98_" + c.word(tokenAlphabet, 85), made: c.time, ends: c.time.Add(webTokenLife)}
	c.web.put(c.time, t.token, t)
	return t
}

func (r *refreshToken) answer() tokenAnswer {
	return tokenAnswer{
		AccessToken: r.access.token, ExpiresIn: int(webTokenLife.Seconds()), RefreshToken: r.token,
		OpenID: r.access.openID, Scope: r.access.scope,
	}
}

// refreshGrant prolongs a web token, or makes a new one when it has ended.
func (c *call) refreshGrant() (any, *refusal) {
	appID := c.query.Get("appid")
	if appID == "" {
		return nil, refuse(41002)
	}
	a := c.account(appID)
	if a == nil {
		return nil, refuse(40013)
	}
	if c.query.Get("grant_type") != "refresh_token" {
		return nil, refuse(40002)
	}
	if c.query.Get("refresh_token") == "" {
		return nil, refuse(41003)
	}
	if refused := c.countCall(a); refused != nil {
		return nil, refused
	}
	r, ok := c.refresh.get(c.query.Get("refresh_token"))
	if !ok || r.access.appID != appID {
		if c.switches.BadRefresh40029 {
			return nil, refuse(40029)
		}
		return nil, refuse(40030)
	}
	if c.time.Sub(r.made) > refreshTokenLife {
		return nil, refuse(42002)
	}
	if c.passwordChangedSince(r.access.visitorID, r.made) {
		return nil, refuse(42007)
	}
	if r.access.ends.After(c.time) {
		r.access.ends = c.time.Add(webTokenLife)
		c.web.put(c.time, r.access.token, r.access)
	} else {
		r.access = c.newWebToken(r.access.identity)
	}
	return r.answer(), nil
}

func (c *call) passwordChangedSince(visitorID string, t time.Time) bool {
	v := c.visitor(visitorID)
	return v != nil && !v.passwordChanged.IsZero() && !v.passwordChanged.Before(t)
}

// webTokenOf checks the token and the openid that a profile call shows.
func (c *call) webTokenOf() (*webToken, *refusal) {
	token := c.query.Get("access_token")
	if token == "" {
		return nil, refuse(41001)
	}
	t, ok := c.web.get(token)
	if !ok || c.passwordChangedSince(t.visitorID, t.made) {
		if c.switches.UnknownToken40014 {
			return nil, refuse(40014)
		}
		return nil, refuse(40001)
	}
	if refused := c.countCall(c.account(t.appID)); refused != nil {
		return nil, refused
	}
	if !t.ends.After(c.time) {
		return nil, refuse(42001)
	}
	switch c.query.Get("openid") {
	case t.openID:
		return t, nil
	case "":
		return nil, refuse(41009)
	default:
		return nil, refuse(40003)
	}
}

// userInfo gives the profile. Sex and region say nothing since 2021-10-20.
func (c *call) userInfo() (any, *refusal) {
	t, refused := c.webTokenOf()
	if refused != nil {
		return nil, refused
	}
	if t.scope == scopeBase || t.snapshot && c.switches.SnapshotNoProfile {
		return nil, refuse(48001)
	}
	nickname, picture := "微信用户", c.base()+avatarPath+snapshotPicture+"/132"
	if v := c.visitor(t.visitorID); v != nil && !t.snapshot {
		nickname, picture = v.Nickname, v.picture(c.base())
	}
	return struct {
		OpenID    string   `json:"openid"`
		Nickname  string   `json:"nickname"`
		Sex       int      `json:"sex"`
		Province  string   `json:"province"`
		City      string   `json:"city"`
		Country   string   `json:"country"`
		Picture   string   `json:"headimgurl"`
		Privilege []string `json:"privilege"`
		UnionID   string   `json:"unionid,omitempty"`
	}{OpenID: t.openID, Nickname: nickname, Picture: picture, Privilege: []string{}, UnionID: t.unionID}, nil
}

// snapshotPicture stands in place of a visitor's id in the address of the
// picture that all virtual accounts have.
const snapshotPicture = "snapshot-user"

// auth tells whether a web token is alive.
func (c *call) auth() (any, *refusal) {
	if _, refused := c.webTokenOf(); refused != nil {
		return nil, refused
	}
	return allWell, nil
}
