// Package refusal holds the answers by which wxgate refuses a request: for each
// error word its status, its sentence and its page, and how it is logged.
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
)

// An Error is a refusal: what the client sees, and what the operator reads. The
// constructors make one for each error word; their callers may set the exported
// fields that a constructor leaves empty.
type Error struct {
	Word    string // the error word of a JSON answer
	Status  int
	Message string     // the sentence of a JSON answer
	Page    pages.Name // the page that says the same

	Form       Form
	LoginURL   string        // where to sign in: a button on a page, login_url of a 401
	RetryAfter time.Duration // sent as a header; 0: none

	Err  error  // the cause, for the log alone; nil: the client's own doing
	Hint string // what the operator can do about it, for the log alone
}

// Form is the form in which a refusal is answered.
type Form int

const (
	// FormAsked is a page for a page load and JSON for anything else.
	FormAsked Form = iota
	// FormPage is a page in any case.
	FormPage
	// FormJSON is JSON in any case.
	FormJSON
)

// Error returns the word and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Word + ": " + e.Err.Error()
	}
	return e.Word
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// In returns a copy of e that is answered in the given form.
func (e *Error) In(form Form) *Error {
	c := *e
	c.Form = form
	return &c
}

// Of returns the refusal that err is or wraps. Any other error is an
// [Internal] one.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Internal(err)
}

// Log writes one line about a refusal with a cause: an error where the operator
// has to act, a warning where a server does not answer, and else at debug level.
// A refusal without a cause has its access line only.
func (e *Error) Log(logger zerolog.Logger, requestID string) {
	var event *zerolog.Event
	switch {
	case e.Err == nil:
		return
	case e.Hint != "" || e.Word == wordWeChatError || e.Word == wordInternal:
		event = logger.Error()
	case e.Status >= http.StatusInternalServerError:
		event = logger.Warn()
	default:
		event = logger.Debug()
	}
	event = event.Err(e.Err).Str("request_id", requestID).Str("error_word", e.Word)
	if e.Hint != "" {
		event = event.Str("hint", e.Hint)
	}
	event.Msg("request failed")
}

// SetHeader adds the headers of e to h.
func (e *Error) SetHeader(h http.Header) {
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
}

// WriteJSON answers with e as JSON.
func (e *Error) WriteJSON(w http.ResponseWriter, requestID string) {
	e.SetHeader(w.Header())
	body := struct {
		Word      string `json:"error"`
		Message   string `json:"message"` // for a person
		RequestID string `json:"request_id"`
		LoginURL  string `json:"login_url,omitempty"`
	}{e.Word, e.Message, requestID, ""}
	if e.Status == http.StatusUnauthorized {
		body.LoginURL = e.LoginURL
	}
	WriteJSON(w, e.Status, body)
}

// WriteJSON answers with body, which encoding/json must be able to encode.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // the client may have left
}
