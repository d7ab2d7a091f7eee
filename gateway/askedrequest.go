package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/origin"
)

// The headers by which proxies describe the request that they ask about, as Go
// spells them: the first three are Traefik's and Caddy's, the others nginx's.
// X-Forwarded-Proto is not among them: see askedHTTP.
const (
	headerForwardedMethod = "X-Forwarded-Method"
	headerForwardedHost   = "X-Forwarded-Host"
	headerForwardedURI    = "X-Forwarded-Uri"
	headerOriginalMethod  = "X-Original-Method"
	headerOriginalURI     = "X-Original-Uri"
	headerOriginalURL     = "X-Original-Url"
)

// askedRequest is the visitor's request as far as the proxy that asks describes
// it.
type askedRequest struct {
	*http.Request
	method    string // empty: not known, and Request.Method is the proxy's
	plainHTTP bool   // the proxy says that the visitor came by plain http
}

// isDescribed reports whether the proxy describes the request. If not, URL and
// RequestURI are empty.
func (a askedRequest) isDescribed() bool { return a.RequestURI != "" }

// question describes the request. A method that is not known matches no pattern
// that names one.
func (a askedRequest) question() question {
	ask := questionOf(a.Request, navigation(a.Request))
	ask.method = a.method
	return ask
}

// askedRequestOf reads the visitor's request out of r, by which a proxy asks. It
// reads the headers of trusted proxies only. Two headers that describe the same
// thing must agree: the proxy passes on those of the client's that it does not
// set.
func (d *doors) askedRequestOf(r *http.Request, q *facts) (askedRequest, error) {
	host := assertedValue{valid: isHost, same: sameHost}
	method, target := assertedValue{valid: isMethod}, assertedValue{valid: isTarget}
	after := d.site.afterAuth(requestTarget(r)) // as sent: no proxy asks by an encoded prefix
	if q.trusted {
		if after != "" { // Envoy
			target.set("the path behind /auth", after)
			method.set("the method", r.Method)
		}
		target.readHeader(r.Header, headerForwardedURI)
		target.readHeader(r.Header, headerOriginalURI)
		if !fromNginx(r.Header) || len(r.Header[headerOriginalMethod]) > 0 {
			// If nginx describes the target but not the method, this is the client's.
			method.readHeader(r.Header, headerForwardedMethod)
		}
		method.readHeader(r.Header, headerOriginalMethod)
		host.readHeader(r.Header, headerForwardedHost)
		readOriginalURL(r.Header, &host, &target)
	} else if after != "" { // Envoy, which may send no header of its own
		d.site.ignoringHeaders(r, q)
	}
	for _, value := range []*assertedValue{&target, &method, &host} {
		if fault := value.check(); fault != "" {
			d.warnOfHeaders(r, fault)
			e := refusal.InvalidRequest(nil).In(refusal.FormJSON) // for the operator, not the visitor
			e.Message = fault
			if value != &method || method.value == "" || headers.IsToken(method.value) {
				e.Status = http.StatusForbidden // nginx passes on no other status
			}
			return askedRequest{}, e
		}
	}
	o := described(r, target.value, method.value, host.value)
	return askedRequest{o, method.value, q.trusted && askedHTTP(r.Header)}, nil
}

// described returns a copy of r with the target, method and host of the request
// that it describes. Method and host may be empty: not known.
func described(r *http.Request, target, method, host string) *http.Request {
	o := *r
	o.URL, o.RequestURI = new(url.URL), target
	if u, err := url.ParseRequestURI(target); err == nil {
		o.URL = u
	}
	o.Method = cmp.Or(method, r.Method)
	o.Host = cmp.Or(host, r.Host)
	return &o
}

// askedHost is the host of the visitor's request in r, by which a trusted proxy
// asks.
func askedHost(r *http.Request) string {
	var target assertedValue
	host := assertedValue{same: sameHost}
	host.readHeader(r.Header, headerForwardedHost)
	readOriginalURL(r.Header, &host, &target)
	return cmp.Or(host.value, r.Host)
}

// readOriginalURL reads X-Original-URL: an absolute address, or what
// X-Original-URI holds.
func readOriginalURL(h http.Header, host, target *assertedValue) {
	var whole assertedValue
	if whole.readHeader(h, headerOriginalURL); whole.value == "" {
		target.fault = cmp.Or(target.fault, whole.fault)
		return
	}
	rest := whole.value
	if scheme, after, ok := strings.Cut(rest, "://"); ok && (scheme == "https" || scheme == "http") {
		// The host ends at the first slash, not at ? or #: proxies put the client's
		// Host before the target unchecked.
		name, path, _ := strings.Cut(after, "/")
		host.set(whole.source, name)
		rest = "/" + path
	}
	target.set(whole.source, rest)
}

// An assertedValue is one property of the visitor's request. Several headers may
// give it, and they have to agree.
type assertedValue struct {
	value  string
	source string
	fault  string                 // why the value is not used
	valid  func(string) bool      // nil: any value is
	same   func(a, b string) bool // nil: to the letter
}

func sameHost(a, b string) bool { return origin.Canonical(a) == origin.Canonical(b) }

// readHeader takes the value of a header, if it is there.
func (v *assertedValue) readHeader(h http.Header, name string) {
	switch values := h[name]; {
	case len(values) == 1 && values[0] != "":
		v.set(name, values[0])
	case len(values) > 0:
		v.fault = cmp.Or(v.fault, name+" is empty, or there twice; the proxy in front has to set it, once.")
	}
}

// set takes the value that source gives.
func (v *assertedValue) set(source, value string) {
	switch {
	case v.value == "":
		v.value, v.source = value, source
	case v.value == value, v.same != nil && v.same(v.value, value):
	default:
		v.fault = cmp.Or(v.fault, fmt.Sprintf("%s and %s describe different requests; "+
			"the proxy in front has to remove the one that it does not set.", v.source, source))
	}
}

// check returns why the value cannot be used; "" if it can, or is not there.
func (v *assertedValue) check() string {
	if v.fault == "" && v.value != "" && v.valid != nil && !v.valid(v.value) {
		return v.source + " cannot be read."
	}
	return v.fault
}

// isTarget reports whether s is path and query of a request, and nothing that
// two servers would read differently: no server sees what is behind a #.
func isTarget(s string) bool {
	_, err := url.ParseRequestURI(s)
	return err == nil && strings.HasPrefix(s, "/") &&
		!strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' })
}

// isMethod reports whether s is a method that a request for a site can have.
func isMethod(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == "" && s != http.MethodConnect && s != http.MethodTrace
}

// isHost reports whether s is a host, with or without a port.
func isHost(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]") == ""
}

// askedWarnings are the log messages about proxies that ask, which clients can
// trigger.
type askedWarnings struct {
	headers everyMinute // forward auth asked with headers that contradict each other
}

// warnOfHeaders logs why a proxy's question was refused. nginx shows nobody the
// answer that says so too.
func (d *doors) warnOfHeaders(r *http.Request, fault string) {
	d.warnings.headers.do(func() {
		d.site.logger.Warn().Str("peer", r.RemoteAddr).Str("detail", fault).
			Str("hint", "if this goes on, correct the proxy's configuration; "+
				"a visitor who sends such headers is refused rightly").
			Msg("forward auth refused: contradictory or unreadable headers")
	})
}
