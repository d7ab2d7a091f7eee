package refusal

import (
	"cmp"
	"errors"
	"maps"
	"slices"

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

// results are the labels of the metric wxgate_logins_total, by error word.
var results = map[string]string{
	WordInvalidCode:       "code_refused",
	WordInvalidState:      "invalid_state",
	wordWeChatError:       "misconfigured",
	WordNotAllowed:        "forbidden",
	WordNotFollowing:      "forbidden",
	WordWeChatUnavailable: "wechat_away",
	WordStoreUnavailable:  "store_away",
}

// otherResult is the label for all other words.
const otherResult = "error"

// Result is the label of the metric wxgate_logins_total for a login that ended
// with e.
func (e *Error) Result() string { return cmp.Or(results[e.Word], otherResult) }

// Results returns all values of [Error.Result].
func Results() []string {
	all := slices.AppendSeq([]string{otherResult}, maps.Values(results))
	slices.Sort(all)
	return slices.Compact(all)
}
