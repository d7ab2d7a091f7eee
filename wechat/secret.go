package wechat

import (
	"fmt"
	"io"
)

const redacted = "[redacted]"

// A Secret is a string that does not show itself: fmt prints it as [redacted],
// and encoding/json and other text encoders write [redacted] too, so they cannot
// store one. There are four exceptions: a Secret in an unexported field, whose
// methods fmt does not call; a *Secret in a struct that is printed with a verb
// not meant for pointers, such as %s; a Secret that is the key of a JSON object;
// and the verbs %p and %w, which go vet refuses.
type Secret string

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Format implements [fmt.Formatter]: every verb prints [redacted].
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler] with the text [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
