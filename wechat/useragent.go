package wechat

import "strings"

// IsWeChat reports whether a User-Agent header is that of WeChat's in-app
// browser, on a phone or a computer. WeCom's browser does not count: it sends
// wxwork, mostly with MicroMessenger. WeChat's developer tools count as an iPhone.
// Any client can send such a header: use it to choose a page, never to trust a
// request.
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
	// The Linux client sends WindowsWechat too. UnifiedPC is in all of them since 4.0.
	for _, mark := range []string{"windowswechat", "macwechat", "unifiedpc"} {
		if strings.Contains(ua, mark) {
			return true
		}
	}
	return false
}
