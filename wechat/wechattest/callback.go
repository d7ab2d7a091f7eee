package wechattest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// RepeatHeader stands on the redirect to a callback that WeChat's client would
// open twice, with the same code: see the switch SecondHop. [Browser] obeys it.
const RepeatHeader = "X-Emulator-Repeat"

// newCode makes the grant that a code stands for, and the code.
func (c *call) newCode(p *pending, v *visitor, snapshot bool) string {
	appID := p.account.AppID
	if g, ok := c.grants.get(v.lastCode[appID]); ok && c.switches.PreviousCode && c.time.Sub(g.made) <= codeLife {
		return v.lastCode[appID]
	}
	who := identity{
		appID: appID, visitorID: v.ID, openID: c.OpenID(appID, v.ID), unionID: c.unionID(appID, v.ID),
		scope: p.scope, snapshot: snapshot,
	}
	if snapshot {
		who.openID = "o" + c.word(tokenAlphabet, 27)
		if who.unionID != "" {
			seed := who.openID
			if c.switches.SharedSnapshotID {
				seed = snapshotPicture
			}
			who.unionID = c.unionID(appID, seed)
		}
	}
	code := c.word(lettersAndDigits, 32)
	c.grants.put(c.time, code, &grant{identity: who, made: c.time})
	v.lastCode[appID] = code
	return code
}

// grantRedirect sends the visitor back to the site with a code.
func (c *call) grantRedirect(p *pending, code string) response {
	res := redirect(c.callbackAddress(p, code))
	if p.double {
		res.header.Set(RepeatHeader, "1")
	}
	return res
}

func redirect(location string) response {
	return response{status: http.StatusFound, header: http.Header{
		"Location": {headerSafe(location)}, "Cache-Control": {"no-store"},
	}}
}

// callbackAddress joins code and state to redirect_uri as WeChat does: after
// its query, before its fragment, so that a hash route survives. No code: the
// visitor declined.
func (c *call) callbackAddress(p *pending, code string) string {
	address, fragment, hasFragment := strings.Cut(p.redirectURI, "#")
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
	if p.hasState || !c.switches.OmitAbsentState {
		parts = append(parts, "state="+plainState(p.state))
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

// headerSafe escapes what may not stand in a header or an address. What was
// escaped twice in redirect_uri is still escaped once here and stays.
func headerSafe(address string) string {
	var b strings.Builder
	for i := range len(address) {
		switch ch := address[i]; {
		case ch <= ' ' || ch >= 0x7f || strings.IndexByte(`"<>\^{|}`+"`", ch) >= 0:
			fmt.Fprintf(&b, "%%%02X", ch)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}
