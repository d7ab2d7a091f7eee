package extauthz

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
)

// newRequest returns the visitor's request as Envoy tells it, or an error that
// quotes nothing of it. Its target is what Envoy has, byte for byte. What
// net/http's server would not hand to a handler, or what a server behind could
// read in another way, is an error.
func newRequest(ctx context.Context, q *question) (*http.Request, error) {
	if q.err != nil {
		return nil, errors.New("message: does not decode")
	}
	attributes := q.message.GetAttributes()
	told := attributes.GetRequest().GetHttp()
	method, target := told.GetMethod(), told.GetPath()
	// Without any, as HTTP/1.0 has it, the request is for a gateway's only site.
	host := cmp.Or(told.GetHost(), told.GetHeaders()[":authority"], told.GetHeaders()["host"])
	switch {
	case method == "" || method == http.MethodConnect:
		return nil, errors.New("method: missing, or CONNECT")
	case strings.ContainsFunc(host, notInHost):
		return nil, errors.New("host: no host")
	case !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " #"):
		return nil, errors.New("path: no path of a request line")
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, errors.New("path: control characters or invalid percent-encoding")
	}
	r, err := http.NewRequestWithContext(ctx, method, "", http.NoBody)
	if err != nil {
		return nil, errors.New("method: no method name")
	}
	r.URL, r.RequestURI, r.Host = u, target, host
	r.Proto, r.ProtoMajor, r.ProtoMinor = protocol(told.GetProtocol())
	r.RemoteAddr = socketAddress(attributes.GetSource())
	for name, value := range fields(told) {
		if name = http.CanonicalHeaderKey(name); name != "Host" {
			r.Header[name] = append(r.Header[name], value)
		}
	}
	return r, nil
}

// fields are the names and values of a request's headers, without the pseudo
// headers of HTTP/2 that Envoy lists among them. They stand in "headers", the
// values of one name joined, or under encode_raw_headers one by one in
// "header_map" (Envoy's attribute_context.proto).
func fields(told *authv3.AttributeContext_HttpRequest) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for name, value := range told.GetHeaders() {
			if isHeader(name) && !yield(name, value) {
				return
			}
		}
		for _, h := range told.GetHeaderMap().GetHeaders() {
			value := h.GetValue()
			if raw := h.GetRawValue(); len(raw) > 0 {
				value = string(raw)
			}
			if isHeader(h.GetKey()) && !yield(h.GetKey(), value) {
				return
			}
		}
	}
}

func isHeader(name string) bool { return name != "" && name[0] != ':' }

// notInHost reports whether c is nothing that a host and port are made of.
func notInHost(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`/\?#@`, c)
}

// protocol is the version of HTTP, of which Envoy writes only the major number
// where there is no other ("HTTP/2").
func protocol(name string) (proto string, major, minor int) {
	if major, minor, ok := http.ParseHTTPVersion(name); ok {
		return name, major, minor
	}
	if major, minor, ok := http.ParseHTTPVersion(name + ".0"); ok {
		return name + ".0", major, minor
	}
	return "HTTP/1.1", 1, 1
}

// socketAddress is the peer's address and port; empty where it has none, as at
// the other end of a pipe.
func socketAddress(peer *authv3.AttributeContext_Peer) string {
	at := peer.GetAddress().GetSocketAddress()
	if at.GetAddress() == "" {
		return ""
	}
	return net.JoinHostPort(at.GetAddress(), strconv.FormatUint(uint64(at.GetPortValue()), 10))
}
