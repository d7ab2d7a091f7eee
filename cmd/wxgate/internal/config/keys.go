package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Keys is a list of cookie keys, each of 32 bytes or more, no two the same. It
// prints as [redacted] in every verb that go vet accepts for it.
type Keys [][]byte

// UnmarshalText reads a comma-separated list of base64, in either alphabet,
// padded or not. Its errors hold nothing of a key.
func (k *Keys) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), parseKey)
	if err != nil {
		return err
	}
	for i, key := range list {
		for j, other := range list[:i] {
			if bytes.Equal(key, other) {
				return fmt.Errorf("items %d and %d of the list are the same key", j+1, i+1)
			}
		}
	}
	*k = list
	return nil
}

// Format implements [fmt.Formatter]: it prints [redacted].
func (k Keys) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("[redacted]"))
}

// MarshalText implements [encoding.TextMarshaler] with the text [redacted].
func (k Keys) MarshalText() ([]byte, error) {
	return []byte("[redacted]"), nil
}

// Key is one key of 32 bytes or more; nil: none is set. It prints as [Keys]
// does.
type Key []byte

// UnmarshalText reads base64, in either alphabet, padded or not. Its errors
// hold nothing of the key.
func (k *Key) UnmarshalText(text []byte) error {
	key, err := parseKey(string(text))
	if err != nil {
		return err
	}
	*k = key
	return nil
}

// Format implements [fmt.Formatter]: it prints [redacted].
func (k Key) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("[redacted]"))
}

// MarshalText implements [encoding.TextMarshaler] with the text [redacted].
func (k Key) MarshalText() ([]byte, error) {
	return []byte("[redacted]"), nil
}

// parseKey reads one key. Its errors hold nothing of it.
func parseKey(text string) ([]byte, error) {
	const least = 32
	// The decoder skips line breaks: two keys on two lines would be one.
	if strings.ContainsAny(text, " \t\r\n") {
		return nil, errors.New("blank or line break inside a key; keys are separated by commas")
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(text, "=") {
		encoding = base64.StdEncoding
	}
	key, err := encoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("expected base64; make a key with: wxgate keygen")
	}
	if len(key) < least {
		return nil, fmt.Errorf("a key of %d bytes; at least %d are needed; make one with: wxgate keygen", len(key), least)
	}
	return key, nil
}
