package session

import (
	"iter"
	"net/http"
	"strings"
)

// maxSameName is how many cookies of one name are opened. A browser sends a few
// at most: one for each domain and path that set it. A client that sends
// thousands must not cost a signature check for each.
const maxSameName = 8

// cookies yields the names and values in the Cookie headers of r.
// [http.Request.Cookies] would make a list of all of them first.
func cookies(r *http.Request) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, line := range r.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
				if !yield(strings.TrimRight(name, " \t"), unquote(value)) {
					return
				}
			}
		}
	}
}

// cookiesNamed yields the values of the first eight cookies of r called name.
func cookiesNamed(r *http.Request, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		left := maxSameName
		for other, value := range cookies(r) {
			if other != name {
				continue
			}
			if left--; !yield(value) || left == 0 {
				return
			}
		}
	}
}

// unquote removes the quotes around a cookie's value, which are not part of it.
func unquote(value string) string {
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}
