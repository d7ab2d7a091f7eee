package wechat

import "strings"

// IsWeChat reports whether a User-Agent header is that of WeChat's in-app
// browser, on a phone or a computer. WeCom's, which names itself both wxwork and
// MicroMessenger, is not. Anybody can send such a header: it may choose the page
// to show, never whom to trust.
func IsWeChat(userAgent string) bool {
	ua := strings.ToLower(userAgent)
	return strings.Contains(ua, "micromessenger") && !strings.Contains(ua, "wxwork")
}

// IsDesktop reports whether a User-Agent header is that of WeChat's client for
// Windows, macOS or Linux. What was said of [IsWeChat] holds here too.
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
