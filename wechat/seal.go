package wechat

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxTextBytes = 512 // of text from outside in an error

// callError is the error of a call that ended without an errcode. It keeps only
// the text of what went wrong, and which of a few errors it was.
type callError struct {
	text  string
	cause error // context.Canceled, context.DeadlineExceeded, ErrNotJSON, http.ErrSchemeMismatch or nil
}

// ErrNotJSON is wrapped by the error of a call whose response is no JSON: something else
// than WeChat may have answered.
var ErrNotJSON = errors.New("not JSON")

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.cause }

// seal makes err safe to log. Errors of net/http may contain the address of the
// request, which here holds the secret, the code or a token, or quote what a
// server sent, which may be our own request.
func (c *Client) seal(req request, err error) error {
	if err == nil {
		return nil
	}
	if refusal, ok := err.(*Error); ok {
		refusal.API = req.api
		refusal.Message = c.redact(req, refusal.Message)
		return refusal
	}
	var cause error
	for _, e := range []error{context.Canceled, context.DeadlineExceeded, ErrNotJSON} {
		if errors.Is(err, e) {
			cause = e
		}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok { // it holds the connection
		cause = http.ErrSchemeMismatch
	}
	if e, ok := errors.AsType[*url.Error](err); ok && e.Err != nil {
		err = e.Err // without the address
	}
	// What net/http quotes is part of the response. It may be a new token,
	// which is not in any list of known secrets.
	text, _, quoted := strings.Cut(err.Error(), `"`)
	if quoted {
		text += "…"
	}
	return &callError{text: req.api + ": " + c.redact(req, text), cause: cause}
}

// redact makes text from outside fit for an error: short, on one line, and
// without the secret values of the call, plain or escaped.
func (c *Client) redact(req request, text string) string {
	// The AppSecret comes first: the visitor chooses the code, and a code that
	// overlaps the AppSecret must not leave a part of it in the text.
	for _, secret := range append([]string{c.AppSecret.Reveal()}, req.hide...) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, redacted)
			text = strings.ReplaceAll(text, escape(secret), redacted)
		}
	}
	return clean(text, maxTextBytes)
}

// clean returns s as valid UTF-8 without control characters, cut to at most
// limit bytes at a whole character.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune { // also replaces invalid UTF-8 by U+FFFD
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
