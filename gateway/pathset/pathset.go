// Package pathset decides whether a request's path is in a set that an operator
// gives as ServeMux patterns. [Set.Match] refuses a path that two programs could
// read as two different paths.
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

// Set is a set of paths, made by [New]. A nil Set is empty. A Set is safe for
// concurrent use.
type Set struct {
	mux *http.ServeMux
}

// member is the handler of every pattern. It distinguishes a match from the
// redirects that ServeMux adds.
type member struct{}

func (member) ServeHTTP(http.ResponseWriter, *http.Request) {}

// New returns the set of the paths that match one of the patterns, see
// [ParsePattern]. Two patterns that match the same requests are an error unless
// one of them is more specific. Without patterns the set is nil.
func New(patterns []string) (*Set, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	mux := http.NewServeMux()
	parsed := make([]string, len(patterns))
	for i, text := range patterns {
		pattern, err := ParsePattern(text)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		parsed[i] = pattern
		if register(mux, pattern) != nil {
			return nil, conflict(parsed[:i+1])
		}
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

// MayMatch reports whether the path is in the set after it is decoded and
// cleaned, as a server may do before it routes.
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

// unambiguous decodes a path as it was sent and reports whether every program
// reads the same, clean path in it. It refuses dot segments, empty segments,
// parameters (;), control characters, text that is not UTF-8, encoded slashes
// and dots, and text that would change if it were decoded once more.
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
	if strings.Count(decoded, "/") != strings.Count(raw, "/") ||
		strings.Count(decoded, ".") != strings.Count(raw, ".") {
		return "", false // %2F, %2E
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(decoded[1:], "/"), "/") {
		// Windows treats ". ." and "..." as dot segments.
		if strings.Trim(segment, ". ") == "" && decoded != "/" {
			return "", false
		}
	}
	return decoded, true
}
