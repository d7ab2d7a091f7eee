// Package refusal defines the error responses of wxgate: the status, message and
// page of each error word, and how it is logged.
package refusal

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/wechat"
)

// An Error is an error response: what the client gets, and what the operator reads
// in the log. Each error word has a constructor. Callers may change the fields of
// what a constructor returns.
type Error struct {
	Word    string // error word, as in JSON
	Status  int
	Message string     // for a person, in JSON
	Page    pages.Name // the page with the same meaning

	Form       Form
	LoginURL   string        // where to sign in: a button on the page, login_url in a 401
	RetryAfter time.Duration // sent as Retry-After, rounded up to seconds; 0: not sent

	OutsideWeChat bool // the page says that WeChat's own browser can open the address

	Err      error  // the cause, only logged; nil: the client caused it
	Hint     string // what the operator can do about it, only logged
	Upstream string // the address of the upstream that failed, only logged; empty: none did
}

// Form is the form of an error response.
type Form int

const (
	// FormByRequest is a page for a page load, and JSON for any other request.
	FormByRequest Form = iota
	// FormPage is a page for every request.
	FormPage
	// FormJSON is JSON for every request.
	FormJSON
)

// Words returns all error words.
func Words() []string {
	return []string{
		WordUnauthorized, WordNotAllowed, WordNotFollowing, WordInvalidCode, WordInvalidState, wordInvalidRequest,
		wordWeChatError, WordWeChatUnavailable, WordStoreUnavailable, wordUpstreamUnavailable, wordTooManyRequests,
		wordBodyTooLarge, wordUnknownSite, wordNotFound, wordMethodNotAllowed, wordInternal,
	}
}

// Error returns the word and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Word + ": " + e.Err.Error()
	}
	return e.Word
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// In returns a copy of e with the given form.
func (e *Error) In(form Form) *Error {
	c := *e
	c.Form = form
	return &c
}

// Of returns the [*Error] that err is or wraps, and [Internal] for any other error.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Internal(err)
}

// Log writes one line if e has a cause: at level warn if a server does not respond, at
// level error if the operator has to act, otherwise at level debug. Without a cause the
// access line is enough.
func (e *Error) Log(logger zerolog.Logger, requestID string) {
	var event *zerolog.Event
	switch {
	case e.Err == nil:
		return
	case e.isOutage():
		event = logger.Warn()
	case e.Hint != "" || e.Word == wordWeChatError || e.Word == wordInternal:
		event = logger.Error()
	default:
		event = logger.Debug()
	}
	event = event.Err(e.Err).Str("request_id", requestID).Str("error_word", e.Word)
	if e.Upstream != "" {
		event = event.Str("upstream", e.Upstream)
	}
	if e.Hint != "" {
		event = event.Str("hint", e.Hint)
	}
	event.Msg("request failed")
}

// isOutage reports whether WeChat, the session store or the upstream does not respond, or
// does not respond as it should. It may again, without the operator: not so if WeChat
// has refused the account.
func (e *Error) isOutage() bool {
	if _, refused := errors.AsType[*wechat.Error](e.Err); refused && e.Hint != "" {
		return false
	}
	return e.Word == WordWeChatUnavailable || e.Word == WordStoreUnavailable || e.Word == wordUpstreamUnavailable
}

// SetHeader sets the header fields of e in h.
func (e *Error) SetHeader(h http.Header) {
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
}

// WriteJSON writes e as JSON.
func (e *Error) WriteJSON(w http.ResponseWriter, requestID string) {
	e.SetHeader(w.Header())
	body := struct {
		Word      string `json:"error"`
		Message   string `json:"message"`
		RequestID string `json:"request_id"`
		LoginURL  string `json:"login_url,omitempty"`
	}{e.Word, e.Message, requestID, ""}
	if e.Status == http.StatusUnauthorized {
		body.LoginURL = e.LoginURL
	}
	WriteJSON(w, e.Status, body)
}

// WriteJSON writes a JSON response. encoding/json must be able to encode body.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // fails only if the client has left
}
