package headers

import (
	"net/http"
	"slices"
	"strings"
)

// FromBrowser reports whether the header of a request is that of a browser: it has
// Sec-Fetch-…, Origin, Referer, or a User-Agent that begins with Mozilla/. Over plain
// http, browsers leave out the first three in part. The script of a page can change
// or remove some of these, so a server must check the Host too.
func FromBrowser(h http.Header) bool {
	for name, values := range h {
		switch {
		case name == "Origin", name == "Referer", HasPrefix(name, "sec-fetch-"):
			return true
		case name == "User-Agent" && slices.ContainsFunc(values, isMozilla):
			return true
		}
	}
	return false
}

func isMozilla(userAgent string) bool {
	const prefix = "Mozilla/"
	return len(userAgent) >= len(prefix) && strings.EqualFold(userAgent[:len(prefix)], prefix)
}
