package pathset

import (
	"errors"
	"net/http"
	"path"
	"strings"
)

// ParsePattern parses one ServeMux pattern, such as "/static/" or
// "GET /news/{id}", and returns it with a single space behind the method.
// Patterns that match no request, or not the one that they seem to name, are
// errors: a host, a method in lower case, a query, a path that is not clean, a *,
// :name for {name}, a path that [Set.Match] takes for ambiguous. The errors do not
// repeat the pattern.
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
	case strings.Contains(rest, "*"):
		return "", errors.New("a * matches nothing but itself; " +
			"/static/ covers everything below it, {name} one segment")
	case strings.Contains(rest, "/:"):
		return "", errors.New("a : at the beginning of a segment matches nothing but itself; " +
			"write {id} for any segment")
	}
	if _, ok := unambiguous(rest); !ok {
		return "", errors.New(`matches nothing: a path with ; \ % # ? or an encoded / or . in it ` +
			"can be read in two ways")
	}
	pattern := strings.TrimSpace(method + " " + rest)
	return pattern, register(http.NewServeMux(), pattern)
}

// register adds a pattern to mux. ServeMux panics on a pattern that it cannot
// parse, or that conflicts with an earlier one; mux is unchanged then.
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
