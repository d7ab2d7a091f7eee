package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// The headers by which proxies tell of the request that they ask about, as Go
// spells them: the first three are Traefik's and Caddy's, the others nginx's.
// X-Forwarded-Proto is not among them: the scheme is always the public URL's.
const (
	headerForwardedMethod = "X-Forwarded-Method"
	headerForwardedHost   = "X-Forwarded-Host"
	headerForwardedURI    = "X-Forwarded-Uri"
	headerOriginalMethod  = "X-Original-Method"
	headerOriginalURI     = "X-Original-Uri"
	headerOriginalURL     = "X-Original-Url"
)

// fromNginx reports whether a request has the headers that configurations of
// nginx set.
func fromNginx(h http.Header) bool {
	return len(h[headerOriginalURI]) > 0 || len(h[headerOriginalURL]) > 0 || len(h[headerOriginalMethod]) > 0
}

// original is the visitor's request, as far as the proxy that asks about it
// tells. Of one that is not known, URL and RequestURI are empty.
type original struct {
	*http.Request
	method string // empty where it is not known; the Request then has the proxy's
}

// asked is the question about the request. A method that is not known is no
// method: patterns that name one do not match.
func (o original) asked() asked {
	return asked{
		method:     o.method,
		path:       rawPath(o.Request),
		navigation: navigation(o.Request),
		userAgent:  o.UserAgent(),
	}
}

// original reads the visitor's request out of r, a proxy's. Only a trusted proxy
// is believed; nothing is known of what others ask about. Whatever is said twice
// has to be said alike: a header that the proxy does not set is the client's.
func (g *guard) original(r *http.Request, v *visit) (original, error) {
	var method, target claim
	host := claim{same: sameHost}
	behind := g.behindAuth(requestTarget(r)) // as sent: no proxy asks by an encoded spelling of the prefix
	if v.trusted {
		if behind != "" { // Envoy
			target.is("the path behind /auth", behind)
			method.is("the method", r.Method)
		}
		target.header(r.Header, headerForwardedURI)
		target.header(r.Header, headerOriginalURI)
		if !fromNginx(r.Header) || len(r.Header[headerOriginalMethod]) > 0 {
			// Beside nginx's target alone it is the client's.
			method.header(r.Header, headerForwardedMethod)
		}
		method.header(r.Header, headerOriginalMethod)
		host.header(r.Header, headerForwardedHost)
		originalURL(r.Header, &host, &target)
	} else if behind != "" || fromNginx(r.Header) || len(r.Header[headerForwardedURI]) > 0 {
		g.warnOfProxy(v)
	}
	o := *r
	o.URL, o.RequestURI = new(url.URL), target.value
	if target.value != "" {
		u, err := url.ParseRequestURI(target.value)
		target.check(err == nil && isTarget(target.value))
		if err == nil {
			o.URL = u
		}
	}
	if method.value != "" {
		method.check(isMethod(method.value))
		o.Method = method.value
	}
	if host.value != "" {
		host.check(isHost(host.value))
		o.Host = host.value
	}
	for _, c := range []claim{target, method, host} {
		if c.fault != "" {
			v.navigation = false // the operator's to read, not the visitor's
			g.warnOfClaim(r, c.fault)
			return original{}, &failure{Status: http.StatusForbidden, Word: wordInvalidRequest, Message: c.fault}
		}
	}
	return original{&o, method.value}, nil
}

// originalHost is the host of the visitor's request, in r of a trusted proxy.
func originalHost(r *http.Request) string {
	var target claim
	host := claim{same: sameHost}
	host.header(r.Header, headerForwardedHost)
	originalURL(r.Header, &host, &target)
	if host.value == "" {
		return r.Host
	}
	return host.value
}

// originalURL reads X-Original-URL: a whole address, or what X-Original-URI is.
func originalURL(h http.Header, host, target *claim) {
	var whole claim
	if whole.header(h, headerOriginalURL); whole.value == "" {
		target.fault = cmp.Or(target.fault, whole.fault)
		return
	}
	rest := whole.value
	if scheme, after, ok := strings.Cut(rest, "://"); ok && (scheme == "https" || scheme == "http") {
		// Up to the first slash, whatever else ends a host for others: proxies
		// put the client's Host before the target.
		name, path, _ := strings.Cut(after, "/")
		host.is(whole.source, name)
		rest = "/" + path
	}
	target.is(whole.source, rest)
}

// A claim is one thing that is told of the visitor's request, maybe more than
// once.
type claim struct {
	value  string
	source string
	fault  string                 // why it is not believed
	same   func(a, b string) bool // nil: to the letter
}

func sameHost(a, b string) bool { return canonicalHost(a) == canonicalHost(b) }

// header takes what a header says, if it is there.
func (c *claim) header(h http.Header, name string) {
	switch values := h[name]; {
	case len(values) == 1 && values[0] != "":
		c.is(name, values[0])
	case len(values) > 0:
		c.fault = cmp.Or(c.fault, name+" is empty, or there twice; the proxy in front has to set it, once.")
	}
}

// is takes what source says.
func (c *claim) is(source, value string) {
	switch {
	case c.value == "":
		c.value, c.source = value, source
	case c.value == value, c.same != nil && c.same(c.value, value):
	default:
		c.fault = cmp.Or(c.fault, fmt.Sprintf("%s and %s tell of different requests; the proxy in front has to remove the one that it does not set.", c.source, source))
	}
}

// check notes whether the value can be read.
func (c *claim) check(ok bool) {
	if !ok {
		c.fault = cmp.Or(c.fault, c.source+" cannot be read.")
	}
}

// isTarget reports whether s is path and query of a request, and nothing that
// two servers would read differently: no server sees what is behind a #.
func isTarget(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' })
}

// isMethod reports whether s is a method that a request for a site can have.
func isMethod(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == "" && s != http.MethodConnect && s != http.MethodTrace
}

// isHost reports whether s is a host, with or without a port.
func isHost(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]") == ""
}

// warnOfProxy says that somebody asks who is not believed: most likely the
// operator's own proxy.
func (g *guard) warnOfProxy(v *visit) {
	g.warn.proxy.do(func() {
		g.logger.Warn().Str("client_ip", clientIPText(v)).
			Str("mend", "name the proxy's address in WXGATE_TRUSTED_PROXIES, if it is yours").
			Msg("forward auth asked by an address that is not trusted: what it tells is not believed")
	})
}

// warnOfClaim says why a proxy's question was refused. nginx shows nobody the
// answer that says so too.
func (g *guard) warnOfClaim(r *http.Request, fault string) {
	g.warn.claim.do(func() {
		g.logger.Warn().Str("peer", r.RemoteAddr).Str("detail", fault).
			Str("mend", "where this goes on, correct the proxy's configuration; a visitor who writes such headers herself is refused rightly").
			Msg("forward auth refused: the visitor's request cannot be told")
	})
}
