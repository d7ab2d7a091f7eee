// Package origin parses and compares web origins and hosts. It accepts a host in
// one spelling only, so that wxgate and a browser never read the same text as
// two different hosts.
package origin

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Origin is the scheme, host and port of a site: http or https, in lower case,
// without the scheme's default port. The zero Origin means that there is none.
type Origin struct {
	Scheme string
	Host   string // with its port; an IPv6 address in brackets
}

// Parse parses an origin such as https://h5.example.com. A single / may follow
// it. The errors do not repeat the text, which may hold a password.
func Parse(text string) (Origin, error) {
	u, err := ParseURL(text, "http", "https")
	if err != nil {
		return Origin{}, err
	}
	if u.Path != "" {
		return Origin{}, errors.New("expected an origin without a path, such as https://h5.example.com")
	}
	host := u.Host
	switch u.Scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return Origin{Scheme: u.Scheme, Host: host}, nil
}

// ParseURL parses an absolute URL that has one of the schemes, a host and maybe
// a path. It does not check the path; a single / counts as no path. The errors
// do not repeat the text, which may hold a password.
func ParseURL(text string, schemes ...string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !ok || !slices.Contains(schemes, scheme) {
		return nil, errors.New("expected a URL that begins with " + strings.Join(schemes, ":// or ") + "://")
	}
	switch {
	case strings.Contains(rest, "@"):
		return nil, errors.New("expected a URL without user name and password")
	case strings.ContainsAny(rest, "?#"):
		return nil, errors.New("expected a URL without query and fragment")
	}
	authority, rest, slash := strings.Cut(rest, "/")
	host, err := ParseHost(authority)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: scheme, Host: host}
	if slash && rest != "" {
		u.Path = "/" + rest
	}
	return u, nil
}

// IsZero reports whether there is no origin.
func (o Origin) IsZero() bool {
	return o == Origin{}
}

// String returns the origin as a URL without a slash at the end; empty for the
// zero Origin.
func (o Origin) String() string {
	if o.IsZero() {
		return ""
	}
	return o.Scheme + "://" + o.Host
}

// MarshalText returns the text of [Origin.String].
func (o Origin) MarshalText() ([]byte, error) {
	return []byte(o.String()), nil
}

// UnmarshalText sets the origin to what [Parse] returns.
func (o *Origin) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*o = parsed
	return nil
}

// Hostname returns the host without port and brackets.
func (o Origin) Hostname() string {
	u := url.URL{Host: o.Host}
	return u.Hostname()
}

// Behind returns the part of an address that follows the origin, and whether
// the address is at the origin. The address must begin with [Origin.String] to
// the letter, and the origin must end there: https://a.cn.evil.com is not at
// https://a.cn.
func (o Origin) Behind(address string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(address, o.String())
	return rest, ok && (rest == "" || strings.IndexByte("/?#", rest[0]) >= 0)
}
