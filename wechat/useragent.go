package wechat

import "strings"

// IsWeChat reports whether a User-Agent header is that of WeChat's in-app
// browser, on a phone or a computer. WeCom's browser, which sends both wxwork and
// MicroMessenger, does not count. Any client can send such a header: use it to
// choose a page, never to trust a request.
func IsWeChat(userAgent string) bool {
	ua := strings.ToLower(userAgent)
	return strings.Contains(ua, "micromessenger") && !strings.Contains(ua, "wxwork")
}

// IsDesktop reports whether a User-Agent header is that of WeChat's client for
// Windows, macOS or Linux. Like [IsWeChat] it must not be used to trust a request.
func IsDesktop(userAgent string) bool {
	ua := strings.ToLower(userAgent)
	if strings.Contains(ua, "wxwork") {
		return false
	}
	for _, mark := range []string{"windowswechat", "macwechat", "linuxwechat"} {
		if strings.Contains(ua, mark) {
			return true
		}
	}
	return false
}
