// Package pathset tells whether the path of a request is one of those that an
// operator has named, without being fooled by a path that two programs read as
// two different ones.
package pathset

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Set is a set of paths given as ServeMux patterns; nil is the empty one. It is
// safe for concurrent use; make one with [New].
type Set struct {
	mux *http.ServeMux
}

// member is the handler of every pattern, by which a match is told from the
// redirects that ServeMux makes up.
type member struct{}

func (member) ServeHTTP(http.ResponseWriter, *http.Request) {}

// New parses ServeMux patterns such as "/static/" or "GET /news/{id}".
// A pattern with a host is an error: the host is the client's to choose. Without
// patterns the set is nil.
func New(patterns []string) (set *Set, err error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	defer func() {
		// ServeMux panics on a pattern that it cannot parse.
		if p := recover(); p != nil {
			set, err = nil, fmt.Errorf("%v", p)
		}
	}()
	mux := http.NewServeMux()
	for _, pattern := range patterns {
		if _, target, ok := strings.Cut(pattern, " "); !strings.HasPrefix(pattern, "/") && !(ok && strings.HasPrefix(strings.TrimSpace(target), "/")) {
			return nil, fmt.Errorf("pattern %q: expected a path such as /static/ or GET /news/{id}", pattern)
		}
		mux.Handle(pattern, member{})
	}
	return &Set{mux}, nil
}

// Match reports whether the path, as it was sent, is in the set. A path that
// two programs could read as two different paths never is.
func (s *Set) Match(method, raw string) bool {
	if s == nil {
		return false
	}
	decoded, ok := unambiguous(raw)
	return ok && s.contains(method, decoded)
}

// MayMatch reports whether the path is in the set for a reader who decodes and
// cleans it before looking.
func (s *Set) MayMatch(method, raw string) bool {
	if s == nil {
		return false
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		decoded = raw
	}
	return s.contains(method, path.Clean(decoded)+trailingSlash(decoded))
}

func (s *Set) contains(method, p string) bool {
	handler, _ := s.mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: p}})
	_, ok := handler.(member)
	return ok
}

// trailingSlash returns the slash that path.Clean takes from p.
func trailingSlash(p string) string {
	if len(p) > 1 && strings.HasSuffix(p, "/") {
		return "/"
	}
	return ""
}

// unambiguous decodes a path as it was sent and reports whether every reader
// sees the same path in it, which then is clean, too. Refused are dot segments,
// empty segments, parameters (;), control characters, text that is not UTF-8,
// encoded slashes and dots, and whatever changes when it is decoded once more.
func unambiguous(raw string) (decoded string, ok bool) {
	if !strings.HasPrefix(raw, "/") {
		return "", false
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil || !utf8.ValidString(decoded) {
		return "", false
	}
	if strings.ContainsAny(decoded, `\;%#?`) || strings.ContainsFunc(decoded, unicode.IsControl) {
		return "", false
	}
	if strings.Count(decoded, "/") != strings.Count(raw, "/") || strings.Count(decoded, ".") != strings.Count(raw, ".") {
		return "", false // %2F, %2E
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(decoded[1:], "/"), "/") {
		// Windows reads ". ." and "..." as it reads dot segments.
		if strings.Trim(segment, ". ") == "" && decoded != "/" {
			return "", false
		}
	}
	return decoded, true
}
