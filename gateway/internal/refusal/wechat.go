package refusal

import (
	"errors"

	"github.com/wxgate/wxgate/wechat"
)

// WeChat returns the refusal for err, the error of a call of WeChat's API in the
// account's own name: WeChat's outage, or an account that the operator has to
// correct.
func WeChat(err error) *Error {
	refused, ok := errors.AsType[*wechat.Error](err)
	if !ok || refused.Class() == wechat.Later {
		return WeChatUnavailable(err)
	}
	return WeChatError(err, refused.Hint())
}

// Exchange is [WeChat] for a call with a visitor's code, which WeChat may refuse
// because of the code or of the visitor.
func Exchange(err error) *Error {
	refused, ok := errors.AsType[*wechat.Error](err)
	switch {
	case ok && refused.CodeRefused():
		return InvalidCode(err)
	case ok && refused.Class() == wechat.Visitor:
		e := NotAllowed()
		e.Err = err
		return e
	default:
		return WeChat(err)
	}
}

// Result is the label by which metrics count a login that ended with e.
func (e *Error) Result() string {
	switch e.Word {
	case WordInvalidCode:
		return "code_refused"
	case WordInvalidState:
		return "invalid_state"
	case wordWeChatError:
		return "misconfigured"
	case WordNotAllowed, WordNotFollowing:
		return "forbidden"
	default:
		return "wechat_away"
	}
}
