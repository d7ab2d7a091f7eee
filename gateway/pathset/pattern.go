package pathset

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
)

// ParsePattern parses one ServeMux pattern, such as "/static/" or
// "GET /news/{id}", and returns it with a single space behind the method.
// Patterns that match no request, or not the one that they seem to name, are
// errors: a host, a method in lower case, a query, a path that is not clean. The
// errors do not repeat the pattern.
func ParsePattern(text string) (string, error) {
	method, rest, ok := strings.Cut(text, " ")
	if !ok {
		method, rest = "", text
	}
	rest = strings.TrimSpace(rest)
	switch {
	case !strings.HasPrefix(rest, "/"):
		return "", errors.New("expected a path that begins with /, with or without a method before it, " +
			"such as /static/ or GET /news/{id}; hosts are not matched")
	case strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return "", errors.New("expected the method in capital letters, such as GET /news/{id}")
	case strings.ContainsAny(rest, "?#"):
		return "", errors.New("expected a path alone: query and fragment take no part")
	case path.Clean(rest) != strings.TrimSuffix(rest, "/") && rest != "/":
		return "", errors.New("expected a clean path: one with //, . or .. matches nothing")
	}
	pattern := strings.TrimSpace(method + " " + rest)
	return pattern, register(http.NewServeMux(), pattern)
}

// register adds a pattern to mux. ServeMux panics on a pattern that it cannot
// parse, or that conflicts with an earlier one.
func register(mux *http.ServeMux, pattern string) (err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		err = errors.New("not a ServeMux pattern")
		if e, ok := cause.(error); ok && errors.Unwrap(e) != nil {
			err = errors.Unwrap(e) // the reason alone, without the pattern
		}
	}()
	mux.Handle(pattern, member{})
	return nil
}

// conflict returns the error for the last of patterns, which conflicts with an
// earlier one.
func conflict(patterns []string) error {
	last := len(patterns) - 1
	for i, pattern := range patterns[:last] {
		mux := http.NewServeMux()
		if register(mux, pattern) == nil && register(mux, patterns[last]) != nil {
			return fmt.Errorf("items %d and %d of the list match the same requests, and neither is more specific; "+
				"drop or narrow one", i+1, last+1)
		}
	}
	return fmt.Errorf("item %d of the list conflicts with another", last+1)
}
