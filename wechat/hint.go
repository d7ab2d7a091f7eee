package wechat

import (
	"net/netip"
	"strings"
)

// Hint is a sentence on what the operator can do about the refusal. It is empty
// if no setting is wrong, or if no hint is known for the code.
func (e *Error) Hint() string {
	switch e.Code {
	case 40001:
		if e.carriesSecret() {
			return wrongSecret
		}
	case 40013:
		return "WeChat does not know the AppID: compare it with the one in the account's console"
	case 40125:
		return wrongSecret
	case 40164, 61004:
		return "add " + e.refusedAddress() + " to the account's IP allow-list (IP白名单) in its console: " +
			"the list needs the address of every machine that calls WeChat, not only of the one that fetches tokens"
	case 40243:
		return "the AppSecret is frozen: unfreeze or reset it in the account's console"
	case 48001:
		return e.missingRight()
	case 48004:
		return "WeChat has barred the account from this API: read the notices in its console"
	case 48006:
		return "the account's monthly resets of its API quota are used up: wait for the next month"
	case 61007:
		return "grant this right to the third-party platform that acts for the account"
	case 61016:
		return "this API is closed to the third-party platform that acts for the account: call it as the account itself"
	case 89501, 89503, 89506, 89507:
		return "WeChat blocks the server's public address until the account's administrator confirms it in WeChat; " +
			"if they refuse it, it stays blocked for an hour or longer"
	}
	return ""
}

const wrongSecret = "the AppSecret does not belong to the AppID: " +
	"compare it with the account's console, where it may have been reset"

// missingRight is the hint for 48001: the account may not call the API.
func (e *Error) missingRight() string {
	switch {
	case strings.HasPrefix(e.API, "cgi-bin/user/"):
		return "the account lacks this right: WeChat shows followers only to verified accounts"
	case strings.HasPrefix(e.API, "cgi-bin/"):
		return "the account lacks this right: look for it among the API rights (接口权限) in its console"
	}
	return "the account lacks this right: " +
		"web authorization needs a verified service account, " +
		"or a verified account of a government body or the media, and userinfo the scope snsapi_userinfo"
}

// refusedAddress is the address in the message of a 40164, such as "invalid ip
// 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist", or of a 61004, "access
// clientip is not registered requestIP: 203.0.113.7".
func (e *Error) refusedAddress() string {
	for word := range strings.FieldsSeq(e.Message) {
		word = strings.TrimPrefix(word, "requestIP:")
		if ip, err := netip.ParseAddr(strings.Trim(word, ",.;")); err == nil && ip.Zone() == "" {
			return ip.Unmap().String()
		}
	}
	return "the server's public address"
}
