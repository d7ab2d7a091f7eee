package wechattest

import (
	"encoding/binary"
	"fmt"
	"net/http"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

// card is a visitor on a page.
type card struct {
	ID, Nickname, Avatar              string
	Follows, Snapshot, Banned, Holder bool
}

// card shows whether the visitor follows an account and holds the phone.
func (v *visitor) card(appID, phone string) card {
	_, follows := v.follows[appID]
	return card{
		ID: v.ID, Nickname: v.Nickname, Avatar: v.picture(""),
		Follows: follows, Snapshot: v.Snapshot, Banned: v.Banned, Holder: v.ID == phone,
	}
}

func (v visitors) cards(appID, phone string) []card {
	var list []card
	for _, one := range v {
		list = append(list, one.card(appID, phone))
	}
	return list
}

const (
	avatarPath = "/mmopen/"
	// snapshotPicture takes the place of a visitor's id in the address of the
	// picture that all virtual accounts have.
	snapshotPicture = "snapshot-user"
)

// picture is the address of a visitor's picture. WeChat's addresses end with the
// size.
func (v *visitor) picture(origin string) string {
	switch v.Avatar {
	case "none":
		return ""
	case "":
		return origin + avatarPath + v.ID + "/132"
	default:
		return v.Avatar
	}
}

// avatar draws the first character of the nickname on the visitor's own colour.
func (e *Emulator) avatar(w http.ResponseWriter, r *http.Request) {
	id, character := r.PathValue("visitor"), "?"
	e.mu.Lock()
	v := e.visitors.find(id)
	if v != nil && v.Nickname != "" {
		character = string([]rune(v.Nickname)[:1])
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
		`<rect width="132" height="132" fill="%s"/><text x="66" y="88" font-size="62" text-anchor="middle" `+
		`fill="#fff" font-family="sans-serif">%s</text></svg>`, colour, template.HTMLEscapeString(character))
}
