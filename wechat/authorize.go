package wechat

import (
	"cmp"
	"fmt"
	"strings"
)

// A Scope is what a visitor is asked to grant.
type Scope string

const (
	// ScopeBase gives the openid without asking the visitor.
	ScopeBase Scope = "snsapi_base"

	// ScopeUserInfo also gives nickname and picture ([Client.UserInfo]). WeChat
	// asks the visitor for consent, unless they gave it recently, or follow the
	// account and come from its conversation or menu.
	ScopeUserInfo Scope = "snsapi_userinfo"
)

// UnmarshalText sets s to one of the two scopes and refuses any other text.
func (s *Scope) UnmarshalText(text []byte) error {
	switch scope := Scope(text); scope {
	case ScopeBase, ScopeUserInfo:
		*s = scope
		return nil
	}
	return fmt.Errorf("unknown scope %q: want %s or %s", clean(string(text), 64), ScopeBase, ScopeUserInfo)
}

// Authorize are the parameters of WeChat's authorize page.
type Authorize struct {
	// RedirectURI is where WeChat sends the visitor with code and state: an
	// absolute address on one of the account's registered callback domains.
	RedirectURI string

	Scope Scope // default ScopeBase

	// State comes back with the code. WeChat promises this for letters and
	// digits, at most 128 bytes. It is neither checked nor changed here.
	State string

	// ConnectRedirect keeps WeChat from calling RedirectURI twice with one
	// code. WeChat does not document it; other clients always send it.
	ConnectRedirect bool

	// ForcePopup asks for consent even if the visitor gave it recently.
	ForcePopup bool

	// ForceSnapShot opens RedirectURI as a snapshot page with a virtual visitor
	// ([Grant.SnapshotUser]), for tests of such pages.
	ForceSnapShot bool
}

// AuthorizeURL is the address of WeChat's authorize page with the parameters a.
// They are in the order that [WeChat's web authorization guide] requires, each
// escaped for a query, a space as %20.
//
// [WeChat's web authorization guide]: https://developers.weixin.qq.com/doc/service/guide/h5/auth.html
func (c *Client) AuthorizeURL(a Authorize) string {
	parameters := []string{
		"appid", c.AppID,
		"redirect_uri", a.RedirectURI,
		"response_type", "code",
		"scope", string(cmp.Or(a.Scope, ScopeBase)),
		"state", a.State,
	}
	if a.ConnectRedirect {
		parameters = append(parameters, "connect_redirect", "1")
	}
	if a.ForcePopup {
		parameters = append(parameters, "forcePopup", "true")
	}
	if a.ForceSnapShot {
		parameters = append(parameters, "forceSnapShot", "true")
	}
	open := strings.TrimRight(cmp.Or(c.OpenURL, defaultOpenURL), "/")
	return open + "/connect/oauth2/authorize?" + query(parameters...) + "#wechat_redirect"
}
