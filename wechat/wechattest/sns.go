package wechattest

import "time"

// Lifetimes of codes and web tokens [WeChat's web authorization guide; the open
// platform's guide to website applications].
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

// identity is a visitor as one account knows them.
type identity struct {
	appID     string
	visitorID string
	openID    string // virtual in a snapshot
	unionID   string
	scope     string
	snapshot  bool
	origin    string // at which the visitor's browser has reached the emulator
}

// grant is what the site gets for a code.
type grant struct {
	identity
	made time.Time
	used bool
}

// webToken is a visitor's access token.
type webToken struct {
	identity
	token string
	made  time.Time // a later change of the password voids the token
	ends  time.Time
}

// refreshToken belongs to one web token at a time.
type refreshToken struct {
	token  string
	made   time.Time
	access *webToken
}

type grantBody struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	OpenID       string `json:"openid"`
	Scope        string `json:"scope"`
	UnionID      string `json:"unionid,omitempty"`
	Snapshot     int    `json:"is_snapshotuser,omitempty"`
}

// exchange is sns/oauth2/access_token: it exchanges a code for a web token.
func exchange(x *transaction) (any, *refusal) {
	a, refused := x.credentials(x.query.Get("appid"), x.query.Get("secret"))
	if refused != nil {
		if refused.code == 40125 && x.switches.WrongSecret40001 {
			return nil, refuse(40001)
		}
		return nil, refused
	}
	code := x.query.Get("code")
	switch {
	case code == "":
		return nil, refuse(41008)
	case x.query.Get("grant_type") != "authorization_code":
		return nil, refuse(40002)
	case x.switches.IPListOnSNS && !a.allowsIP(x.clientIP()):
		return nil, x.unlistedIP()
	}
	if refused := x.countCall(a); refused != nil {
		return nil, refused
	}
	g, refused := useCode(x, a, code)
	if refused != nil {
		return nil, refused
	}
	access := newWebToken(x, g.identity)
	refresh := &refreshToken{token: x.random.text(tokenAlphabet, 96), made: x.time, access: access}
	x.refreshTokens.put(x.time, refresh.token, refresh)
	body := refresh.body()
	if g.scope != scopeBase {
		body.UnionID = g.unionID
	}
	if g.snapshot && !x.switches.HideSnapshotFlag {
		body.Snapshot = 1
	}
	return body, nil
}

// useCode marks a code as used and returns its grant.
func useCode(x *transaction, a *account, code string) (*grant, *refusal) {
	g, ok := x.grants.get(code)
	if !ok || g.appID != a.AppID {
		return nil, refuse(40029)
	}
	life := codeLife
	if a.Kind == KindWebsite {
		life = websiteCodeLife
	}
	if x.time.Sub(g.made) > life {
		if x.switches.ExpiredCode42003 {
			return nil, refuse(42003)
		}
		return nil, refuse(40029)
	}
	if g.used {
		x.warn("code used before")
		if x.switches.UsedCode40029 {
			return nil, refuse(40029)
		}
		return nil, refuse(40163)
	}
	if v := x.visitors.find(g.visitorID); v != nil && v.Banned {
		return nil, refuse(50002)
	}
	g.used = true
	return g, nil
}

func newWebToken(x *transaction, who identity) *webToken {
	t := &webToken{
		identity: who, token: "98_" + x.random.text(tokenAlphabet, 85), made: x.time, ends: x.time.Add(webTokenLife),
	}
	x.webTokens.put(x.time, t.token, t)
	return t
}

func (r *refreshToken) body() grantBody {
	return grantBody{
		AccessToken: r.access.token, ExpiresIn: int(webTokenLife.Seconds()), RefreshToken: r.token,
		OpenID: r.access.openID, Scope: r.access.scope,
	}
}

// rotate makes another refresh token with another access token in place of r.
func (r *refreshToken) rotate(x *transaction) *refreshToken {
	delete(x.refreshTokens.values, r.token)
	next := &refreshToken{
		token: x.random.text(tokenAlphabet, 96), made: r.made, access: newWebToken(x, r.access.identity),
	}
	x.refreshTokens.put(x.time, next.token, next)
	return next
}

// refreshGrant is sns/oauth2/refresh_token: it prolongs a web token, or makes a
// new one if it has ended.
func refreshGrant(x *transaction) (any, *refusal) {
	appID := x.query.Get("appid")
	if appID == "" {
		return nil, refuse(41002)
	}
	a := x.accounts.find(appID)
	switch {
	case a == nil:
		return nil, refuse(40013)
	case x.query.Get("grant_type") != "refresh_token":
		return nil, refuse(40002)
	case x.query.Get("refresh_token") == "":
		return nil, refuse(41003)
	}
	if refused := x.countCall(a); refused != nil {
		return nil, refused
	}
	r, ok := x.refreshTokens.get(x.query.Get("refresh_token"))
	if !ok || r.access.appID != appID {
		if x.switches.BadRefresh40029 {
			return nil, refuse(40029)
		}
		return nil, refuse(40030)
	}
	if x.time.Sub(r.made) > refreshTokenLife {
		return nil, refuse(42002)
	}
	if x.visitors.changedPassword(r.access.visitorID, r.made) {
		return nil, refuse(42007)
	}
	if x.switches.RotateRefresh {
		return r.rotate(x).body(), nil
	}
	if r.access.ends.After(x.time) {
		r.access.ends = x.time.Add(webTokenLife)
		x.webTokens.put(x.time, r.access.token, r.access)
	} else {
		r.access = newWebToken(x, r.access.identity)
	}
	return r.body(), nil
}

// checkWebToken checks the token and the openid of a call about a visitor.
func checkWebToken(x *transaction) (*webToken, *refusal) {
	token := x.query.Get("access_token")
	if token == "" {
		return nil, refuse(41001)
	}
	t, ok := x.webTokens.get(token)
	if !ok || x.visitors.changedPassword(t.visitorID, t.made) {
		if x.switches.UnknownToken40014 {
			return nil, refuse(40014)
		}
		return nil, refuse(40001)
	}
	if refused := x.countCall(x.accounts.find(t.appID)); refused != nil {
		return nil, refused
	}
	if !t.ends.After(x.time) {
		return nil, refuse(42001)
	}
	switch openID := x.query.Get("openid"); {
	case openID == "":
		return nil, refuse(41009)
	case openID != t.openID && !x.switches.IgnoreWrongOpenID:
		return nil, refuse(40003)
	}
	return t, nil
}

// profile is sns/userinfo. Sex and region are empty since 2021-10-20.
func profile(x *transaction) (any, *refusal) {
	t, refused := checkWebToken(x)
	if refused != nil {
		return nil, refused
	}
	if t.scope == scopeBase || t.snapshot && x.switches.SnapshotNoProfile {
		return nil, refuse(48001)
	}
	nickname, picture := "微信用户", t.origin+avatarPath+snapshotPicture+"/132"
	if v := x.visitors.find(t.visitorID); v != nil && !t.snapshot {
		nickname, picture = v.Nickname, v.picture(t.origin)
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

// checkToken is sns/auth: it reports whether a web token is valid.
func checkToken(x *transaction) (any, *refusal) {
	if _, refused := checkWebToken(x); refused != nil {
		return nil, refused
	}
	return okBody, nil
}
