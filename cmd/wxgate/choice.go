package main

import (
	"errors"
	"slices"
	"strings"
)

// A choice is the value of a flag that allows a few words only. It implements
// [github.com/spf13/pflag.Value].
type choice struct {
	words []string
	chose string
}

// newChoice returns a choice between words. The first is the default.
func newChoice(words ...string) *choice { return &choice{words, words[0]} }

func (c *choice) String() string { return c.chose }

// Set chooses a word.
func (c *choice) Set(word string) error {
	if !slices.Contains(c.words, word) {
		return errors.New("expected " + strings.Join(c.words, " or "))
	}
	c.chose = word
	return nil
}

// Type returns what the help shows in the place of the value.
func (c *choice) Type() string { return strings.Join(c.words, "|") }
