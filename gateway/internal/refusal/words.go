package refusal

import (
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/pages"
)

// The words that more than their constructor looks at.
const (
	wordWeChatError = "wechat_error"
	wordInternal    = "internal_error"
)

// The words that callers decide by or look for.
const (
	WordUnauthorized      = "unauthorized"
	WordNotAllowed        = "not_allowed"
	WordNotFollowing      = "not_following"
	WordInvalidCode       = "invalid_code"
	WordInvalidState      = "invalid_state"
	WordWeChatUnavailable = "wechat_unavailable"
	WordStoreUnavailable  = "session_store_unavailable"
)

// retryAfter is when a client should try again after somebody's outage.
const retryAfter = 5 * time.Second

// Unauthorized (401): there is no session. The visitor signs in at loginURL.
func Unauthorized(loginURL string) *Error {
	return &Error{
		Word: WordUnauthorized, Status: http.StatusUnauthorized, Page: pages.Restart,
		Message:  "There is no valid session. Sign in at login_url.",
		LoginURL: loginURL,
	}
}

// NotAllowed (403): the visitor or the request is not allowed in.
func NotAllowed() *Error {
	return &Error{
		Word: WordNotAllowed, Status: http.StatusForbidden, Page: pages.Forbidden,
		Message: "This request is not allowed.",
	}
}

// Declined (403) is [NotAllowed] for a visitor who declined at WeChat.
func Declined(loginURL string) *Error {
	e := NotAllowed()
	e.Page, e.LoginURL, e.Form = pages.Declined, loginURL, FormPage
	return e
}

// SnapshotUser (403) is [NotAllowed] for a snapshot page's virtual account.
func SnapshotUser() *Error {
	e := NotAllowed()
	e.Page, e.Form = pages.Snapshot, FormPage
	return e
}

// NotFollowing (403): the visitor has to follow the account first. The button of
// the page leads to target.
func NotFollowing(target string) *Error {
	return &Error{
		Word: WordNotFollowing, Status: http.StatusForbidden, Page: pages.Follow,
		Message:  "Only followers of the official account may enter.",
		LoginURL: target,
	}
}

// InvalidState (400): no login of this browser waits for the callback. Another
// one begins at loginURL.
func InvalidState(loginURL string) *Error {
	return &Error{
		Word: WordInvalidState, Status: http.StatusBadRequest, Page: pages.Restart,
		Message:  "This login was not begun in this browser, or is over. Begin it again.",
		LoginURL: loginURL,
	}
}

// InvalidCode (403): WeChat, or the site for a hub's ticket, refused the code.
func InvalidCode(err error) *Error {
	return &Error{
		Word: WordInvalidCode, Status: http.StatusForbidden, Page: pages.CodeRefused,
		Message: "WeChat refused the code. Begin the login again.",
		Err:     err,
	}
}

// InvalidRequest (400): the request is malformed. The cause may be nil.
func InvalidRequest(err error) *Error {
	return &Error{
		Word: "invalid_request", Status: http.StatusBadRequest, Page: pages.BadRequest,
		Message: "The request is malformed.",
		Err:     err,
	}
}

// WeChatError (502): WeChat refuses the account itself. The operator has to act;
// hint says how, if that is known.
func WeChatError(err error, hint string) *Error {
	return &Error{
		Word: wordWeChatError, Status: http.StatusBadGateway, Page: pages.Misconfigured,
		Message: "WeChat refuses this account; its operator has been told.",
		Err:     err, Hint: hint,
	}
}

// WeChatUnavailable (503): WeChat did not answer, or could not say.
func WeChatUnavailable(err error) *Error {
	return &Error{
		Word: WordWeChatUnavailable, Status: http.StatusServiceUnavailable, Page: pages.WeChatAway,
		Message: "WeChat does not answer. Try again in a moment.",
		Err:     err, RetryAfter: retryAfter,
	}
}

// StoreUnavailable (503): the session store did not answer.
func StoreUnavailable(err error) *Error {
	return &Error{
		Word: WordStoreUnavailable, Status: http.StatusServiceUnavailable, Page: pages.StoreAway,
		Message: "Sessions cannot be read at the moment. Try again shortly.",
		Err:     err, RetryAfter: retryAfter,
	}
}

// UpstreamUnavailable (502): the upstream did not answer.
func UpstreamUnavailable(err error) *Error {
	return &Error{
		Word: "upstream_unavailable", Status: http.StatusBadGateway, Page: pages.UpstreamDown,
		Message: "The site does not answer. Try again in a moment.",
		Err:     err, RetryAfter: retryAfter,
	}
}

// UpstreamTimeout (504) is [UpstreamUnavailable] for an upstream that is too slow.
func UpstreamTimeout(err error) *Error {
	e := UpstreamUnavailable(err)
	e.Status = http.StatusGatewayTimeout
	return e
}

// TooManyRequests (429): the client's address has used up its logins. The next
// one is possible after wait.
func TooManyRequests(wait time.Duration) *Error {
	return &Error{
		Word: "too_many_requests", Status: http.StatusTooManyRequests, Page: pages.TooMany,
		Message:    "Too many logins from this address. Try again later.",
		RetryAfter: wait,
	}
}

// BodyTooLarge (413): the request body exceeds the limit.
func BodyTooLarge() *Error {
	return &Error{
		Word: "body_too_large", Status: http.StatusRequestEntityTooLarge, Page: pages.TooLarge,
		Message: "The request body is too large.",
	}
}

// UnknownSite (421): no site has the request's host.
func UnknownSite() *Error {
	return &Error{
		Word: "unknown_site", Status: http.StatusMisdirectedRequest, Page: pages.UnknownSite,
		Message: "No site has this host.",
	}
}

// NotFound (404): there is no such endpoint, and no upstream for the path.
func NotFound() *Error {
	return &Error{
		Word: "not_found", Status: http.StatusNotFound, Page: pages.NotFound,
		Message: "There is no such endpoint.",
	}
}

// MethodNotAllowed (405): the endpoint does not take the request's method.
func MethodNotAllowed() *Error {
	return &Error{
		Word: "method_not_allowed", Status: http.StatusMethodNotAllowed, Page: pages.Method,
		Message: "This endpoint does not take that method.",
	}
}

// Internal (500): an error that no rule foresees.
func Internal(err error) *Error {
	return &Error{
		Word: wordInternal, Status: http.StatusInternalServerError, Page: pages.UpstreamDown,
		Message: "The gateway failed.",
		Err:     err,
	}
}
