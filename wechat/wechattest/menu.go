package wechattest

import (
	"encoding/json"
	"slices"
	"strconv"
)

// Rules of an account's menu [WeChat's guide to custom menus]. Sizes are in
// bytes.
const (
	maxButtons      = 3
	maxSubButtons   = 5
	maxButtonName   = 16
	maxSubName      = 60
	maxButtonKey    = 128
	maxButtonURL    = 1024
	firstMenuID     = 400_000_001
	maxSpecialMenus = 100
)

// menuButton is a button of a menu. One with buttons below it has a name only.
type menuButton struct {
	Type      string        `json:"type,omitempty"`
	Name      string        `json:"name"`
	Key       string        `json:"key,omitempty"`
	URL       string        `json:"url,omitempty"`
	MediaID   string        `json:"media_id,omitempty"`
	ArticleID string        `json:"article_id,omitempty"`
	AppID     string        `json:"appid,omitempty"`
	Page      string        `json:"pagepath,omitempty"`
	Below     []*menuButton `json:"sub_button"`
}

// menu is an account's default menu, or one for the followers whom a rule
// matches.
type menu struct {
	Buttons []*menuButton              `json:"button"`
	Rule    map[string]json.RawMessage `json:"matchrule,omitempty"`
	ID      int                        `json:"menuid,omitempty"`
}

// menus are an account's menus.
type menus struct {
	standard *menu   // nil: none
	special  []*menu // those with a rule, oldest first
	last     int     // number of special menus made so far
}

// menuErrors are the codes for what is wrong with a button.
type menuErrors struct{ kind, name, key, url int }

func (m *menu) check() *refusal {
	if n := len(m.Buttons); n == 0 || n > maxButtons {
		return refuse(40016)
	}
	for _, button := range m.Buttons {
		if button == nil {
			return refuse(40016)
		}
		if len(button.Below) > maxSubButtons {
			return refuse(40023)
		}
		if refused := button.check(maxButtonName, menuErrors{kind: 40017, name: 40018, key: 40019, url: 40020}); refused != nil {
			return refused
		}
		for _, below := range button.Below {
			if below == nil || len(below.Below) > 0 {
				return refuse(40023)
			}
			if refused := below.check(maxSubName, menuErrors{kind: 40024, name: 40025, key: 40026, url: 40027}); refused != nil {
				return refused
			}
			below.Below = []*menuButton{}
		}
		if button.Below == nil {
			button.Below = []*menuButton{}
		}
	}
	return nil
}

// check makes the checks of one button, whose name may have so many bytes.
func (b *menuButton) check(name int, codes menuErrors) *refusal {
	if b.Name == "" || len(b.Name) > name {
		return refuse(codes.name)
	}
	if len(b.Below) > 0 {
		return nil // its type does not count
	}
	switch b.Type {
	case "click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select":
		if b.Key == "" || len(b.Key) > maxButtonKey {
			return refuse(codes.key)
		}
	case "view", "miniprogram":
		if b.URL == "" || len(b.URL) > maxButtonURL {
			return refuse(codes.url)
		}
	case "media_id", "view_limited":
		if b.MediaID == "" {
			return refuse(40007)
		}
	case "article_id", "article_view_limited":
		if b.ArticleID == "" {
			return refuse(40007)
		}
	default:
		return refuse(codes.kind)
	}
	return nil
}

func createMenu(x *transaction) (any, *refusal) {
	var m menu
	a, refused := accountJSON(x, &m)
	if refused != nil {
		return nil, refused
	}
	if refused := m.check(); refused != nil {
		return nil, refused
	}
	a.menus.standard = &menu{Buttons: m.Buttons}
	return okBody, nil
}

func getMenu(x *transaction) (any, *refusal) {
	a, refused := accountCall(x)
	if refused != nil {
		return nil, refused
	}
	if a.menus.standard == nil {
		return nil, refuse(46003)
	}
	return struct {
		Menu    *menu   `json:"menu"`
		Special []*menu `json:"conditionalmenu,omitempty"`
	}{a.menus.standard, a.menus.special}, nil
}

// deleteMenu deletes all menus of the account.
func deleteMenu(x *transaction) (any, *refusal) {
	a, refused := accountCall(x)
	if refused != nil {
		return nil, refused
	}
	a.menus.standard, a.menus.special = nil, nil
	return okBody, nil
}

// menuIDBody is the answer of addconditional, and what delconditional is sent.
type menuIDBody struct {
	ID string `json:"menuid"`
}

func addSpecialMenu(x *transaction) (any, *refusal) {
	var m menu
	a, refused := accountJSON(x, &m)
	if refused != nil {
		return nil, refused
	}
	switch refused := m.check(); {
	case a.menus.standard == nil:
		return nil, refuse(65303)
	case refused != nil:
		return nil, refused
	case len(m.Rule) == 0:
		return nil, refuse(65304)
	case len(a.menus.special) == maxSpecialMenus:
		return nil, refuse(65305)
	}
	m.ID = firstMenuID + a.menus.last
	a.menus.last++
	a.menus.special = append(a.menus.special, &m)
	return menuIDBody{strconv.Itoa(m.ID)}, nil
}

func deleteSpecialMenu(x *transaction) (any, *refusal) {
	var body menuIDBody
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, refused
	}
	i := slices.IndexFunc(a.menus.special, func(m *menu) bool { return strconv.Itoa(m.ID) == body.ID })
	if i < 0 {
		return nil, refuse(65301)
	}
	a.menus.special = slices.Delete(a.menus.special, i, i+1)
	return okBody, nil
}

// tryMenu is cgi-bin/menu/trymatch: the menu that a follower sees. Of the rules only
// tag_id counts; the emulator's visitors have nothing else to match.
func tryMenu(x *transaction) (any, *refusal) {
	var body struct {
		User string `json:"user_id"`
	}
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, refused
	}
	if x.followerOf(a, body.User) != nil {
		return nil, refuse(65302)
	}
	if a.menus.standard == nil {
		return nil, refuse(46003)
	}
	shown := a.menus.standard
	for _, m := range a.menus.special { // the newest counts
		for _, id := range a.tags.of(body.User) {
			if number := strconv.Itoa(id); slices.Contains([]string{number, strconv.Quote(number)}, string(m.Rule["tag_id"])) {
				shown = m
			}
		}
	}
	return menu{Buttons: shown.Buttons}, nil
}
