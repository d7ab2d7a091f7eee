package session

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// minKeyBytes is the length of the shortest key that is accepted.
const minKeyBytes = 32

const (
	// minDifferentBytes is what any random key has, even one of decimal digits.
	minDifferentBytes = 6
	// maxPatternBytes is the length of a pattern that a person may have typed
	// several times.
	maxPatternBytes = 8
)

const redacted = "[redacted]"

// Key is a secret key of at least 32 random bytes. It prints as [redacted] in
// every verb of fmt and in JSON, except in an unexported field of a struct,
// where fmt calls no methods.
type Key []byte

// UnmarshalText reads base64 in either alphabet, padded or not. Its errors hold
// nothing of the key.
func (k *Key) UnmarshalText(text []byte) error {
	key, err := parseKey(string(text))
	if err != nil {
		return err
	}
	*k = key
	return nil
}

// Check returns an error if k is too short, or if it cannot be random: it has few
// different bytes, or repeats a short pattern. The error holds nothing of k.
func (k Key) Check() error {
	if len(k) < minKeyBytes {
		return fmt.Errorf("a key of %d bytes; at least %d are needed", len(k), minKeyBytes)
	}
	if k.weak() {
		return errors.New("a key of few different bytes or of a short pattern, which others can guess")
	}
	return nil
}

// weak reports whether k is a key that no generator of random bytes makes.
func (k Key) weak() bool {
	counts := make(map[byte]int)
	for _, b := range k {
		counts[b]++
		if counts[b] >= len(k)/2 {
			return true
		}
	}
	for n := range maxPatternBytes {
		if bytes.Equal(k[n+1:], k[:len(k)-n-1]) {
			return true
		}
	}
	return len(counts) < minDifferentBytes
}

// Format implements [fmt.Formatter]: every verb prints [redacted].
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler] with the text [redacted].
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Keys is a list of keys. It prints as [Key] does.
type Keys []Key

// UnmarshalText reads a comma-separated list of keys, no two of them the same,
// each as [Key.UnmarshalText] reads it. Spaces around a key are ignored. Its
// errors hold nothing of a key.
func (k *Keys) UnmarshalText(text []byte) error {
	var list Keys
	var wrong []string
	for item := range strings.SplitSeq(string(text), ",") {
		n := len(list) + 1
		item = strings.TrimSpace(item)
		key, err := parseKey(item)
		switch i := list.index(key); {
		case item == "":
			wrong = append(wrong, fmt.Sprintf("item %d of the list is empty", n))
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("item %d of the list: %v", n, err))
		case i >= 0:
			wrong = append(wrong, fmt.Sprintf("items %d and %d of the list are the same key", i+1, n))
		}
		list = append(list, key)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	*k = list
	return nil
}

// index returns the place of a key in k; -1 if it is not there.
func (k Keys) index(key Key) int {
	return slices.IndexFunc(k, func(other Key) bool { return bytes.Equal(key, other) })
}

// Check returns an error if k is empty, or all errors of [Key.Check] together. The
// errors hold nothing of a key.
func (k Keys) Check() error {
	if len(k) == 0 {
		return errors.New("no key; at least one is needed")
	}
	var wrong []string
	for i, key := range k {
		if err := key.Check(); err != nil {
			wrong = append(wrong, fmt.Sprintf("item %d of the list: %v", i+1, err))
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// Format implements [fmt.Formatter]: every verb prints [redacted].
func (k Keys) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler] with the text [redacted].
func (k Keys) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// parseKey reads one key. Its errors hold nothing of it.
func parseKey(text string) (Key, error) {
	// The decoder skips line breaks: two keys on two lines would be one.
	if strings.ContainsAny(text, " \t\r\n") {
		return nil, errors.New("space or line break inside a key; keys are separated by commas")
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
	if err := Key(key).Check(); err != nil {
		return nil, fmt.Errorf("%w; make one with: wxgate keygen", err)
	}
	return key, nil
}
