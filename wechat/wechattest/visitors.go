package wechattest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Visitor is one person with a phone.
type Visitor struct {
	// ID names the visitor in tests, pages and the control API. A site never
	// sees it.
	ID       string `json:"id"`
	Nickname string `json:"nickname"`
	// Avatar is the address of the picture; default: one that the emulator
	// draws. "none": the visitor has no picture and headimgurl is empty.
	Avatar string `json:"avatar,omitempty"`
	// Language is the one that WeChat is set to; default zh_CN.
	Language string `json:"language,omitempty"`
	// Snapshot: WeChat opens every page for this visitor as a snapshot, with a
	// virtual account that is new each time.
	Snapshot bool `json:"snapshot,omitempty"`
	// Banned: the authorize page and the exchange refuse the visitor.
	Banned bool `json:"banned,omitempty"`
	// FromMenu: the visitor comes from an account's conversation or menu, where
	// a follower is not asked for consent.
	FromMenu bool `json:"from_menu,omitempty"`
	// FollowerOf are the AppIDs of the accounts that the visitor follows, since
	// the moment at which that was first said.
	FollowerOf []string `json:"follower_of"`
}

// StockVisitors are people for local work: 李华 (id "lihua", the first), 王芳
// ("wangfang") and Alice Zhang ("alice") follow the stock account, as does 小美🌸✨
// ("xiaomei"), whose nickname has emoji; Tom Brown ("tom") does not follow, and
// "snapshot" is a visitor who sees snapshot pages.
func StockVisitors() []Visitor {
	follows := []string{StockAppID}
	return []Visitor{
		{ID: "lihua", Nickname: "李华", FollowerOf: follows},
		{ID: "wangfang", Nickname: "王芳", FollowerOf: follows},
		{ID: "alice", Nickname: "Alice Zhang", Language: "en", FollowerOf: follows},
		{ID: "xiaomei", Nickname: "小美🌸✨", FollowerOf: follows},
		{ID: "tom", Nickname: "Tom Brown", Language: "en"},
		{ID: "snapshot", Nickname: "快照访客", Snapshot: true},
	}
}

// visitor is a Visitor and what happened to them, by AppID.
type visitor struct {
	Visitor
	follows         map[string]time.Time // since
	consented       map[string]time.Time
	lastCode        map[string]string
	passwordChanged time.Time
}

// SetVisitor adds a visitor, or replaces the one with the same ID, whose tokens
// stay good. An error tells what is malformed.
func (e *Emulator) SetVisitor(v Visitor) error {
	if v.ID == "" || strings.ContainsAny(v.ID, "/?#% ") {
		return fmt.Errorf("visitor %q: an id is needed that can stand in an address", v.ID)
	}
	v.FollowerOf = slices.Clone(v.FollowerOf)
	e.mu.Lock()
	defer e.mu.Unlock()
	have := e.visitor(v.ID)
	if have == nil {
		have = &visitor{follows: map[string]time.Time{}, consented: map[string]time.Time{}, lastCode: map[string]string{}}
		e.visitors = append(e.visitors, have)
	}
	have.Visitor = v
	for appID := range have.follows {
		if !slices.Contains(v.FollowerOf, appID) {
			delete(have.follows, appID)
		}
	}
	for _, appID := range v.FollowerOf {
		if _, ok := have.follows[appID]; !ok {
			have.follows[appID] = e.now()
		}
	}
	return nil
}

// Visitors lists the visitors in the order in which they came.
func (e *Emulator) Visitors() []Visitor {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []Visitor
	for _, v := range e.visitors {
		one := v.Visitor
		one.FollowerOf = slices.Clone(one.FollowerOf)
		list = append(list, one)
	}
	return list
}

// SetFollows makes a visitor follow an account or stop. An unknown visitor is
// ignored.
func (e *Emulator) SetFollows(appID, visitorID string, follows bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.visitor(visitorID); v != nil {
		v.setFollows(appID, follows, e.now())
	}
}

func (v *visitor) setFollows(appID string, follows bool, now time.Time) {
	_, already := v.follows[appID]
	switch {
	case follows && !already:
		v.follows[appID] = now
		v.FollowerOf = append(slices.Clone(v.FollowerOf), appID)
	case !follows && already:
		delete(v.follows, appID)
		v.FollowerOf = slices.DeleteFunc(slices.Clone(v.FollowerOf), func(id string) bool { return id == appID })
	}
}

// ChangePassword makes a visitor change the password: web tokens handed out
// before are void (40001) and refresh tokens answer 42007. An unknown visitor
// is ignored.
func (e *Emulator) ChangePassword(visitorID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.visitor(visitorID); v != nil {
		v.passwordChanged = e.now()
	}
}

// OpenID is the visitor's openid at an account: 28 characters, the first an o,
// the same in every emulator and on every run.
func (e *Emulator) OpenID(appID, visitorID string) string {
	return "o" + identifier("openid", appID, visitorID)
}

// UnionID is the visitor's unionid at the open platform that the account
// belongs to, the same for all its accounts; empty where there is none.
func (e *Emulator) UnionID(appID, visitorID string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.unionID(appID, visitorID)
}

func (e *Emulator) unionID(appID, visitorID string) string {
	a := e.account(appID)
	if a == nil || a.OpenPlatformID == "" {
		return ""
	}
	return "o" + identifier("unionid", a.OpenPlatformID, visitorID)
}

// identifier is 27 characters that depend on the parts alone.
func identifier(kind string, parts ...string) string {
	return base64.RawURLEncoding.EncodeToString(digest(kind, parts...))[:27]
}

func digest(kind string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(kind))
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)
}

func (e *Emulator) visitor(id string) *visitor {
	for _, v := range e.visitors {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// visitorByOpenID finds whose openid it is among the people who exist.
func (e *Emulator) visitorByOpenID(appID, openID string) *visitor {
	for _, v := range e.visitors {
		if e.OpenID(appID, v.ID) == openID {
			return v
		}
	}
	return nil
}

const avatarPath = "/mmopen/"

// picture is the address of a visitor's picture. WeChat's ends with the size.
func (v *visitor) picture(base string) string {
	switch v.Avatar {
	case "none":
		return ""
	case "":
		return base + avatarPath + v.ID + "/132"
	default:
		return v.Avatar
	}
}

// avatar draws the first sign of the nickname on a colour of its own.
func (e *Emulator) avatar(w http.ResponseWriter, r *http.Request) {
	id, sign := r.PathValue("visitor"), "?"
	e.mu.Lock()
	v := e.visitor(id)
	if v != nil && v.Nickname != "" {
		sign = string([]rune(v.Nickname)[:1])
	}
	e.mu.Unlock()
	if v == nil && id != snapshotPicture {
		http.NotFound(w, r)
		return
	}
	hue := int(binary.BigEndian.Uint16(digest("hue", id))) % 360
	colour := fmt.Sprintf("hsl(%d,52%%,52%%)", hue)
	if v == nil {
		colour = "#b2b2b2"
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 132" width="132" height="132">`+
		`<rect width="132" height="132" fill="%s"/><text x="66" y="88" font-size="62" text-anchor="middle" fill="#fff" `+
		`font-family="sans-serif">%s</text></svg>`, colour, template.HTMLEscapeString(sign))
}
