package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Origin is the scheme, host and port that visitors use: http or https, in
// lower case, the scheme's own port left out. The zero Origin is none.
type Origin struct {
	Scheme string
	Host   string // with its port; an IPv6 address in brackets
}

// UnmarshalText reads an origin such as https://h5.example.com; a lone / may
// follow it.
func (o *Origin) UnmarshalText(text []byte) error {
	u, err := parseURL(string(text), "http", "https")
	if err != nil {
		return err
	}
	if u.Path != "" {
		return errors.New("expected an origin without a path, such as https://h5.example.com")
	}
	host := u.Host
	switch u.Scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	*o = Origin{Scheme: u.Scheme, Host: host}
	return nil
}

// IsZero reports whether there is no origin.
func (o Origin) IsZero() bool {
	return o == Origin{}
}

// String gives the origin as a URL without a slash at its end; empty for none.
func (o Origin) String() string {
	if o.IsZero() {
		return ""
	}
	return o.Scheme + "://" + o.Host
}

// MarshalText gives what [Origin.String] gives.
func (o Origin) MarshalText() ([]byte, error) {
	return []byte(o.String()), nil
}

// hostname gives the host without port and brackets.
func (o Origin) hostname() string {
	u := url.URL{Host: o.Host}
	return u.Hostname()
}

// Origins is a list of origins, no two the same.
type Origins []Origin

// UnmarshalText reads a comma-separated list.
func (o *Origins) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), func(item string) (origin Origin, err error) {
		err = origin.UnmarshalText([]byte(item))
		return origin, err
	})
	if err != nil {
		return err
	}
	for i, origin := range list {
		if j := slices.Index(list, origin); j < i {
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
	u, err := parseURL(string(text), "http", "https")
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
		(u.Scheme == "https" || u.Scheme == "http") && isHostname(strings.ToLower(u.Hostname())):
		*p = PictureURL(text)
		return nil
	}
	return errors.New("expected an address such as https://h5.example.com/qr.png, or a path of the site such as /static/qr.png")
}

// HostList is a list of host or host:port, in lower case.
type HostList []string

// UnmarshalText reads a comma-separated list.
func (h *HostList) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), parseHost)
	if err != nil {
		return err
	}
	*h = list
	return nil
}

// parseURL reads an absolute URL of one of the schemes that has a host, and
// maybe a path, which is not checked; a lone / is none. Its errors do not repeat
// the text, which may hold a password.
func parseURL(text string, schemes ...string) (*url.URL, error) {
	scheme, rest, ok := cutScheme(text)
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
	host, err := parseHost(authority)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: scheme, Host: host}
	if slash && rest != "" {
		u.Path = "/" + rest
	}
	return u, nil
}

// cutScheme splits a URL behind "://"; the scheme comes in lower case.
func cutScheme(text string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(text, "://")
	return strings.ToLower(scheme), rest, ok
}

// parseHost reads host or host:port and gives it in lower case, an IPv6 address
// in brackets and in its shortest form.
func parseHost(text string) (string, error) {
	if strings.Contains(text, "://") {
		return "", errors.New("expected a host alone, such as h5.example.com, without http:// or https://")
	}
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:i], text[i:]
		if !isPort(port[1:]) || port == ":0" {
			return "", errors.New("expected a port from 1 to 65535 behind the host")
		}
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		addr, err := netip.ParseAddr(host[1 : len(host)-1])
		if err == nil && addr.Is6() && addr.Zone() == "" {
			return "[" + addr.String() + "]" + port, nil
		}
	}
	host = strings.ToLower(host)
	if !isHostname(host) {
		return "", errors.New("expected a host such as h5.example.com or h5.example.com:8080, in ASCII (xn--… for other scripts), no wildcard")
	}
	return host + port, nil
}

// isPort reports whether s is a port number as strconv would write it.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// isHostname reports whether s is a name of letters, digits, - and _ (which
// Docker's service names have) in dotted labels, or an IPv4 address.
func isHostname(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, letters) != "" {
			return false
		}
		last = label
	}
	if strings.Trim(last, "0123456789") != "" {
		return true
	}
	// A name that ends in a number is an IPv4 address to a browser.
	_, err := netip.ParseAddr(s)
	return err == nil
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
