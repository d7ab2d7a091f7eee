package wechat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Limits of the values in a response. WeChat documents up to 512 bytes for a
// token, and its openids have 28.
const (
	maxTokenBytes = 2048
	maxIDBytes    = 128
	maxScopeBytes = 256
)

// A response is what the JSON of a successful call is decoded into.
type response interface {
	check() error // reports a value that is missing or unusable
}

// notJSON is the error of a response that is no JSON, in the words of encoding/json.
type notJSON struct{ error }

// Unwrap returns [ErrNotJSON].
func (e *notJSON) Unwrap() error { return ErrNotJSON }

// decode decodes the body of a response: into an [*Error] if WeChat refused the
// call, else into the given response. It ignores the Content-Type, since WeChat
// sends its JSON as text/plain without a charset.
func decode(status int, body []byte, into response) error {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	// JSON forbids a raw control character inside a string, but nicknames
	// contain them, and such a visitor must be able to sign in. Outside of
	// strings the ones that JSON allows mean the same as a space. Invalid UTF-8
	// becomes U+FFFD in encoding/json.
	body = bytes.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, body)

	var refusal struct {
		Code    number `json:"errcode"`
		Message string `json:"errmsg"`
	}
	if err := json.Unmarshal(body, &refusal); err != nil {
		if !json.Valid(body) {
			err = &notJSON{err}
		}
		return fmt.Errorf("decode response (status %d): %w", status, err)
	}
	// Before the status: WeChat refuses with 200, but a proxy may change it.
	if refusal.Code != 0 {
		return &Error{Code: int(refusal.Code), Message: refusal.Message}
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d without an errcode", status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decode response: %w", err)
	}
	return into.check()
}

// A number is an integer of 32 bits. Some older calls of WeChat send it in
// quotation marks.
type number int32

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := integer(b, 32)
	*n = number(v)
	return err
}

// A bigNumber is an integer of 64 bits: a time, or a number that the account
// chose.
type bigNumber int64

func (n *bigNumber) UnmarshalJSON(b []byte) error {
	v, err := integer(b, 64)
	*n = bigNumber(v)
	return err
}

func integer(b []byte, bits int) (int64, error) {
	s := string(b)
	if s == "null" {
		return 0, nil
	}
	if len(s) >= 2 && s[0] == '"' {
		s = s[1 : len(s)-1]
	}
	v, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("not an integer of %d bits", bits) // strconv's error repeats the value
	}
	return v, nil
}

// visible reports whether s has at most limit bytes, all of them visible ASCII.
// Such a value can be sent in a header, and trimming does not change it.
func visible(s string, limit int) bool {
	return len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
