package wechattest

import "net/http"

// qrConnect is the scan login of a website application [the open platform's guide
// to website applications]. It accepts every browser and has no snapshots; where
// a page is shown, it has a code to scan.
func qrConnect(x *transaction) response {
	appID := x.query.Get("appid")
	a := x.accounts.find(appID)
	switch {
	case appID == "":
		return x.errorCode(10012, "appid 为空", "appid is empty")
	case a == nil, a.Kind != KindWebsite:
		return x.errorPage(http.StatusBadRequest, 0, "AppID 参数错误", "This is not the appid of a website application")
	case a.Banned:
		return x.errorCode(10004, "网站应用被封禁", "the application is banned")
	}
	login, refused := readCallback(x, a)
	if refused != nil {
		return *refused
	}
	switch {
	case login.scope == "":
		return x.errorCode(10010, "scope 为空", "scope is empty")
	case login.scope != scopeLogin, !a.Verified:
		return x.errorCode(10005, "应用没有这些 scope 的权限", "the application has no right to this scope: "+login.scope)
	}
	if refused := checkState(x, login.state); refused != nil {
		return *refused
	}
	return consent{x, login}.ask()
}
