package wechattest

import "net/http"

// qrConnect is the scan login of a website application [the open platform's
// guide to website applications]: no rule about the browser, no snapshots, and
// where a page is shown it has a code to scan.
func (c *call) qrConnect() response {
	a, appID := c.account(c.query.Get("appid")), c.query.Get("appid")
	switch {
	case appID == "":
		return c.errorCode(10012, "appid 为空", "appid is empty")
	case a == nil, a.Kind != KindWebsite:
		return c.errorPage(http.StatusOK, 0, "AppID 参数错误", "This is not the appid of a website application")
	case a.Banned:
		return c.errorCode(10004, "网站应用被封禁", "the application is banned")
	}
	p, refused := c.readCallback(a)
	if refused != nil {
		return *refused
	}
	switch {
	case p.scope == "":
		return c.errorCode(10010, "scope 为空", "scope is empty")
	case p.scope != scopeLogin, !a.Verified:
		return c.errorCode(10005, "应用没有这些 scope 的权限", "the application has no right to this scope: "+p.scope)
	}
	if refused := c.checkState(p.state); refused != nil {
		return *refused
	}
	return c.ask(p)
}
