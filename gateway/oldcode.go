package gateway

import (
	"net/url"
	"slices"
	"strings"
)

// withoutOldCode returns address without the code and state of an earlier login
// in its query, however the names are spelled. WeChat would add the new ones
// behind them, and servers and scripts differ in which of two they read. All else
// stays byte for byte.
func withoutOldCode(address string) string {
	page, query, hasQuery := strings.Cut(upTo(address, "#"), "?")
	if !hasQuery {
		return address
	}
	pairs := strings.Split(query, "&")
	kept := slices.DeleteFunc(slices.Clone(pairs), isCodeOrState)
	switch {
	case len(kept) == len(pairs):
		return address
	case len(kept) > 0:
		page += "?" + strings.Join(kept, "&")
	}
	return page + address[len(upTo(address, "#")):]
}

// isCodeOrState reports whether pair, name and value in a query, is named code or
// state.
func isCodeOrState(pair string) bool {
	encoded, _, _ := strings.Cut(pair, "=")
	name, err := url.QueryUnescape(encoded)
	return err == nil && (name == "code" || name == "state")
}
