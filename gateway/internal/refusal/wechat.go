package refusal

import (
	"cmp"
	"context"
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
		e := WeChatUnavailable(err)
		e.Hint = AwayHint(err)
		return e
	}
	return WeChatError(err, refused.Hint())
}

// AwayHint returns what the operator can do about an error of a call that WeChat has not
// answered; empty for a refusal.
func AwayHint(err error) string {
	if _, refused := errors.AsType[*wechat.Error](err); refused || err == nil || errors.Is(err, context.Canceled) {
		return ""
	}
	if errors.Is(err, wechat.ErrNotJSON) {
		return "something else answers: a captive portal or proxy? Correct WXGATE_WECHAT_API_URL or HTTPS_PROXY"
	}
	return "if this goes on, check that this machine can reach WXGATE_WECHAT_API_URL (firewall, DNS, HTTPS_PROXY)"
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
