package extauthz

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

// allowed returns the response that lets a request pass, with the identity headers of
// the response header and without those that the client sent, nor the other headers
// that only some servers read.
func allowed(request *authv3.AttributeContext_HttpRequest, header http.Header) *authv3.CheckResponse {
	ok := new(authv3.OkHttpResponse)
	remove := unwanted(request)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		values := header[name]
		switch {
		case name == "Set-Cookie":
			ok.ResponseHeadersToAdd = add(nil, name, values)
		case name == "Cookie":
			if cookies := strings.Join(values, "; "); cookies != "" {
				ok.Headers = set(ok.Headers, name, []string{cookies})
			} else {
				remove = append(remove, lower(name))
			}
		case headers.IsIdentity(name) && strings.Join(values, "") != "":
			ok.Headers = set(ok.Headers, name, values)
		}
	}
	// Envoy sets headers before it removes some (ext_authz.cc, Filter::onComplete),
	// so a name in both lists would not reach the upstream.
	remove = slices.DeleteFunc(remove, func(name string) bool {
		return slices.ContainsFunc(ok.Headers, func(h *corev3.HeaderValueOption) bool { return h.Header.Key == name })
	})
	slices.Sort(remove)
	ok.HeadersToRemove = slices.Compact(remove)
	return &authv3.CheckResponse{
		Status:       &status.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: ok},
	}
}

// unwanted returns the names of the headers that a client must not send: the usual
// identity headers, because an Envoy with a narrow allowed_headers does not pass them
// on, and what the request has of them in other spellings, of Content_Length and the
// like, and of headers that name another path.
func unwanted(request *authv3.AttributeContext_HttpRequest) []string {
	usual := headers.Identity()
	names := make([]string, 0, 2*len(usual))
	for _, name := range usual {
		names = append(names, lower(name))
	}
	for name := range headerFields(request) {
		if headers.IsIdentity(name) || headers.IsDisguised(name) || headers.NamesTarget(name) {
			names = append(names, lower(name))
		}
	}
	return names
}

// denied returns the response that Envoy sends to the visitor instead of the
// upstream's.
func denied(statusCode int, header http.Header, body string) *authv3.CheckResponse {
	code := codes.PermissionDenied
	if statusCode == http.StatusUnauthorized || statusCode == http.StatusFound {
		code = codes.Unauthenticated
	}
	no := &authv3.DeniedHttpResponse{
		Status: &typev3.HttpStatus{Code: typev3.StatusCode(statusCode)},
		Body:   strings.ToValidUTF8(body, string(utf8.RuneError)), // gRPC cannot send other strings
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		switch name {
		case "Connection", "Content-Length", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade":
			// They concern the connection, which is Envoy's.
		default:
			no.Headers = set(no.Headers, name, header[name])
		}
	}
	return &authv3.CheckResponse{
		Status:       &status.Status{Code: int32(code)},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: no},
	}
}

// set appends to options those that give the header the values and no others: the
// first one replaces the header that the client sent, or that Envoy's own responses
// have (Content-Type).
func set(options []*corev3.HeaderValueOption, name string, values []string) []*corev3.HeaderValueOption {
	first := len(options)
	options = add(options, name, values)
	if len(options) > first {
		options[first].AppendAction = corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD
	}
	return options
}

// add appends to options those that add the values to the header.
func add(options []*corev3.HeaderValueOption, name string, values []string) []*corev3.HeaderValueOption {
	name = lower(name)
	for _, value := range values {
		options = append(options, &corev3.HeaderValueOption{
			Header:       &corev3.HeaderValue{Key: name, Value: sendable(value)},
			AppendAction: corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD,
		})
	}
	return options
}

// sendable returns a header value that gRPC can send. Like net/http, it replaces line
// breaks and other control characters with spaces; like Envoy, it replaces what is not
// UTF-8 with exclamation marks.
func sendable(value string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == utf8.RuneError:
			return '!'
		case c < ' ' && c != '\t', c == 0x7f:
			return ' '
		}
		return c
	}, value)
}

// lower returns name with the capital letters of ASCII in lower case. It does not
// change others: strings.ToLower would make a k of the Kelvin sign.
func lower(name string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + ('a' - 'A')
		}
		return c
	}, name)
}
