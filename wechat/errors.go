package wechat

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a call that WeChat refused with an errcode. The codes are listed in
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
	Visitor  Class = iota // this visitor's code, token or account; others can sign in
	Operator              // the account's settings; every visitor fails until somebody corrects them
	Later                 // a temporary failure
	Bug                   // the request was malformed
)

// String is the class in lower case, for a metric's label.
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

// Result is the outcome of a call as a metric's label: "ok" if err is nil, the
// [Class] of an [*Error] ("visitor", "operator", "later" or "bug"), or "away" for
// any other error, when WeChat could not be reached or its response was not
// usable. There are no other values.
func Result(err error) string {
	if err == nil {
		return "ok"
	}
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.Class().String()
	}
	return "away"
}

// Results returns all values of [Result].
func Results() []string { return []string{"ok", "visitor", "operator", "later", "bug", "away"} }

// Class reports who can do something about the refusal. An unknown code counts
// as Operator: the call is not retried, no visitor is blamed, and a person reads
// WeChat's message.
func (e *Error) Class() Class {
	switch e.Code {
	case 40001, 40014, 42001:
		switch {
		case !e.Stale():
			return Operator
		case strings.HasPrefix(e.API, "sns/"):
			return Visitor
		}
		return Later // the account's token: fetching another one helps
	case 40003:
		if e.API == followersAPI {
			return Bug // the openid to continue after, which is not a visitor's request
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
// expired, wrong or empty. WeChat does not use the four codes consistently: a
// used code has been refused with 40029 and with 40163. A new login helps.
func (e *Error) CodeRefused() bool {
	switch e.Code {
	case 40029, 40163, 41008, 42003:
		return true
	}
	return false
}

// Stale reports whether WeChat refused the call's access token as expired or
// replaced, so that it is worth repeating the call once with a new token. In a
// call that carries the AppSecret instead, 40001 means a wrong secret.
func (e *Error) Stale() bool {
	switch e.Code {
	case 40001, 40014, 42001:
		return !e.carriesSecret()
	}
	return false
}

// carriesSecret reports whether the call is authenticated by the AppSecret.
func (e *Error) carriesSecret() bool {
	switch e.API {
	case "sns/oauth2/access_token", "cgi-bin/token", "cgi-bin/stable_token":
		return true
	}
	return false
}
