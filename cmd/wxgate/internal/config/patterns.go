package config

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
)

// Patterns is a list of [net/http.ServeMux] patterns without a host, which can
// all be registered on one ServeMux.
type Patterns []string

// UnmarshalText reads a comma-separated list.
func (p *Patterns) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), parsePattern)
	if err != nil {
		return err
	}
	for i, pattern := range list {
		for j, other := range list[:i] {
			if register(other, pattern) != nil {
				return fmt.Errorf("items %d and %d of the list match the same requests, and neither is more specific; drop or narrow one", j+1, i+1)
			}
		}
	}
	*p = list
	return nil
}

func parsePattern(text string) (string, error) {
	method, rest, ok := strings.Cut(text, " ")
	if !ok {
		method, rest = "", text
	}
	rest = strings.TrimSpace(rest)
	switch {
	case !strings.HasPrefix(rest, "/"):
		return "", errors.New("expected a path that begins with /, with or without a method before it, such as /static/ or GET /news/{id}; hosts are not matched")
	case strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return "", errors.New("expected the method in capital letters, such as GET /news/{id}")
	case strings.ContainsAny(rest, "?#"):
		return "", errors.New("expected a path alone: query and fragment take no part")
	case path.Clean(rest) != strings.TrimSuffix(rest, "/") && rest != "/":
		return "", errors.New("expected a clean path: one with //, . or .. matches nothing")
	}
	pattern := strings.TrimSpace(method + " " + rest)
	return pattern, register(pattern)
}

// register puts patterns on a ServeMux of their own and gives what that panics
// with.
func register(patterns ...string) (err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		err = errors.New("not a ServeMux pattern")
		if e, ok := cause.(error); ok && errors.Unwrap(e) != nil {
			err = errors.Unwrap(e) // without the pattern, which is shown anyway
		}
	}()
	mux := http.NewServeMux()
	for _, pattern := range patterns {
		mux.Handle(pattern, http.NotFoundHandler())
	}
	return nil
}
