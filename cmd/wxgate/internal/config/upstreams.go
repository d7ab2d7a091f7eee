package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
)

// Upstream is a part of the site and the server for it.
type Upstream struct {
	// Prefix is what the path of a request begins with: "/", or a clean path
	// with or without a slash at its end.
	Prefix string
	// URL has the scheme http, https or h2c and a host, nothing else; or the
	// scheme unix and the absolute path of a socket.
	URL *url.URL
}

// Upstreams is the whole site: one server, or several by path. No two prefixes
// are the same or differ only in a slash at the end, and one of them is "/". The
// order is that of the variable; the longest prefix of a path decides.
type Upstreams []Upstream

// UnmarshalText parses one URL, for the prefix "/", or a comma-separated list of
// prefix=URL. It refuses a URL with a path or query: requests are forwarded with
// their own, unchanged.
func (u *Upstreams) UnmarshalText(text []byte) error {
	one := strings.TrimSpace(string(text))
	if !strings.HasPrefix(one, "/") && !strings.Contains(one, ",") {
		server, err := parseUpstreamURL(one)
		if err != nil {
			return err
		}
		*u = Upstreams{{Prefix: "/", URL: server}}
		return nil
	}
	list := parseItems(one, parseUpstream)
	seen := make(map[string]bool)
	for _, upstream := range list.values {
		prefix := strings.TrimSuffix(upstream.Prefix, "/")
		switch {
		case upstream.Prefix == "": // of an item that is wrong
		case seen[prefix]:
			list.wrong = append(list.wrong, fmt.Sprintf("the path %s is in the list twice", upstream.Prefix))
		default:
			seen[prefix] = true
		}
	}
	if !seen[""] {
		list.wrong = append(list.wrong, "expected an upstream for the path / too, such as /=http://web:80")
	}
	if err := list.err(); err != nil {
		return err
	}
	*u = list.values
	return nil
}

// String returns the list in the form that [Upstreams.UnmarshalText] parses.
func (u Upstreams) String() string {
	if len(u) == 1 {
		return u[0].URL.String()
	}
	var items []string
	for _, upstream := range u {
		items = append(items, upstream.Prefix+"="+upstream.URL.String())
	}
	return strings.Join(items, ",")
}

// MarshalText returns the text of [Upstreams.String].
func (u Upstreams) MarshalText() ([]byte, error) {
	return []byte(u.String()), nil
}

func parseUpstream(text string) (Upstream, error) {
	prefix, rest, ok := strings.Cut(text, "=")
	if !ok || !strings.HasPrefix(prefix, "/") {
		return Upstream{}, errors.New("expected path=URL, such as /api/=http://api:8080")
	}
	prefix = strings.TrimSpace(prefix)
	if strings.Count(rest, "://") > 1 {
		return Upstream{Prefix: prefix}, errors.New("expected one URL; separate the upstreams by commas")
	}
	if !plainPath(prefix) {
		const want = "expected a clean path of letters, digits and . _ ~ - / before the =, such as /api/"
		return Upstream{}, errors.New(want)
	}
	server, err := parseUpstreamURL(strings.TrimSpace(rest))
	return Upstream{Prefix: prefix, URL: server}, err
}

func parseUpstreamURL(text string) (*url.URL, error) {
	if scheme, socket, ok := cutScheme(text); ok && scheme == "unix" {
		u := &url.URL{Scheme: "unix", Path: socket}
		// A path that needs escapes would have two spellings.
		plain := u.EscapedPath() == socket && !strings.ContainsAny(socket, "%,")
		if !plain || !path.IsAbs(socket) || path.Clean(socket) != socket || socket == "/" {
			return nil, errors.New("expected the clean absolute path of a socket, such as unix:///run/web.sock")
		}
		return u, nil
	}
	u, err := origin.ParseURL(text, "http", "https", "h2c", "unix")
	switch {
	case err != nil:
		return nil, err
	case u.Path != "":
		return nil, errors.New("expected a URL without a path: requests are forwarded with their own path, unchanged")
	}
	return u, nil
}

// cutScheme splits a URL at "://" and returns the scheme in lower case.
func cutScheme(text string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(text, "://")
	return strings.ToLower(scheme), rest, ok
}

// DialAddress returns the network and address of an upstream for [net.Dialer].
func DialAddress(u *url.URL) (network, address string) {
	switch {
	case u.Scheme == "unix":
		return "unix", u.Path
	case u.Port() != "":
		return "tcp", u.Host
	case u.Scheme == "https":
		return "tcp", net.JoinHostPort(u.Hostname(), "443")
	default:
		return "tcp", net.JoinHostPort(u.Hostname(), "80")
	}
}
