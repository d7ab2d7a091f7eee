package refusal

import (
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/pages"
)

// The words that only this package uses.
const (
	wordInvalidRequest      = "invalid_request"
	wordWeChatError         = "wechat_error"
	wordUpstreamUnavailable = "upstream_unavailable"
	wordTooManyRequests     = "too_many_requests"
	wordBodyTooLarge        = "body_too_large"
	wordUnknownSite         = "unknown_site"
	wordNotFound            = "not_found"
	wordMethodNotAllowed    = "method_not_allowed"
	wordInternal            = "internal_error"
)

// The words that other packages compare with.
const (
	WordUnauthorized      = "unauthorized"
	WordNotAllowed        = "not_allowed"
	WordNotFollowing      = "not_following"
	WordInvalidCode       = "invalid_code"
	WordInvalidState      = "invalid_state"
	WordWeChatUnavailable = "wechat_unavailable"
	WordStoreUnavailable  = "session_store_unavailable"
)

// retryAfter is the Retry-After of responses to an outage of WeChat, the session
// store or the upstream.
const retryAfter = 5 * time.Second

// Unauthorized (401): the request needs a session. The visitor can sign in at
// loginURL.
func Unauthorized(loginURL string) *Error {
	return &Error{
		Word: WordUnauthorized, Status: http.StatusUnauthorized, Page: pages.Unauthorized,
		Message:  "There is no valid session. Sign in at login_url.",
		LoginURL: loginURL,
	}
}

// NotAllowed (403): the visitor or the request is not allowed.
func NotAllowed() *Error {
	return &Error{
		Word: WordNotAllowed, Status: http.StatusForbidden, Page: pages.Forbidden,
		Message: "This request is not allowed.",
	}
}

// NotOutsideWeChat (403) is [NotAllowed] for a page load of another browser than
// WeChat's, in which the visitor could sign in.
func NotOutsideWeChat() *Error {
	e := NotAllowed()
	e.OutsideWeChat = true
	return e
}

// NotForBrowsers (403) is [NotAllowed] for a request of a browser to a service for
// programs, such as "The relay".
func NotForBrowsers(service string) *Error {
	e := NotAllowed()
	e.Message = service + " is for programs. This request has a header that browsers send: " +
		"Sec-Fetch-…, Origin, Referer, or a User-Agent that begins with Mozilla/."
	return e
}

// Declined (403) is [NotAllowed] for a visitor who declined the login at WeChat. The
// page's button leads to loginURL.
func Declined(loginURL string) *Error {
	e := NotAllowed()
	e.Page, e.LoginURL, e.Form = pages.Declined, loginURL, FormPage
	return e
}

// SnapshotUser (403) is [NotAllowed] for the virtual account of a snapshot page.
func SnapshotUser() *Error {
	e := NotAllowed()
	e.Page, e.Form = pages.Snapshot, FormPage
	return e
}

// NotFollowing (403): the visitor has to follow the account first. The page's
// button leads to target.
func NotFollowing(target string) *Error {
	return &Error{
		Word: WordNotFollowing, Status: http.StatusForbidden, Page: pages.Follow,
		Message:  "Only followers of the official account may enter.",
		LoginURL: target,
	}
}

// InvalidState (400): this browser has no pending login with the callback's state.
// The visitor can start a new login at loginURL.
func InvalidState(loginURL string) *Error {
	return &Error{
		Word: WordInvalidState, Status: http.StatusBadRequest, Page: pages.Restart,
		Message:  "This login was not started in this browser, or it has ended. Start a new login.",
		LoginURL: loginURL,
	}
}

// InvalidCode (403): WeChat refused the code, or a site refused a hub's ticket.
func InvalidCode(err error) *Error {
	return &Error{
		Word: WordInvalidCode, Status: http.StatusForbidden, Page: pages.CodeRefused,
		Message: "WeChat refused the code. Start a new login.",
		Err:     err,
	}
}

