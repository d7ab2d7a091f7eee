package session

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// maxLogins is how many logins one browser may have: a phone may restore
	// several tabs at once.
	maxLogins = 5
	// maxLoginBytes limits the login cookies of one browser together, as they are in
	// its Cookie header. Many servers accept 8 KiB of a header line, in which the
	// session and the site's cookies need room too.
	maxLoginBytes = 4096
	// maxSetCookieBytes limits the Set-Cookie lines of the response in which a login
	// begins. nginx accepts 4 KiB of a response header by default; the rest is for
	// the address of WeChat's page and the other headers.
	maxSetCookieBytes = 3456
	// maxCandidates is how many login cookies are opened, and may be removed, when a
	// login begins.
	maxCandidates = 20
)

// A candidate is a login cookie of a browser that may be removed for a new one.
type candidate struct {
	name    string
	bytes   int       // in the Cookie header
	beganAt time.Time // zero: goes first
}

// heldLogins are the login cookies that a browser has.
type heldLogins struct {
	candidates []candidate
	count      int // of all, also of those that are not candidates
	bytes      int
}

// makeRoom removes login cookies of the browser that sent r, with Set-Cookie
// headers in header, until one of newBytes has room. Its Set-Cookie header is going
// to be newLine.
func (l *Logins) makeRoom(r *http.Request, header http.Header, newBytes int, newLine string) {
	held := l.heldBy(r, header)
	count, bytes := held.count+1, held.bytes+newBytes
	room := maxSetCookieBytes - lineBytes(newLine)
	for _, line := range header["Set-Cookie"] {
		room -= lineBytes(line)
	}
	for _, c := range held.candidates {
		if count <= maxLogins && bytes <= maxLoginBytes {
			return
		}
		removal := l.removal(c.name)
		needed := lineBytes(removal) - lineBytes(lineOf(header, c.name))
		if removal == "" || needed > room {
			continue
		}
		header["Set-Cookie"] = append(withoutLine(header, c.name), removal)
		room -= needed
		count--
		bytes -= c.bytes
	}
}

// heldBy returns the login cookies of the browser that sent r, as they will be once
// it has got header. Those that cannot be opened may belong to another site on the
// same host, for example at another port.
func (l *Logins) heldBy(r *http.Request, header http.Header) heldLogins {
	var held heldLogins
	seen := 0
	for name, value := range cookies(r) {
		if !strings.HasPrefix(name, l.prefix) {
			continue
		}
		size := cookieBytes(name, value)
		held.bytes += size
		if seen++; seen > maxCandidates {
			held.count++
			continue
		}
		// A browser has several cookies of one name if they differ in domain or path.
		i := slices.IndexFunc(held.candidates, func(c candidate) bool { return c.name == name })
		if i < 0 {
			i = len(held.candidates)
			held.candidates = append(held.candidates, candidate{name: name})
			held.count++
		}
		c := &held.candidates[i]
		c.bytes += size
		if login, ok := l.open(name, value); ok {
			c.beganAt = login.BeganAt
		}
	}
	for i := range held.candidates {
		held.replace(&held.candidates[i], lineOf(header, held.candidates[i].name))
	}
	// Stable, because browsers send the older of two cookies first.
	slices.SortStableFunc(held.candidates, func(a, b candidate) int { return a.beganAt.Compare(b.beganAt) })
	return held
}

// replace takes into account that the response sets c anew by line, if it is not
// empty: c has been spent, and the login that begins takes its place.
func (h *heldLogins) replace(c *candidate, line string) {
	if line == "" {
		return
	}
	pair, _, _ := strings.Cut(line, ";")
	name, value, _ := strings.Cut(pair, "=")
	size := cookieBytes(name, value)
	h.bytes += size - c.bytes
	c.bytes, c.beganAt = size, time.Time{}
}

// removal returns the Set-Cookie header that removes a login cookie, in the fewest
// bytes; "" if browsers cannot have a cookie of that name.
func (l *Logins) removal(name string) string {
	c := http.Cookie{Name: name, Path: "/", Domain: l.jar.Options.Domain, MaxAge: -1, Secure: l.jar.Options.Secure}
	return c.String()
}

// lineOf returns the Set-Cookie header in header for the cookie called name; "" if
// there is none.
func lineOf(header http.Header, name string) string {
	i := slices.IndexFunc(header["Set-Cookie"], func(line string) bool { return setsCookie(line, name) })
	if i < 0 {
		return ""
	}
	return header["Set-Cookie"][i]
}

// withoutLine returns the Set-Cookie headers in header for other cookies than that
// called name.
func withoutLine(header http.Header, name string) []string {
	return slices.DeleteFunc(header["Set-Cookie"], func(line string) bool { return setsCookie(line, name) })
}

func setsCookie(line, name string) bool { return strings.HasPrefix(line, name+"=") }

// cookieBytes returns the size of a cookie in a Cookie header, with what separates
// it from the next.
func cookieBytes(name, value string) int { return len(name) + len("=") + len(value) + len("; ") }

// lineBytes returns the size of a Set-Cookie header in HTTP/1.1; 0 for no header.
func lineBytes(line string) int {
	if line == "" {
		return 0
	}
	return len("Set-Cookie: \r\n") + len(line)
}
