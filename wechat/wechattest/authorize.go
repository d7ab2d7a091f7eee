package wechattest

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// authorizeParameters are the authorize page's parameters in the documented
// order [WeChat's web authorization guide]. The order among the last group is
// not documented; the in-app browser adds its own credentials at the end.
var authorizeParameters = []string{"appid", "redirect_uri", "response_type", "scope", "state"}

var laterParameters = []string{
	"connect_redirect", "forcePopup", "forceSnapShot", "component_appid",
	"uin", "key", "pass_ticket", "version",
}

// longAddress is a length that some iPhones do not open.
const longAddress = 1000

// pending is a well-formed request to sign somebody in, while the page waits
// for an answer.
type pending struct {
	account     *account
	redirectURI string
	scope       string
	state       string
	hasState    bool
	double      bool // the callback is to arrive twice
	popup       bool // forcePopup
	snapshot    bool // forceSnapShot
}

// authorize is the page that a site sends its visitors to. Its checks stand in
// the order of their numbers in the emulator's tests.
func (c *call) authorize() response {
	p, refused := c.readAuthorize()
	if refused != nil {
		return *refused
	}
	own := c.query.Get("connect_redirect") == "1"
	if c.switches.SecondHop {
		first, hopped := c.hops.get(c.query.Get("key"))
		if !hopped {
			return c.secondHop(own)
		}
		p.double = !first
	}
	return c.ask(p)
}

// secondHop sends the browser to the same address with the credentials of
// WeChat's client.
func (c *call) secondHop(own bool) response {
	key := c.word(lettersAndDigits, 32)
	c.hops.put(c.time, key, own)
	query := c.r.URL.RawQuery
	if !own {
		query += "&connect_redirect=1"
	}
	query += "&uin=MTIzNDU2Nzg5MA%3D%3D&key=" + key + "&pass_ticket=" + c.word(lettersAndDigits, 32)
	return redirect(c.path + "?" + query + "#wechat_redirect")
}

// readAuthorize makes the checks that depend on the address alone.
func (c *call) readAuthorize() (*pending, *response) {
	page := func(r response) (*pending, *response) { return nil, &r }

	// 1. The order of the parameters.
	if departure := c.departure(); departure != "" {
		if c.switches.StrictOrder {
			return page(c.cannotOpen(departure))
		}
		c.warn(departure)
	}
	if n := len(c.base()) + len(c.r.RequestURI); n > longAddress {
		c.warn("the address is longer than some phones open: keep it under 1,000 characters")
	}
	// 2. The browser.
	if c.switches.WeChatOnly && !inWeChat(c.r.UserAgent()) {
		return page(c.errorPage(http.StatusOK, 0, "请在微信客户端打开链接", "Please open this link in WeChat"))
	}
	// 3. The account.
	appID := c.query.Get("appid")
	if appID == "" {
		return page(c.errorCode(10012, "appid 为空", "appid is empty"))
	}
	a := c.account(appID)
	switch {
	case a == nil:
		return page(c.errorPage(http.StatusOK, 0, "AppID 参数错误", "There is no account with this appid"))
	case a.Kind == KindWebsite:
		return page(c.errorCode(10016, "不支持使用开放平台 AppID，请使用公众号的 AppID", "this is an open platform appid: use the official account's"))
	case a.Banned:
		return page(c.errorCode(10004, "公众号被封禁", "the account is banned"))
	}
	p, refused := c.readCallback(a)
	if refused != nil {
		return page(*refused)
	}
	// 6. The scope.
	switch {
	case p.scope == "":
		return page(c.errorCode(10010, "scope 为空", "scope is empty"))
	case p.scope != scopeBase && p.scope != scopeUserInfo, !a.Verified, a.Kind == KindSubscription:
		return page(c.errorCode(10005, "公众号没有这些 scope 的权限", "the account has no right to this scope: "+p.scope))
	case c.query.Get("component_appid") != "":
		return page(c.errorCode(10015, "公众号未授权第三方平台", "the account has not authorised this third-party platform"))
	}
	return p, c.checkState(p.state)
}

// readCallback makes the checks that authorize and scan login share.
func (c *call) readCallback(a *account) (*pending, *response) {
	page := func(r response) (*pending, *response) { return nil, &r }
	p := &pending{
		account: a, redirectURI: c.query.Get("redirect_uri"), scope: c.query.Get("scope"),
		state: c.query.Get("state"), hasState: c.query.Has("state"),
		popup: c.query.Get("forcePopup") == "true", snapshot: c.query.Get("forceSnapShot") == "true",
	}
	// 4. Where to go back to.
	if p.redirectURI == "" {
		return page(c.errorCode(10011, "redirect_uri 为空", "redirect_uri is empty"))
	}
	if !a.callback(p.redirectURI) {
		return page(c.errorCode(10003, "redirect_uri 域名与后台配置不一致", "redirect_uri is not in the account's callback domains"))
	}
	// 5. The response type.
	if c.query.Get("response_type") != "code" {
		return page(c.cannotOpen("response_type is not code"))
	}
	return p, nil
}

// callback tells whether an address may be gone back to.
func (a *account) callback(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil && a.Kind != KindTest && a.Kind != KindWebsite {
		return false
	}
	return covers(a.CallbackDomains, u)
}

// checkState is step 7: 128 bytes, letters and digits.
func (c *call) checkState(state string) *response {
	odd := strings.Trim(state, lettersAndDigits) != "" || plainState(state) != state
	switch {
	case len(state) > 128:
		return new(c.errorPage(http.StatusOK, 0, "state 参数过长", "state is longer than 128 bytes"))
	case odd && c.switches.RefuseOddState:
		return new(c.errorPage(http.StatusOK, 0, "state 参数错误", "state is not made of letters and digits"))
	case odd:
		c.warn("state has signs other than letters and digits: they are lost on the way")
	}
	return nil
}

// plainState is what is left of a state after the way through WeChat.
func plainState(state string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(lettersAndDigits, r) {
			return r
		}
		return -1
	}, state)
}

// departure tells how the parameters depart from the documented order; empty:
// they do not. A missing one is another check's matter.
func (c *call) departure() string {
	last := -1
	var seen []string
	for pair := range strings.SplitSeq(c.r.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if pair == "" {
			continue
		}
		if slices.Contains(seen, name) {
			return "parameter given twice: " + clip(name)
		}
		seen = append(seen, name)
		at := slices.Index(authorizeParameters, name)
		if at < 0 && slices.Contains(laterParameters, name) {
			at = len(authorizeParameters)
		}
		if at < 0 {
			return "unknown parameter (letter case counts): " + clip(name)
		}
		if at < last {
			return "parameter out of the documented order: " + name
		}
		last = at
	}
	return ""
}

// inWeChat tells WeChat's own browser from others; WeCom's says both words.
func inWeChat(userAgent string) bool {
	userAgent = strings.ToLower(userAgent)
	return strings.Contains(userAgent, "micromessenger") && !strings.Contains(userAgent, "wxwork")
}
