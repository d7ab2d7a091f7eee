// Package pathset decides whether a request's path is in a set that an operator
// gives as ServeMux patterns. [Set.Match] refuses a path that two programs could
// read as two different paths.
package pathset

import (
	"errors"
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
	// groups hold all patterns together. Those of one group do not conflict, as
	// ServeMux calls it: most sets are one group, and need one lookup.
	groups []*http.ServeMux
	// singles hold one pattern each.
	singles []*http.ServeMux
	// slashes and longest are the most slashes in one pattern, and the length of
	// the longest one, see Extent.
	slashes, longest int
}

// member is the handler of every pattern. It distinguishes a match from the
// redirects that ServeMux adds.
type member struct{}

func (member) ServeHTTP(http.ResponseWriter, *http.Request) {}

// New returns the set of the paths that match at least one of the patterns, see
// [ParsePattern]. Patterns may overlap, and their order does not matter. Without
// patterns the set is nil.
func New(patterns []string) (*Set, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	s := new(Set)
	seen := make(map[string]bool)
	var wrong []string
	for _, text := range patterns {
		pattern, err := ParsePattern(text)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("pattern %q: %v", text, err))
		case !seen[pattern]:
			seen[pattern] = true
			s.add(pattern)
		}
	}
	if len(wrong) > 0 {
		return nil, errors.New(strings.Join(wrong, "; "))
	}
	return s, nil
}

// add adds a pattern that [ParsePattern] returned.
func (s *Set) add(pattern string) {
	s.slashes = max(s.slashes, strings.Count(pattern, "/"))
	s.longest = max(s.longest, len(pattern))
	single := http.NewServeMux()
	register(single, pattern)
	s.singles = append(s.singles, single)
	for _, group := range s.groups {
		if register(group, pattern) == nil {
			return
		}
	}
	group := http.NewServeMux()
	register(group, pattern)
	s.groups = append(s.groups, group)
}

// Match reports whether the path, as it was sent, is in the set. A path that
// two programs could read as two different paths never is.
func (s *Set) Match(method, raw string) bool { return s.Find(method, raw) != "" }

// MayMatch reports whether the path is in the set after it is decoded and
// cleaned, as a server may do before it routes.
func (s *Set) MayMatch(method, raw string) bool { return s.MayFind(method, raw) != "" }

// Find is [Set.Match]. It returns a pattern that the path matches, as
// [ParsePattern] returns it; "" if there is none.
func (s *Set) Find(method, raw string) (pattern string) {
	if s == nil {
		return ""
	}
	decoded, ok := unambiguous(raw)
	if !ok {
		return ""
	}
	return s.find(method, decoded)
}

// MayFind is [Set.MayMatch]. It returns a pattern as [Set.Find] does.
func (s *Set) MayFind(method, raw string) (pattern string) {
	if s == nil {
		return ""
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		decoded = raw
	}
	return s.find(method, path.Clean(decoded)+trailingSlash(decoded))
}

// find returns a pattern that a clean path matches; "" if there is none.
func (s *Set) find(method, p string) string {
	r := &http.Request{Method: method, URL: &url.URL{Path: p}}
	redirected := false
	for _, group := range s.groups {
		handler, pattern := group.Handler(r)
		if _, ok := handler.(member); ok {
			return pattern
		}
		redirected = redirected || pattern != ""
	}
	if !redirected {
		return ""
	}
	// If /a/ and / are in one group, ServeMux redirects /a to /a/, although /
	// matches it.
	for _, single := range s.singles {
		handler, pattern := single.Handler(r)
		if _, ok := handler.(member); ok {
			return pattern
		}
	}
	return ""
}

// trailingSlash returns the slash that path.Clean takes from p.
func trailingSlash(p string) string {
	if len(p) > 1 && strings.HasSuffix(p, "/") {
		return "/"
	}
	return ""
}

// IsAmbiguous reports whether two programs could read two different paths in the path
// as it was sent. No [Set.Match] holds it.
func IsAmbiguous(raw string) bool {
	_, ok := unambiguous(raw)
	return !ok
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
