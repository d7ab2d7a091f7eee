package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
)

// Origins is a list of origins, no two the same.
type Origins []origin.Origin

// UnmarshalText reads a comma-separated list.
func (o *Origins) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), origin.Parse)
	if err != nil {
		return err
	}
	for i, o := range list {
		if j := slices.Index(list, o); j < i {
			return fmt.Errorf("items %d and %d of the list are the same origin", j+1, i+1)
		}
	}
	*o = list
	return nil
}

// BaseURL is an absolute http or https URL that paths are put behind, without
// a slash at its end.
type BaseURL string

// UnmarshalText reads a URL without user, query and fragment.
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

// PictureURL is where a browser finds a picture: an absolute http or https URL,
// or a path of the site itself.
type PictureURL string

// UnmarshalText reads a URL, which may have a query, or a path that begins with
// one slash.
func (p *PictureURL) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	switch {
	case err != nil, strings.ContainsAny(string(text), "\\\"'<> ;,"), printable(string(text)) != nil, u.Fragment != "":
	case u.User != nil:
		return errors.New("expected a URL without user name and password")
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(string(text), "/") && !strings.HasPrefix(string(text), "//"),
		(u.Scheme == "https" || u.Scheme == "http") && origin.IsHostname(strings.ToLower(u.Hostname())):
		*p = PictureURL(text)
		return nil
	}
	return errors.New("expected an address such as https://h5.example.com/qr.png, or a path of the site such as /static/qr.png")
}

// HostList is a list of host or host:port, in lower case.
type HostList []string

// UnmarshalText reads a comma-separated list.
func (h *HostList) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), origin.ParseHost)
	if err != nil {
		return err
	}
	*h = list
	return nil
}

// plainPath reports whether s begins with /, is clean (but for one / at its
// end) and holds only characters that no one escapes.
func plainPath(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-/"
	if !strings.HasPrefix(s, "/") || strings.Trim(s, letters) != "" {
		return false
	}
	return s == "/" || path.Clean(s) == strings.TrimSuffix(s, "/")
}
