package config

import (
	"bytes"
	"strings"

	"github.com/wxgate/wxgate/session"
)

// guessable reports whether a key looks as if a person had made it up: text, a
// pattern that repeats, or a sequence such as 0, 1, 2. Hexadecimal text is what
// programs make at random.
func guessable(key session.Key) bool {
	return isText(key) || repeats(key) || isSequence(key)
}

func isText(key session.Key) bool {
	printable := func(c rune) bool { return ' ' <= c && c <= '~' }
	text := string(key)
	return strings.TrimFunc(text, printable) == "" && strings.Trim(strings.ToLower(text), "0123456789abcdef") != ""
}

// repeats reports whether the key is a pattern that stands there at least twice.
func repeats(key session.Key) bool {
	for n := 1; n <= len(key)/2; n++ {
		if bytes.Equal(key[n:], key[:len(key)-n]) {
			return true
		}
	}
	return false
}

// isSequence reports whether the steps from byte to byte are few different ones.
func isSequence(key session.Key) bool {
	const fewest = 8 // even random hexadecimal text has more
	steps := make(map[byte]bool)
	for i := range len(key) - 1 {
		steps[key[i+1]-key[i]] = true
	}
	return len(steps) < fewest
}
