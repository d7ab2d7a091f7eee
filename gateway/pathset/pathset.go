// Package pathset decides whether a request's path is in a set that an operator
// gives as ServeMux patterns. [Set.Match] refuses a path that two programs could
// read as two different paths.
package pathset

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
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
	for _, text := range patterns {
		pattern, err := ParsePattern(text)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		if !seen[pattern] {
			seen[pattern] = true
			s.add(pattern)
		}
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

// contains reports whether a clean path is in the set.
func (s *Set) contains(method, p string) bool {
	r := &http.Request{Method: method, URL: &url.URL{Path: p}}
	redirected := false
	for _, group := range s.groups {
		handler, pattern := group.Handler(r)
		if _, ok := handler.(member); ok {
			return true
		}
		redirected = redirected || pattern != ""
	}
	// If /a/ and / are in one group, ServeMux redirects /a to /a/, although /
	// matches it.
	return redirected && slices.ContainsFunc(s.singles, func(single *http.ServeMux) bool {
		handler, _ := single.Handler(r)
		_, ok := handler.(member)
		return ok
	})
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
