package session

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// A value that gorilla's codecs seal is base64 of "time|ciphertext|signature", in
// which the ciphertext is base64 already: four bytes of a long address become
// seven. In the compact form only the signature, the last 32 bytes, is encoded
// again: the ciphertext is base64 once, and all of it may be in a cookie.

// compact returns the compact form of a value that gorilla's codecs have sealed.
func compact(sealed string) string {
	inner, err := base64.URLEncoding.DecodeString(sealed)
	if err != nil || len(inner) < sha256.Size {
		return sealed // not possible: the codecs encode so
	}
	signature := len(inner) - sha256.Size
	return string(inner[:signature]) + base64.RawURLEncoding.EncodeToString(inner[signature:])
}

// expand returns the value that compact was given. Any other value comes back as
// it is or as one that no codec opens.
func expand(value string) string {
	end := strings.LastIndexByte(value, '|') + 1
	if end == 0 {
		return value // not compact: base64 has no "|"
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(value[end:])
	if err != nil {
		return ""
	}
	return base64.URLEncoding.EncodeToString(append([]byte(value[:end]), signature...))
}
