package wechattest

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

const authorizePath = "/connect/oauth2/authorize"

// authorizeParameters are the authorize page's parameters in the documented order
// [WeChat's web authorization guide].
var authorizeParameters = []string{"appid", "redirect_uri", "response_type", "scope", "state"}

// laterParameters follow them in an order that is not documented. The in-app
// browser adds its own credentials at the end.
var laterParameters = []string{
	"connect_redirect", "forcePopup", "forceSnapShot", "component_appid",
	"uin", "key", "pass_ticket", "version",
}

// longAddress is a length that some iPhones cannot open.
const longAddress = 1000

// loginRequest is a well-formed request to sign a visitor in.
type loginRequest struct {
	account     *account
	redirectURI string
	scope       string
	state       string
	hasState    bool
	double      bool // the callback is to be opened twice
	popup       bool // forcePopup
	snapshot    bool // forceSnapShot
}

// authorize is the page to which a site sends its visitors. Its checks are in the
// order of their numbers in the emulator's tests.
func authorize(x *transaction) response {
	login, refused := readAuthorize(x)
	if refused != nil {
		return *refused
	}
	own := x.query.Get("connect_redirect") == "1"
	if x.switches.SecondHop {
		first, hopped := x.hops.get(x.query.Get("key"))
		if !hopped {
			return secondHop(x, own)
		}
		login.double = !first
	}
	return consent{x, login}.ask()
}

// secondHop redirects the browser to the same address with the credentials of
// WeChat's client. own: the site sent connect_redirect itself.
func secondHop(x *transaction, own bool) response {
	key := x.random.text(lettersAndDigits, 32)
	x.hops.put(x.time, key, own)
	query := x.r.URL.RawQuery
	if !own {
		query += "&connect_redirect=1"
	}
	query += "&uin=MTIzNDU2Nzg5MA%3D%3D&key=" + key + "&pass_ticket=" + x.random.text(lettersAndDigits, 32)
	return redirect(x.path + "?" + query + "#wechat_redirect")
}

// readAuthorize makes the checks that depend only on the request.
func readAuthorize(x *transaction) (*loginRequest, *response) {
	page := func(r response) (*loginRequest, *response) { return nil, &r }

	// 1. The order of the parameters.
	if departure := departure(x.r.URL.RawQuery); departure != "" {
		if x.switches.StrictOrder {
			return page(x.cannotOpen(departure))
		}
		x.warn(departure)
	}
	if n := len(x.origin()) + len(x.r.RequestURI); n > longAddress {
		x.warn("the address is longer than some phones can open: keep it under 1,000 characters")
	}
	// 2. The browser.
	if x.switches.WeChatOnly && !inWeChat(x.r.UserAgent()) {
		return page(x.errorPage(http.StatusForbidden, 0, "请在微信客户端打开链接", "Please open this link in WeChat"))
	}
	// 3. The account.
	a, refused := authorizeAccount(x)
	if refused != nil {
		return nil, refused
	}
	login, refused := readCallback(x, a)
	if refused != nil {
		return nil, refused
	}
	// 6. The scope.
	switch {
	case login.scope == "":
		return page(x.errorCode(10010, "scope 为空", "scope is empty"))
	case login.scope != scopeBase && login.scope != scopeUserInfo, !a.mayAuthorize():
		return page(x.errorCode(10005, "公众号没有这些 scope 的权限",
			"the account has no right to this scope: "+login.scope))
	case x.query.Get("component_appid") != "":
		return page(x.errorCode(10015, "公众号未授权第三方平台",
			"the account has not authorised this third-party platform"))
	}
	return login, checkState(x, login.state)
}

// authorizeAccount is step 3.
func authorizeAccount(x *transaction) (*account, *response) {
	page := func(r response) (*account, *response) { return nil, &r }
	appID := x.query.Get("appid")
	if appID == "" {
		return page(x.errorCode(10012, "appid 为空", "appid is empty"))
	}
	a := x.accounts.find(appID)
	switch {
	case a == nil:
		return page(x.errorPage(http.StatusBadRequest, 0, "AppID 参数错误", "There is no account with this appid"))
	case a.Kind == KindWebsite:
		return page(x.errorCode(10016, "不支持使用开放平台 AppID，请使用公众号的 AppID",
			"this is an open platform appid: use the official account's"))
	case a.Banned:
		return page(x.errorCode(10004, "公众号被封禁", "the account is banned"))
	}
	return a, nil
}

// readCallback makes the checks that authorize and scan login share.
func readCallback(x *transaction, a *account) (*loginRequest, *response) {
	page := func(r response) (*loginRequest, *response) { return nil, &r }
	login := &loginRequest{
		account: a, redirectURI: x.query.Get("redirect_uri"), scope: x.query.Get("scope"),
		state: x.query.Get("state"), hasState: x.query.Has("state"),
		popup: x.query.Get("forcePopup") == "true", snapshot: x.query.Get("forceSnapShot") == "true",
	}
	// 4. The address of the callback.
	if login.redirectURI == "" {
		return page(x.errorCode(10011, "redirect_uri 为空", "redirect_uri is empty"))
	}
	if !a.allowsCallback(login.redirectURI) {
		return page(x.errorCode(10003, "redirect_uri 域名与后台配置不一致",
			"redirect_uri is not in the account's callback domains"))
	}
	// 5. The response type.
	if x.query.Get("response_type") != "code" {
		return page(x.cannotOpen("response_type is not code"))
	}
	return login, nil
}

// allowsCallback reports whether an address may be a redirect_uri.
func (a *account) allowsCallback(raw string) bool {
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
func checkState(x *transaction, state string) *response {
	odd := plainState(state) != state
	switch {
	case len(state) > 128:
		return new(x.errorPage(http.StatusBadRequest, 0, "state 参数过长", "state is longer than 128 bytes"))
	case odd && x.switches.RefuseOddState:
		return new(x.errorPage(http.StatusBadRequest, 0, "state 参数错误", "state is not made of letters and digits"))
	case odd:
		x.warn("state has characters other than letters and digits: WeChat drops them")
	}
	return nil
}

// departure describes how the parameters of a query differ from the documented
// order, or is empty. A missing parameter is left to the other checks.
func departure(rawQuery string) string {
	last := -1
	var seen []string
	for pair := range strings.SplitSeq(rawQuery, "&") {
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

// inWeChat reports whether a User-Agent is that of WeChat's own browser. WeCom's
// has both marks.
func inWeChat(userAgent string) bool {
	userAgent = strings.ToLower(userAgent)
	return strings.Contains(userAgent, "micromessenger") && !strings.Contains(userAgent, "wxwork")
}
