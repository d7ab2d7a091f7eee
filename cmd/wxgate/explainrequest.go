package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// An explainedRequest is the request in the arguments of `explain`.
type explainedRequest struct {
	method, scheme, host string // scheme and host are empty for a path
	target               string // path and query
	as                   string // openid; empty: none given
	nobody               bool
	headers              []explainedHeader
	from                 netip.Addr
	asked                string // method of the request about which a proxy asks; empty: none given
}

type explainedHeader struct {
	name, value string
	given       string // the name as it was written
}

// usually returns a header that nobody has given.
func usually(name, value string) explainedHeader { return explainedHeader{name, value, name} }

// setArguments reads [METHOD] URL.
func (a *explainedRequest) setArguments(args []string) error {
	switch len(args) {
	case 1:
	case 2:
		a.method, args = args[0], args[1:]
	default:
		return errors.New("expected [METHOD] URL, such as: wxgate explain POST /cart")
	}
	return a.setURL(args[0])
}

// setURL reads an absolute URL, or what stands in place of one: * for OPTIONS, and
// host:port for CONNECT.
func (a *explainedRequest) setURL(text string) error {
	_, _, notHostPort := net.SplitHostPort(text)
	switch {
	case a.method == http.MethodOptions && text == "*":
		a.target = text
		return nil
	case a.method == http.MethodConnect && notHostPort == nil && !strings.Contains(text, "/"):
		a.host, a.target = text, text
		return nil
	}
	return a.setAddress(text)
}

// setAddress reads an absolute URL, or a path with or without a query. It keeps them as
// they are, but encodes letters beyond ASCII as browsers do, and leaves out the
// fragment, which no browser sends.
func (a *explainedRequest) setAddress(text string) error {
	rest := text
	if scheme, after, ok := strings.Cut(text, "://"); ok && !strings.HasPrefix(text, "/") {
		end := strings.IndexAny(after+"/", "/?#")
		a.scheme, a.host, rest = strings.ToLower(scheme), after[:end], after[end:]
		u, err := url.Parse(a.scheme + "://" + a.host)
		if a.scheme != "http" && a.scheme != "https" || err != nil || a.host == "" || u.User != nil {
			return fmt.Errorf("%q: expected http:// or https:// and a host", text)
		}
		if !strings.HasPrefix(rest, "/") {
			rest = "/" + rest
		}
	}
	if !strings.HasPrefix(rest, "/") {
		return fmt.Errorf("%q: expected an absolute URL, or a path that begins with /", text)
	}
	rest, _, _ = strings.Cut(rest, "#")
	var b strings.Builder
	for _, c := range []byte(rest) {
		if c > 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	a.target = b.String()
	return nil
}

// setVisitor reads an openid, or nobody.
func (a *explainedRequest) setVisitor(text string) error {
	const longest = 128
	odd := func(c rune) bool { return c <= ' ' || c > '~' }
	if text == "" || len(text) > longest || strings.ContainsFunc(text, odd) {
		return errors.New("expected an openid, or nobody")
	}
	a.as, a.nobody = text, false
	if text == "nobody" {
		a.as, a.nobody = "", true
	}
	return nil
}

// setHeader reads "Name: value".
func (a *explainedRequest) setHeader(text string) error {
	name, value, ok := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return errors.New("expected Name: value")
	}
	a.headers = append(a.headers, explainedHeader{textproto.CanonicalMIMEHeaderKey(name), value, name})
	return nil
}

// header returns the values that were given for a header, and whether it was.
func (a *explainedRequest) header(name string) (values []string, given bool) {
	for _, h := range a.headers {
		if h.name == name {
			values, given = append(values, h.value), true
		}
	}
	return values, given
}

// setFrom reads the address of the client.
func (a *explainedRequest) setFrom(text string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return errors.New("expected one IP address without port or prefix length, such as 192.0.2.1 or 2001:db8::1")
	}
	a.from = addr
	return nil
}

// gives reports whether one of the named headers was given, with or without a value.
func (a *explainedRequest) gives(names ...string) bool {
	return slices.ContainsFunc(a.headers, func(h explainedHeader) bool { return slices.Contains(names, h.name) })
}

// hasCookie reports whether a session cookie of the given name is among the headers.
func (a *explainedRequest) hasCookie(name string) bool {
	values, _ := a.header("Cookie")
	r := &http.Request{Header: http.Header{"Cookie": values}}
	return slices.ContainsFunc(r.Cookies(), func(c *http.Cookie) bool {
		return strings.TrimPrefix(c.Name, "__Host-") == name
	})
}

// request returns the request as the gateway's server reads it.
func (e *explainer) request() (*http.Request, error) {
	return e.read(e.ask.method, e.host(), e.ask.target, e.schemeHeader())
}

// read returns the request with the headers of --header, and those that they do not
// replace of the simulated ones and of a client's usual ones. An [*unreadable] error is
// the answer of the server.
func (e *explainer) read(method, host, target string, simulated []explainedHeader) (*http.Request, error) {
	if fault := lineFault(method, target); fault != "" {
		return nil, &unreadable{http.StatusBadRequest, fault}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\n", method, target)
	if !e.ask.gives("Host") {
		fmt.Fprintf(&text, "Host: %s\r\n", host)
	}
	for _, h := range append(e.ask.assumed(simulated), e.ask.headers...) {
		if h.value != "" {
			fmt.Fprintf(&text, "%s: %s\r\n", h.name, h.value)
		}
	}
	r, err := receive(text.String() + "\r\n")
	if err != nil {
		return nil, err
	}
	r.RemoteAddr = netip.AddrPortFrom(e.peer().addr, 1024).String()
	return r, nil
}

// A peer is the address that the request comes from.
type peer struct {
	addr    netip.Addr
	trusted bool // a proxy in WXGATE_TRUSTED_PROXIES
}

// peer returns the address of --from; without it the first one that is trusted, as all
// requests come from the proxy if there is one.
func (e *explainer) peer() peer {
	addr, proxies := e.ask.from.Unmap(), e.cfg.TrustedProxies
	switch {
	case addr.IsValid():
	case len(proxies) == 0:
		addr = netip.MustParseAddr("192.0.2.1") // for documentation: nobody's
	default:
		addr = proxies[0].Addr()
		if next := addr.Next(); proxies[0].Contains(next) {
			addr = next
		}
	}
	return peer{addr, slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) })}
}
