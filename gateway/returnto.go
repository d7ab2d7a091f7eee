package gateway

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wxgate/wxgate/session"
)

// returnTo returns raw if it is a safe address to send a visitor to after the
// login, a path of this site or an address on one of its hosts, and otherwise
// "/". It refuses all that a browser would read as another host. Spaces and
// characters beyond ASCII come back percent-encoded, all else byte for byte. If
// the address is too long for a login's cookie, its fragment is left out.
func (a *addresses) returnTo(raw string) string {
	// Browsers drop some control characters from an address.
	if raw == "" || strings.ContainsFunc(raw, unicode.IsControl) || !utf8.ValidString(raw) {
		return "/"
	}
	address := escapeNonASCII(raw)
	if len(address) > session.MaxReturnTo { // the page without its fragment is nearer than the home page
		address = upTo(address, "#")
	}
	if len(address) > session.MaxReturnTo {
		return "/"
	}
	if a.leadsToLogin(address) {
		return "/"
	}
	place := upTo(address, "?#")
	if strings.Contains(place, `\`) { // a slash to browsers, until the query begins
		return "/"
	}
	if strings.HasPrefix(place, "/") && staysOnHost(place) || a.onReturnHost(address) {
		return address
	}
	return "/"
}

// leadsToLogin reports whether an address is that of an endpoint that would only
// redirect the visitor again, and could be nested to any depth.
func (a *addresses) leadsToLogin(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false // refused or kept for what it is as text
	}
	p := path.Clean(u.Path)
	return p == a.prefix+"/login" || p == a.prefix+"/callback"
}

// escapeNonASCII percent-encodes what not every header can hold: spaces, control
// characters and all beyond ASCII.
func escapeNonASCII(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c > ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// staysOnHost reports whether a path, which begins with a slash, names no host
// to any reader: it does not begin with two slashes, neither as it is nor after
// encoded slashes and dots are decoded or dot segments resolved up to any point,
// as some software in between does.
func staysOnHost(path string) bool {
	depth, doubled := 0, false
	for segment := range strings.SplitSeq(slashes.Replace(path)[1:], "/") {
		if doubled {
			return false
		}
		switch segment {
		case ".":
		case "..":
			depth = max(0, depth-1)
		default:
			doubled = segment == "" && depth == 0
			depth++
		}
	}
	return true
}

var slashes = strings.NewReplacer("%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/", "%2e", ".", "%2E", ".")
