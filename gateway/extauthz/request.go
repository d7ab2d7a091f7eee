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

// errMethod is the error of a request whose method is not a token.
var errMethod = errors.New("method: not a token")

// newRequest returns the visitor's request that check describes. Its target is what
// Envoy received, byte for byte. An error is returned for a request that net/http's
// server would not pass to a handler, and for one that an upstream could read
// differently. The error does not quote the request.
func newRequest(ctx context.Context, check *checkRequest) (*http.Request, error) {
	if check.err != nil {
		return nil, errors.New("message: invalid protobuf or UTF-8")
	}
	attributes := check.message.GetAttributes()
	request := attributes.GetRequest().GetHttp()
	host, u, err := address(request)
	if err != nil {
		return nil, err
	}
	if request.GetMethod() == "" || request.GetMethod() == http.MethodConnect {
		return nil, errors.New("method: missing, or CONNECT")
	}
	r, err := http.NewRequestWithContext(traced(ctx), request.GetMethod(), "", http.NoBody)
	if err != nil {
		return nil, errMethod
	}
	r.URL, r.RequestURI, r.Host = u, request.GetPath(), host
	r.Proto, r.ProtoMajor, r.ProtoMinor = protocol(request.GetProtocol())
	r.RemoteAddr = socketAddress(attributes.GetSource())
	for name, value := range headerFields(request) {
		if name = http.CanonicalHeaderKey(name); name != "Host" {
			r.Header[name] = append(r.Header[name], value)
		}
	}
	return r, nil
}

// address returns the host and the URL of a request. The host is empty if the request
// has none, as in HTTP/1.0; such a request is for the only site.
func address(request *authv3.AttributeContext_HttpRequest) (host string, u *url.URL, err error) {
	host = cmp.Or(request.GetHost(), request.GetHeaders()[":authority"], request.GetHeaders()["host"])
	if strings.ContainsFunc(host, notInHost) {
		return "", nil, errors.New("host: invalid character")
	}
	target := request.GetPath()
	if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " #") {
		return "", nil, errors.New("path: no slash at its beginning, a space, or a fragment")
	}
	u, err = url.ParseRequestURI(target)
	if err != nil {
		return "", nil, errors.New("path: control character or invalid percent-encoding")
	}
	return host, u, nil
}

// headerFields yields the names and values of a request's header without the pseudo
// headers of HTTP/2, which Envoy includes. They are in "headers", with the values of
// one name joined, or with encode_raw_headers one by one in "header_map" (Envoy's
// attribute_context.proto).
func headerFields(request *authv3.AttributeContext_HttpRequest) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for name, value := range request.GetHeaders() {
			if isHeader(name) && !yield(name, value) {
				return
			}
		}
		for _, h := range request.GetHeaderMap().GetHeaders() {
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

// isHeader reports whether name is not that of a pseudo header.
func isHeader(name string) bool { return name != "" && name[0] != ':' }

// notInHost reports whether a host and port cannot contain c.
func notInHost(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`/\?#@`, c)
}

// protocol parses the version of HTTP. Envoy writes HTTP/2 without a minor number.
func protocol(name string) (proto string, major, minor int) {
	if major, minor, ok := http.ParseHTTPVersion(name); ok {
		return name, major, minor
	}
	if major, minor, ok := http.ParseHTTPVersion(name + ".0"); ok {
		return name + ".0", major, minor
	}
	return "HTTP/1.1", 1, 1
}

// socketAddress returns the peer's address and port. It is empty for a peer without
// one, such as a pipe.
func socketAddress(peer *authv3.AttributeContext_Peer) string {
	socket := peer.GetAddress().GetSocketAddress()
	if socket.GetAddress() == "" {
		return ""
	}
	return net.JoinHostPort(socket.GetAddress(), strconv.FormatUint(uint64(socket.GetPortValue()), 10))
}
