package wechattest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// identifier returns 27 characters that depend only on the parts.
func identifier(kind string, parts ...string) string {
	return base64.RawURLEncoding.EncodeToString(digest(kind, parts...))[:27]
}

func digest(kind string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(kind))
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)
}
