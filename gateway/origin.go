package gateway

import (
	"errors"
	"net/url"
	"strings"
)

// parseOrigin parses a scheme and host, and nothing else.
func parseOrigin(origin string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(origin, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("expected an origin such as https://h5.example.com")
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// behindOrigin returns what stands behind origin in an address, and whether the
// address is at that origin, to the letter: https://a.cn.evil.com is not at
// https://a.cn.
func behindOrigin(address, origin string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(address, origin)
	return rest, ok && (rest == "" || strings.IndexByte("/?#", rest[0]) >= 0)
}

// canonicalHost is the form in which hosts are compared: in lower case, without
// the port and the dot at the end that browsers let pass.
func canonicalHost(host string) string {
	name, port := host, ""
	if strings.HasPrefix(host, "[") { // an IPv6 address
		name, port, _ = strings.Cut(host[1:], "]")
	} else if i := strings.IndexByte(host, ':'); i >= 0 && strings.Count(host, ":") == 1 {
		name, port = host[:i], host[i:]
	}
	if strings.Trim(strings.TrimPrefix(port, ":"), "0123456789") != "" {
		return host // no port, and so no host
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
