package wechat

import (
	"fmt"
	"io"
)

const redacted = "[redacted]"

// A Secret is a string that does not show itself: fmt prints it as [redacted],
// and encoding/json and other encoders of text write that in its place, so that
// they cannot store one. Four things are beyond its reach: a Secret in an
// unexported field, whose methods fmt does not call; one behind a pointer in a
// struct that is printed with a verb not meant for pointers, such as %s; one that
// is the key of a JSON object; and the verbs %p and %w. For the verbs there is go
// vet, which refuses them.
type Secret string

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Format implements [fmt.Formatter]: every verb prints [redacted].
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler] with the text [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
