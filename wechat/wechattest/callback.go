package wechattest

import (
	"net/url"
	"slices"
	"strings"
)

// RepeatHeader is a header of the redirect to a callback that WeChat's client
// would open twice with the same code: see the switch SecondHop. [Browser] opens
// it twice.
const RepeatHeader = "X-Emulator-Repeat"

// reply carries out the visitor's answer.
func (c consent) reply(v *visitor, a Answer) response {
	switch a {
	case AnswerAgree:
		if c.scope == scopeUserInfo {
			v.consented[c.account.AppID] = c.time
		}
		return c.callbackRedirect(c.newCode(v, false))
	case AnswerSnapshot:
		return c.callbackRedirect(c.newCode(v, true))
	case AnswerDeclineRedirect:
		return redirect(c.callbackAddress(""))
	default:
		return c.declinedPage()
	}
}

// newCode makes a grant and returns its code.
func (c consent) newCode(v *visitor, snapshot bool) string {
	appID := c.account.AppID
	last := v.lastCode[appID]
	if g, ok := c.grants.get(last); ok && c.switches.PreviousCode && c.time.Sub(g.made) <= codeLife {
		return last
	}
	who := identity{
		appID: appID, visitorID: v.ID, openID: openIDOf(appID, v.ID), unionID: c.accounts.unionID(appID, v.ID),
		scope: c.scope, snapshot: snapshot, origin: c.origin(),
	}
	if snapshot {
		who.openID = "o" + c.random.text(tokenAlphabet, 27)
		if who.unionID != "" {
			person := who.openID
			if c.switches.SharedSnapshotID {
				person = snapshotPicture
			}
			who.unionID = c.accounts.unionID(appID, person)
		}
	}
	code := c.random.text(lettersAndDigits, 32)
	c.grants.put(c.time, code, &grant{identity: who, made: c.time})
	v.lastCode[appID] = code
	return code
}

// callbackRedirect sends the visitor back to the site with a code.
func (c consent) callbackRedirect(code string) response {
	res := redirect(c.callbackAddress(code))
	if c.double {
		res.header.Set(RepeatHeader, "1")
	}
	return res
}

// callbackAddress adds code and state to redirect_uri as WeChat does: after its
// query and before its fragment, so that a hash route is kept. The code is empty
// if the visitor declined.
func (c consent) callbackAddress(code string) string {
	address, fragment, hasFragment := strings.Cut(c.redirectURI, "#")
	base, query, hasQuery := strings.Cut(address, "?")
	if c.switches.DropOpenIDInQuery && hasQuery {
		pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			return name == "openId"
		})
		query = strings.Join(pairs, "&")
	}
	if u, err := url.Parse(base); err == nil && u.Path == "" {
		base += "/"
	}
	var parts []string
	if query != "" {
		parts = append(parts, query)
	}
	if code != "" {
		parts = append(parts, "code="+code)
	}
	if c.hasState || !c.switches.OmitAbsentState {
		parts = append(parts, "state="+plainState(c.state))
	}
	address = base
	if len(parts) > 0 {
		address += "?" + strings.Join(parts, "&")
	}
	if hasFragment {
		address += "#" + fragment
	}
	return address
}

// plainState is what WeChat sends back of a state: its letters and digits.
func plainState(state string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(lettersAndDigits, r) {
			return r
		}
		return -1
	}, state)
}
