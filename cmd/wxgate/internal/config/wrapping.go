package config

import (
	"errors"
	"strings"
)

// checkWrapping returns an error if a value is in quotes, or is a placeholder.
// Some programs that read env files pass quotes on, and some do not replace
// placeholders; no variable has a value in that form. The error does not hold the
// value.
func checkWrapping(value string) error {
	for _, w := range wrappings() {
		if len(value) >= len(w.begin)+len(w.end) &&
			strings.HasPrefix(value, w.begin) && strings.HasSuffix(value, w.end) {
			return errors.New(w.problem)
		}
	}
	return nil
}

// A wrapping is what stands around a value, and what is wrong with it.
type wrapping struct{ begin, end, problem string }

func wrappings() []wrapping {
	const (
		quotes      = "in quotes, which would be part of the value; remove them"
		placeholder = "a placeholder that nothing has replaced; expected the value itself"
	)
	return []wrapping{
		{`"`, `"`, quotes}, {"'", "'", quotes}, {"`", "`", quotes}, {"“", "”", quotes}, {"‘", "’", quotes},
		{"${", "}", placeholder}, {"$(", ")", placeholder}, {"{{", "}}", placeholder}, {"<", ">", placeholder},
	}
}
