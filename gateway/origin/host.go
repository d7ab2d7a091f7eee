package origin

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// ParseHost parses a host, or a host and port, and returns it in lower case; an
// IPv6 address in brackets and in its shortest form.
func ParseHost(text string) (string, error) {
	if strings.Contains(text, "://") {
		return "", errors.New("expected a host alone, such as h5.example.com, without http:// or https://")
	}
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:i], text[i:]
		if !IsPort(port[1:]) || port == ":0" {
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
	if !IsHostname(host) {
		return "", errors.New("expected a host such as h5.example.com or h5.example.com:8080, " +
			"in ASCII (xn--… for other scripts), no wildcard")
	}
	return host + port, nil
}

// Canonical returns the form in which the hosts of requests are compared: in
// lower case, without port and brackets, and without the dot at the end that
// browsers accept. A text whose port is not a number, or whose brackets do not hold
// an IPv6 address, is returned unchanged.
func Canonical(host string) string {
	name, port := host, ""
	if strings.HasPrefix(host, "[") { // an IPv6 address
		name, port, _ = strings.Cut(host[1:], "]")
		if addr, err := netip.ParseAddr(name); err != nil || !addr.Is6() {
			return host
		}
	} else if i := strings.IndexByte(host, ':'); i >= 0 && strings.Count(host, ":") == 1 {
		name, port = host[:i], host[i:]
	}
	if strings.Trim(strings.TrimPrefix(port, ":"), "0123456789") != "" {
		return host
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// IsPort reports whether s is a port number, 0 included, without leading zeros.
func IsPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// IsHostname reports whether s is an IPv4 address or a name in dotted labels of
// lower-case letters, digits, - and _. Names of Docker services have _.
func IsHostname(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		dashed := strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-")
		if label == "" || len(label) > 63 || dashed || strings.Trim(label, letters) != "" {
			return false
		}
		last = label
	}
	if strings.Trim(last, "0123456789") != "" {
		return true
	}
	// To a browser, a name that ends in a number is an IPv4 address.
	_, err := netip.ParseAddr(s)
	return err == nil
}

// IsPublicSuffix reports whether names under the domain belong to different
// people, as those under com.cn or github.io do: browsers refuse a cookie for all
// of them. A name without a dot is a public suffix too.
func IsPublicSuffix(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}
