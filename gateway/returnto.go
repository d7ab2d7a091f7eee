package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wxgate/wxgate/session"
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

// allowedHosts returns the hosts that a return address may name.
func allowedHosts(publicURL *url.URL, further []string) map[string]bool {
	hosts := map[string]bool{publicURL.Host: true}
	for _, host := range further {
		hosts[strings.ToLower(host)] = true
	}
	return hosts
}

// returnTo returns raw where it is a safe place to send a visitor after her
// login, a path of this site or an address on one of its hosts, and "/" where
// it is anything else. Whatever a browser would read as another host is
// refused. Blanks and letters beyond ASCII come back percent-encoded, all else
// byte for byte.
func (g *Gateway) returnTo(raw string) string {
	if raw == "" || strings.ContainsFunc(raw, unsafeInAddress) || !utf8.ValidString(raw) {
		return "/"
	}
	address := escapeNonASCII(raw)
	if len(address) > session.MaxReturnTo {
		return "/"
	}
	if address[0] == '/' && staysOnHost(address) || g.onReturnHost(address) {
		return address
	}
	return "/"
}

// unsafeInAddress reports characters that browsers drop from an address
// (control characters) or take for a slash (backslash).
func unsafeInAddress(c rune) bool {
	return unicode.IsControl(c) || c == '\\'
}

// escapeNonASCII percent-encodes what cannot stand in a Location header.
func escapeNonASCII(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// staysOnHost reports whether a reference that begins with a slash is a path
// for every reader: also once its dot segments are resolved and encoded
// slashes and dots decoded, as some software in between does.
func staysOnHost(reference string) bool {
	path := reference
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	var resolved []string
	for segment := range strings.SplitSeq(slashes.Replace(path)[1:], "/") {
		switch segment {
		case ".":
		case "..":
			resolved = resolved[:max(0, len(resolved)-1)]
		default:
			resolved = append(resolved, segment)
		}
	}
	return len(resolved) < 2 || resolved[0] != ""
}

var slashes = strings.NewReplacer("%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/", "%2e", ".", "%2E", ".")

// onReturnHost reports whether address is an absolute one on a host that may
// be returned to. https may be left for nothing less.
func (g *Gateway) onReturnHost(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || !g.returnHosts[strings.ToLower(u.Host)] {
		return false
	}
	if u.Scheme != "https" && u.Scheme != g.publicURL.Scheme {
		return false
	}
	// The text has to be what was parsed: a browser reads "https:host" and
	// "https:///host" in ways of its own.
	authority := u.Scheme + "://" + u.Host
	if len(address) < len(authority) || !strings.EqualFold(address[:len(authority)], authority) {
		return false
	}
	rest := address[len(authority):]
	return rest == "" || strings.IndexByte("/?#", rest[0]) >= 0
}

// returnTarget is where a page load was going, as a return address: a path, or
// a whole address where the visitor is on another of this site's hosts.
func (g *Gateway) returnTarget(r *http.Request) string {
	target := requestTarget(r)
	if host := strings.ToLower(r.Host); host != g.publicURL.Host && g.returnHosts[host] {
		return g.publicURL.Scheme + "://" + host + target
	}
	return target
}

// callingPage is the page of this site that a script's request came from,
// where the browser tells; "" otherwise.
func (g *Gateway) callingPage(r *http.Request) string {
	if referer := r.Header.Get("Referer"); g.onReturnHost(referer) {
		return g.returnTo(referer)
	}
	return ""
}