// InvalidRequest (400): the request is malformed. The cause may be nil.
func InvalidRequest(err error) *Error {
	return &Error{
		Word: wordInvalidRequest, Status: http.StatusBadRequest, Page: pages.BadRequest,
		Message: "The request is malformed.",
		Err:     err,
	}
}

// BodyTimeout (408) is [InvalidRequest] for a client that did not send the body that
// it announced.
func BodyTimeout(err error) *Error {
	e := InvalidRequest(err)
	e.Status, e.Message = http.StatusRequestTimeout, "The request body did not arrive in time."
	return e
}

// WeChatError (502): WeChat refuses the account's settings. The operator has to
// act; hint says how, or is empty.
func WeChatError(err error, hint string) *Error {
	return &Error{
		Word: wordWeChatError, Status: http.StatusBadGateway, Page: pages.Misconfigured,
		Message: "WeChat refuses this account. The cause is in the operator's log.",
		Err:     err, Hint: hint,
	}
}

// WeChatUnavailable (503): WeChat could not be reached or failed temporarily.
func WeChatUnavailable(err error) *Error {
	return &Error{
		Word: WordWeChatUnavailable, Status: http.StatusServiceUnavailable, Page: pages.WeChatAway,
		Message: "WeChat does not respond. Try again in a moment.",
		Err:     err, RetryAfter: retryAfter,
	}
}

// StoreUnavailable (503): the session store did not respond.
func StoreUnavailable(err error) *Error {
	return &Error{
		Word: WordStoreUnavailable, Status: http.StatusServiceUnavailable, Page: pages.StoreAway,
		Message: "The session store does not respond. Try again in a moment.",
		Err:     err, RetryAfter: retryAfter,
	}
}

// UpstreamUnavailable (502): the upstream could not be reached, or its response was
// not valid.
func UpstreamUnavailable(err error) *Error {
	return &Error{
		Word: wordUpstreamUnavailable, Status: http.StatusBadGateway, Page: pages.UpstreamDown,
		Message: "The site does not respond. Try again in a moment.",
		Err:     err, RetryAfter: retryAfter,
	}
}

// UpstreamTimeout (504) is [UpstreamUnavailable] for an upstream that took too long.
func UpstreamTimeout(err error) *Error {
	e := UpstreamUnavailable(err)
	e.Status = http.StatusGatewayTimeout
	return e
}

// TooManyRequests (429): too many logins or JS-SDK signatures from the client's
// address. The next one is possible after wait.
func TooManyRequests(wait time.Duration) *Error {
	return &Error{
		Word: wordTooManyRequests, Status: http.StatusTooManyRequests, Page: pages.TooMany,
		Message:    "Too many requests from this address. Try again later.",
		RetryAfter: wait,
	}
}

// BodyTooLarge (413): the request body exceeds the limit.
func BodyTooLarge() *Error {
	return &Error{
		Word: wordBodyTooLarge, Status: http.StatusRequestEntityTooLarge, Page: pages.TooLarge,
		Message: "The request body is too large.",
	}
}

// UnknownSite (421): the request's host is no site's.
func UnknownSite() *Error {
	return &Error{
		Word: wordUnknownSite, Status: http.StatusMisdirectedRequest, Page: pages.UnknownSite,
		Message: "No site has this host.",
	}
}

// NotFound (404): the path is no endpoint and has no upstream.
func NotFound() *Error {
	return &Error{
		Word: wordNotFound, Status: http.StatusNotFound, Page: pages.NotFound,
		Message: "There is no such endpoint.",
	}
}

// MethodNotAllowed (405): the endpoint does not accept the request's method.
func MethodNotAllowed() *Error {
	return &Error{
		Word: wordMethodNotAllowed, Status: http.StatusMethodNotAllowed, Page: pages.Method,
		Message: "This endpoint does not accept the method.",
	}
}

// Internal (500): an unexpected error.
func Internal(err error) *Error {
	return &Error{
		Word: wordInternal, Status: http.StatusInternalServerError, Page: pages.UpstreamDown,
		Message: "An unexpected error occurred.",
		Err:     err,
	}
}
