package pathset

import "strings"

// Extent is how much of a site a [Set] holds.
type Extent int

const (
	// Part is anything less than Most.
	Part Extent = iota
	// Most is every path with more than a certain number of segments, but not
	// every path: /{a}/ lacks /a alone.
	Most
	// All is every path that [Set.Match] does not take for ambiguous.
	All
)

// Extent returns how much of a site the set holds for requests of a method.
func (s *Set) Extent(method string) Extent {
	if s == nil {
		return Part
	}
	// A segment that is in no pattern stands for any segment: only wildcards
	// match it. Paths of more segments than the patterns have are all alike.
	unknown := "/" + strings.Repeat("x", s.longest)
	deep := strings.Repeat(unknown, s.slashes+1)
	if !s.Match(method, deep) || !s.Match(method, deep+"/") {
		return Part
	}
	for n := range s.slashes + 1 {
		p := strings.Repeat(unknown, n)
		if n > 0 && !s.Match(method, p) || !s.Match(method, p+"/") {
			return Most
		}
	}
	return All
}
