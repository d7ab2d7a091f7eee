package wechat

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxTextBytes = 512 // of foreign text in an error

// away is the error of a call that WeChat did not answer in its own words. Of
// its cause only the text is kept, and which end of the context it was.
type away struct {
	text  string
	ended error // context.Canceled, context.DeadlineExceeded or nil
}

func (e *away) Error() string { return e.text }
func (e *away) Unwrap() error { return e.ended }

// seal prepares err for the caller's log. Errors of net/http may hold the
// request's address or repeat what a server sent, and that may be our own
// request; here the address holds the secret, the code or a token.
func (c *Client) seal(req request, err error) error {
	if err == nil {
		return nil
	}
	if refusal, ok := err.(*Error); ok {
		refusal.API = req.api
		refusal.Message = c.redact(req, refusal.Message)
		return refusal
	}
	var ended error
	for _, e := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			ended = e
		}
	}
	if e, ok := errors.AsType[*url.Error](err); ok && e.Err != nil {
		err = e.Err // without the address
	}
	// What net/http quotes is a piece of the answer, maybe a fresh token, which
	// no list of known values would catch.
	text, _, quoted := strings.Cut(err.Error(), `"`)
	if quoted {
		text += "…"
	}
	return &away{text: req.api + ": " + c.redact(req, text), ended: ended}
}

// redact makes foreign text fit for an error: short, on one line, and without
// the secret values of the call, plain or escaped.
func (c *Client) redact(req request, text string) string {
	// The secret first: the code is the visitor's choice, and one that
	// overlaps the secret must not leave half of it standing.
	for _, secret := range append([]string{c.AppSecret.Reveal()}, req.hide...) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, redacted)
			text = strings.ReplaceAll(text, escape(secret), redacted)
		}
	}
	return clean(text, maxTextBytes)
}

// clean returns s as valid UTF-8 without control characters, cut to limit bytes
// at a whole character.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune { // which also puts U+FFFD for what is no UTF-8
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
