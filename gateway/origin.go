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
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
