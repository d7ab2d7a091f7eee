package wechat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Limits of what an answer may hold. WeChat documents up to 512 bytes for a
// token and shows openids of 28.
const (
	maxTokenBytes = 2048
	maxIDBytes    = 128
	maxScopeBytes = 256
)

// decode reads the body of an answer: an [*Error] where WeChat refused, else
// into. The Content-Type takes no part, since WeChat sends its JSON as
// text/plain without a charset.
func decode(status int, body []byte, into answer) error {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	// JSON forbids a bare control character inside a string, but nicknames have
	// them, and one must not lock its owner out. Elsewhere those that JSON
	// allows are mere blanks. Invalid UTF-8 becomes U+FFFD in encoding/json.
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
		return fmt.Errorf("decode answer (status %d): %w", status, err)
	}
	// Before the status: WeChat's refusals have 200, but a proxy may change it.
	if refusal.Code != 0 {
		return &Error{Code: int(refusal.Code), Message: refusal.Message}
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d without an errcode", status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return into.check()
}

// A number is an integer of 32 bits, which WeChat's older answers may put in
// quotation marks.
type number int32

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := integer(b, 32)
	*n = number(v)
	return err
}

// A bigNumber is a number of 64 bits: a time, or what others chose.
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

// visible reports whether s has at most limit bytes, all of them visible ASCII:
// fit for a header, and never equal to another value after trimming.
func visible(s string, limit int) bool {
	return len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
