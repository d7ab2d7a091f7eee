package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wxgate/wxgate/session"
)

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
// byte for byte; where it would be too long for a login's cookie, its fragment
// is left out.
func (g *guard) returnTo(raw string) string {
	// Browsers drop some control characters from an address.
	if raw == "" || strings.ContainsFunc(raw, unicode.IsControl) || !utf8.ValidString(raw) {
		return "/"
	}
	address := escapeNonASCII(raw)
	if len(address) > session.MaxReturnTo { // the page without its fragment is nearer than the home page
		address = before(address, "#")
	}
	if len(address) > session.MaxReturnTo {
		return "/"
	}
	if g.leadsToLogin(address) {
		return "/"
	}
	place := before(address, "?#")
	if strings.Contains(place, `\`) { // a slash to browsers, until the query begins
		return "/"
	}
	if strings.HasPrefix(place, "/") && staysOnHost(place) || g.onReturnHost(address) {
		return address
	}
	return "/"
}

// leadsToLogin reports whether an address is that of an endpoint which would
// only send the visitor on again, and could be nested to any depth.
func (g *guard) leadsToLogin(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false // refused or kept for what it says as text
	}
	p := path.Clean(u.Path)
	return p == g.prefix+"/login" || p == g.prefix+"/callback"
}

// escapeNonASCII percent-encodes what not every header can hold: blanks,
// control characters and all beyond ASCII.
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
// to any reader: it does not begin with two, neither as it is nor when encoded
// slashes and dots are decoded or dot segments resolved up to any point, as
// some software in between does.
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

// onReturnHost reports whether address is an absolute one on a host that may
// be returned to. https may be left for nothing less. The text itself is
// compared, not what some parser makes of it: browsers read "https:host",
// "https:///host" and user names in ways of their own.
func (g *guard) onReturnHost(address string) bool {
	scheme, rest, _ := strings.Cut(address, "://")
	scheme, host := strings.ToLower(scheme), strings.ToLower(before(rest, "/?#"))
	return (scheme == "https" || scheme == g.publicURL.Scheme) && host != "" && g.returnHosts[host]
}

// ownPage reports whether address is that of a page of this site, as a browser
// shows it: absolute, on the origin of the public URL to the letter, and without
// what no browser's address holds. Beyond the origin it is not looked at: path
// and query may be any.
func (g *guard) ownPage(address string) bool {
	rest, ok := behindOrigin(address, g.publicURL.String())
	return ok && utf8.ValidString(rest) &&
		!strings.ContainsFunc(rest, func(c rune) bool { return unicode.IsControl(c) || c == ' ' })
}

// before returns s up to the first of some signs.
func before(s, signs string) string {
	if i := strings.IndexAny(s, signs); i >= 0 {
		return s[:i]
	}
	return s
}

// returnTarget is where a page load was going, as a return address: a path, or
// a whole address where the visitor is on another of this site's hosts and will
// have her session there.
func (g *guard) returnTarget(r *http.Request) string {
	target := requestTarget(r)
	if host := strings.ToLower(r.Host); host != g.publicURL.Host && g.returnHosts[host] && g.sharesSession(host) {
		return g.publicURL.Scheme + "://" + host + target
	}
	return target
}

// sharesSession reports whether browsers send the session cookie to a host other
// than the public URL's. Without it, a way back there would lead to the login
// again, and on in circles.
func (g *guard) sharesSession(host string) bool {
	domain := g.cookieDomain()
	return domain != "" && inDomain(canonicalHost(host), domain)
}

// callingPage is the page of this site that a script's request came from,
// where the browser tells; "" otherwise.
func (g *guard) callingPage(r *http.Request) string {
	if referer := r.Header.Get("Referer"); g.onReturnHost(referer) {
		return g.returnTo(referer)
	}
	return ""
}
