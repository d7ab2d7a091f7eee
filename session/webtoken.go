package session

import (
	"fmt"
	"io"
	"time"
)

// WebToken is the access token with which a visitor's data can be asked of WeChat.
// It prints as [redacted] in every verb of fmt and in JSON.
type WebToken struct {
	// Access works until ExpiresAt, two hours at present.
	Access    string
	ExpiresAt time.Time
	// Refresh brings another Access until RefreshUntil, 30 days after the login;
	// empty: WeChat gave none.
	Refresh      string
	RefreshUntil time.Time
}

// Format implements [fmt.Formatter]: every verb prints [redacted].
func (t *WebToken) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler] with the text [redacted].
func (t *WebToken) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// append appends the binary form of t to b.
func (t *WebToken) append(b []byte) []byte {
	b = appendString(b, t.Access)
	b = appendTime(b, t.ExpiresAt)
	b = appendString(b, t.Refresh)
	return appendTime(b, t.RefreshUntil)
}

// token reads what [WebToken.append] writes.
func (r *reader) token() *WebToken {
	return &WebToken{Access: r.string(), ExpiresAt: r.time(), Refresh: r.string(), RefreshUntil: r.time()}
}
