package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
)

// Origins is a list of different origins.
type Origins []origin.Origin

// UnmarshalText parses a comma-separated list.
func (o *Origins) UnmarshalText(text []byte) error {
	list := parseItems(string(text), origin.Parse)
	for _, i := range list.sound {
		if j := slices.Index(list.values, list.values[i]); j < i {
			list.wrong = append(list.wrong, fmt.Sprintf("items %d and %d of the list are the same origin", j+1, i+1))
		}
	}
	if err := list.err(); err != nil {
		return err
	}
	*o = list.values
	return nil
}

// HostList is a list of host or host:port, in lower case.
type HostList []string

// UnmarshalText parses a comma-separated list.
func (h *HostList) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), origin.ParseHost)
	if err != nil {
		return err
	}
	*h = list
	return nil
}

// BaseURL is an absolute http or https URL that paths are appended to, without
// a slash at its end.
type BaseURL string

// UnmarshalText parses a URL without user, query and fragment.
func (b *BaseURL) UnmarshalText(text []byte) error {
	u, err := origin.ParseURL(string(text), "http", "https")
	if err != nil {
		return err
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if u.Path != "" && (!plainPath(u.Path) || strings.HasSuffix(u.Path, "/")) {
		return errors.New("expected a clean path of letters, digits and . _ ~ - / in the URL")
	}
	*b = BaseURL(u.String())
	return nil
}

// plainPath reports whether s begins with /, is clean except for one / at its
// end, and holds only characters that need no escape.
func plainPath(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-/"
	if !strings.HasPrefix(s, "/") || strings.Trim(s, letters) != "" || strings.HasSuffix(s, "//") {
		return false
	}
	return s == "/" || path.Clean(s) == strings.TrimSuffix(s, "/")
}
