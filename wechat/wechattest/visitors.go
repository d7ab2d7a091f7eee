package wechattest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Visitor is one person with a phone.
type Visitor struct {
	// ID identifies the visitor in tests, on pages and in the control API. Sites
	// never see it.
	ID       string `json:"id"`
	Nickname string `json:"nickname"`
	// Avatar is the address of the picture; default: one that the emulator
	// draws. "none": the visitor has no picture, so headimgurl is empty.
	Avatar string `json:"avatar,omitempty"`
	// Language is the language of the visitor's WeChat; default zh_CN.
	Language string `json:"language,omitempty"`
	// Snapshot: WeChat opens every page for this visitor as a snapshot, each time
	// with a new virtual account.
	Snapshot bool `json:"snapshot,omitempty"`
	// Banned: the authorize page and the exchange refuse the visitor.
	Banned bool `json:"banned,omitempty"`
	// FromMenu: the visitor comes from an account's conversation or menu, where
	// a follower is not asked for consent.
	FromMenu bool `json:"from_menu,omitempty"`
	// FollowerOf are the AppIDs of the accounts that the visitor follows. They
	// follow since the AppID was first listed.
	FollowerOf []string `json:"follower_of"`
}

// StockVisitors are people for local development: 李华 (id "lihua", the first), 王芳
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

// visitor is a Visitor and their state. The maps are by AppID.
type visitor struct {
	Visitor
	follows         map[string]time.Time // since when
	consented       map[string]time.Time // when
	lastCode        map[string]string
	passwordChanged time.Time
}

// SetVisitor adds a visitor, or replaces the one with the same ID, whose tokens
// stay valid. The error says what is malformed.
func (e *Emulator) SetVisitor(v Visitor) error {
	if v.ID == "" || strings.ContainsAny(v.ID, "/?#% ") {
		return fmt.Errorf("visitor %q: want an id that can be part of an address", v.ID)
	}
	v.FollowerOf = slices.Clone(v.FollowerOf)
	e.mu.Lock()
	defer e.mu.Unlock()
	known := e.visitors.find(v.ID)
	if known == nil {
		known = &visitor{
			follows: map[string]time.Time{}, consented: map[string]time.Time{}, lastCode: map[string]string{},
		}
		e.visitors = append(e.visitors, known)
	}
	known.Visitor = v
	for appID := range known.follows {
		if !slices.Contains(v.FollowerOf, appID) {
			delete(known.follows, appID)
		}
	}
	for _, appID := range v.FollowerOf {
		if _, ok := known.follows[appID]; !ok {
			known.follows[appID] = e.clock.now()
		}
	}
	return nil
}

// Visitors lists the visitors in the order in which they were added.
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
	if v := e.visitors.find(visitorID); v != nil {
		v.setFollows(appID, follows, e.clock.now())
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

// ChangePassword changes a visitor's password: their earlier web tokens become
// void (40001), and earlier refresh tokens get 42007. An unknown visitor is
// ignored.
func (e *Emulator) ChangePassword(visitorID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.visitors.find(visitorID); v != nil {
		v.passwordChanged = e.clock.now()
	}
}

// OpenID is the visitor's openid for an account: 28 characters, the first an o,
// the same in every emulator and on every run.
func (e *Emulator) OpenID(appID, visitorID string) string { return openIDOf(appID, visitorID) }

func openIDOf(appID, visitorID string) string { return "o" + identifier("openid", appID, visitorID) }

// UnionID is the visitor's unionid for the account's open platform, the same for
// all its accounts. It is empty for an account without an open platform.
func (e *Emulator) UnionID(appID, visitorID string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.accounts.unionID(appID, visitorID)
}

// visitors are in the order in which they were added.
type visitors []*visitor

func (v visitors) find(id string) *visitor {
	for _, one := range v {
		if one.ID == id {
			return one
		}
	}
	return nil
}

func (v visitors) byOpenID(appID, openID string) *visitor {
	for _, one := range v {
		if openIDOf(appID, one.ID) == openID {
			return one
		}
	}
	return nil
}

// following are the visitors who follow an account, in the order of its follower
// list.
func (v visitors) following(appID string) visitors {
	return slices.DeleteFunc(slices.Clone(v), func(one *visitor) bool {
		_, follows := one.follows[appID]
		return !follows
	})
}

// changedPassword reports whether a visitor has changed the password since t.
func (v visitors) changedPassword(id string, t time.Time) bool {
	one := v.find(id)
	return one != nil && !one.passwordChanged.IsZero() && !one.passwordChanged.Before(t)
}
