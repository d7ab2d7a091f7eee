package refusal

import (
	"errors"

	"github.com/wxgate/wxgate/wechat"
)

// WeChat returns the response to a request for which a call of WeChat's API in
// the account's own name failed with err: [WeChatUnavailable] for temporary
// failures and errors that are no [*wechat.Error], and otherwise [WeChatError]
// with WeChat's hint.
func WeChat(err error) *Error {
	refused, ok := errors.AsType[*wechat.Error](err)
	if !ok || refused.Class() == wechat.Later {
		return WeChatUnavailable(err)
	}
	return WeChatError(err, refused.Hint())
}

// Exchange is [WeChat] for a call with a visitor's code: it returns [InvalidCode]
// if WeChat refused the code, and [NotAllowed] if it refused the visitor
// otherwise.
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

// Result is the label of the metric wxgate_logins_total for a login that ended
// with e.
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
