package refusal

import (
	"errors"

	"github.com/wxgate/wxgate/wechat"
)

// WeChat returns the response to a request for which a call of WeChat's API failed
// with err:
//
//   - [InvalidCode] if WeChat refused the code,
//   - [NotAllowed] if WeChat refused the visitor otherwise,
//   - [WeChatError] with WeChat's hint if the operator has to act,
//   - [WeChatUnavailable] for temporary failures and errors that are no
//     [*wechat.Error].
func WeChat(err error) *Error {
	refused, ok := errors.AsType[*wechat.Error](err)
	switch {
	case !ok || refused.Class() == wechat.Later:
		return WeChatUnavailable(err)
	case refused.CodeRefused():
		return InvalidCode(err)
	case refused.Class() == wechat.Visitor:
		e := NotAllowed()
		e.Err = err
		return e
	default:
		return WeChatError(err, refused.Hint())
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
