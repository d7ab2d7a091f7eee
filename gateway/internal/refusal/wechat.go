package refusal

import (
	"errors"

	"github.com/wxgate/wxgate/wechat"
)

// WeChat returns the refusal for err, the error of a call of WeChat's API. It
// logs and counts as what it is: WeChat's outage, a dead code, a visitor whom
// WeChat does not let in, or an account that the operator has to correct.
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
