package wechat

import (
	"fmt"
	"net/netip"
	"strings"
)

// Error is WeChat's refusal of a call, in its own words. The codes are listed in
// [WeChat's table of return codes].
//
// [WeChat's table of return codes]: https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
type Error struct {
	API     string // path of the call, such as "sns/oauth2/access_token"
	Code    int    // errcode, never 0
	Message string // errmsg, for people: at most 512 bytes on one line, secret values of the call redacted
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: errcode %d: %s", e.API, e.Code, e.Message)
}

// Class is who can do something about a refusal.
type Class int

const (
	Visitor  Class = iota // this visitor's code, token or account; another visitor would get in
	Operator              // the account's settings; every visitor fails until somebody mends them
	Later                 // passes by itself
	Bug                   // the request was malformed
)

// String is the class in lower case, fit for a metric's label.
func (c Class) String() string {
	switch c {
	case Visitor:
		return "visitor"
	case Operator:
		return "operator"
	case Later:
		return "later"
	case Bug:
		return "bug"
	}
	return fmt.Sprintf("class %d", int(c))
}

// Class tells who can do something about the refusal. A code that is not known
// here counts as Operator: nothing is tried again by itself, no visitor is
// blamed, and a person gets to read WeChat's text.
func (e *Error) Class() Class {
	switch e.Code {
	case 40001, 40014, 42001:
		switch {
		case !e.Stale():
			return Operator
		case strings.HasPrefix(e.API, "sns/"):
			return Visitor
		}
		return Later // the account's token, mended by fetching another
	case 40003:
		if e.API == followersAPI {
			return Bug // about where to go on in the list, nobody in particular
		}
		return Visitor
	case 40029, 40030, 40163, 40226, 41008, 42002, 42003, 42007, 50001, 50002, 50004:
		return Visitor
	case -1, 45009, 45011:
		return Later
	case 40002, 40031, 40032, 40097, 41001, 41002, 41003, 41004, 41009, 43001, 43002, 43003, 44002, 47001:
		return Bug
	}
	return Operator
}

// CodeRefused reports whether WeChat refused the code of a callback as used,
// expired, wrong or empty. Which of the four codes stands for which is not
// reliable: a used code has been 40029 and 40163. A new login mends it.
func (e *Error) CodeRefused() bool {
	switch e.Code {
	case 40029, 40163, 41008, 42003:
		return true
	}
	return false
}

// Stale reports whether WeChat refused the access token of the call as expired
// or replaced, so that the call is worth repeating once with a fresh one. In a
// call that carries the AppSecret instead, 40001 means a wrong secret.
func (e *Error) Stale() bool {
	switch e.Code {
	case 40001, 40014, 42001:
		return !e.carriesSecret()
	}
	return false
}

// carriesSecret reports whether the call proves itself by the AppSecret.
func (e *Error) carriesSecret() bool {
	switch e.API {
	case "sns/oauth2/access_token", "cgi-bin/token", "cgi-bin/stable_token":
		return true
	}
	return false
}

// Hint tells the operator what to do about the refusal, in a sentence. It is
// empty where no setting is at fault or none is known for the code.
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
	case 40164:
		return "add " + e.refusedAddress() + " to the account's IP allow-list (IP白名单) in its console"
	case 40243:
		return "the AppSecret is frozen: unfreeze or reset it in the account's console"
	case 48001:
		switch {
		case strings.HasPrefix(e.API, "cgi-bin/user/"):
			return "the account lacks this right: WeChat shows followers to verified accounts alone"
		case strings.HasPrefix(e.API, "cgi-bin/"):
			return "the account lacks this right: look for it among the API rights (接口权限) in its console"
		}
		return "the account lacks this right: web authorization needs a verified service account, and userinfo the scope snsapi_userinfo"
	case 48004:
		return "WeChat has barred the account from this API: read the notices in its console"
	case 48006:
		return "the account's monthly resets of its API quota are used up: wait for the next month"
	case 61004:
		return "register the server's public address with the third-party platform that acts for the account"
	case 61007:
		return "grant this right to the third-party platform that acts for the account"
	case 61016:
		return "this API is closed to the third-party platform that acts for the account: call it as the account itself"
	case 89501, 89503, 89506, 89507:
		return "WeChat holds back the server's public address: the account's administrator has to confirm it in WeChat, and a refusal blocks it for an hour or longer"
	}
	return ""
}

const wrongSecret = "the AppSecret does not belong to the AppID: compare it with the account's console, where it may have been reset"

// refusedAddress is the address that the text of a 40164 names, as in "invalid
// ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist".
func (e *Error) refusedAddress() string {
	for word := range strings.FieldsSeq(e.Message) {
		if ip, err := netip.ParseAddr(strings.Trim(word, ",.;")); err == nil && ip.Zone() == "" {
			return ip.Unmap().String()
		}
	}
	return "the server's public address"
}
